"""What a site is called and what it looks like: said in one file, seen everywhere."""

import io
import re
import sys
from pathlib import Path

import another_city
import msgspec
import pytest
from addresses import addresses
from another_city import DAY, NAME, NIGHT, SLUGS
from browserlike import Visitor
from conftest import MakeSite
from flask import Flask
from PIL import Image, ImageChops
from served import ROOT

from app import create_app
from blueprints.site.setup import SHIPPED

OF_PORTO = re.compile(r"invest-?porto|\bporto\b|#17457c|#9cc4f2", re.IGNORECASE)
ADDRESS, CONTACT = "Praça do Município, Braga", "dados@braga.test"
RED = (0x7A, 0x1F, 0x1F)
COMMANDS = [
    *(("deploy", what) for what in ("caddy", "container", "nginx", "systemd", "timers")),
    ("consent", "policy", "list"),
    ("consent", "policy", "show", "{notice}"),
    ("consent", "report"),
    ("consent", "report", "--html", "{folder}/report.html"),
    ("consent", "export", "--format", "csv"),
    ("consent", "verify"),
    ("consent", "check-receipt", "{folder}/receipt"),
    ("consent", "find", "{folder}/receipt"),
    ("consent", "find", "{folder}/receipt", "--html"),
    ("article", "check"),
]


@pytest.fixture
def braga(make_site: MakeSite, tmp_path: Path) -> Flask:
    settings = another_city.write(tmp_path / "braga")
    return make_site(TRUSTED_HOSTS="localhost", **settings)


@pytest.mark.needs("rights")
def test_the_old_name_and_colour_are_on_no_page_of_a_renamed_site(braga: Flask) -> None:
    visitor = Visitor(braga)
    pages = []
    for choose in (False, True):
        if choose:
            visitor.choose("accept_all")
        for address in [*addresses(braga, SLUGS), "/none", "/pt/none"]:
            answer = visitor.raw_get(address)
            kind = answer.mimetype or ""
            if kind == "text/html":
                look = visitor.frame if address.endswith("/embeds/1") else visitor.get
                pages.append(look(address))  # whose title has the new name
                assert f"{NAME}, {ADDRESS}" in pages[-1].text or "<base" in answer.text, address
            if not kind.startswith("image/"):
                assert not OF_PORTO.search(answer.text), (address, choose)
    assert len(pages) > 50
    assert any("<base" in page.response.text for page in pages), "no embed was seen"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/feed.xml", f"<title>{NAME}</title>"),
        ("/feed.xml", f"<name>{NAME}</name>"),
        ("/articles/the-tram", f'property="og:site_name" content="{NAME}"'),
        ("/articles/the-tram", f'<meta name="theme-color" content="{DAY}">'),
        ("/.well-known/security.txt", f"Contact: mailto:{CONTACT}\n"),
        ("/privacy", f"The controller is {NAME}, {ADDRESS}"),
        ("/accessibility", "2 May 2026"),
        ("/", 'Drawing: <span lang="pt">Bom Jesus</span> &amp; its 573 steps'),
    ],
)
def test_the_new_name_stands_where_the_old_one_was(braga: Flask, address: str, says: str) -> None:
    assert says in Visitor(braga).raw_get(address).text


def test_a_page_that_needs_nothing_has_the_new_name_as_well(braga: Flask) -> None:
    braga.jinja_env.loader = None
    assert f" – {NAME}</title>" in Visitor(braga).raw_get("/none").text


def test_the_new_look_is_in_every_file(braga: Flask) -> None:
    folder: Path = braga.extensions["static_files"]
    texts = [each for each in folder.rglob("*") if each.suffix in {".css", ".svg", ".webmanifest"}]
    for file in texts:
        if not file.name.startswith("porto"):
            assert not OF_PORTO.search(file.read_text("utf-8")), file
    assert f"--blue: light-dark({DAY}, {NIGHT});" in (folder / "css/site.css").read_text("utf-8")
    manifest = (folder / "site.webmanifest").read_text("utf-8")
    assert f'"name": "{NAME}"' in manifest
    assert f'"theme_color": "{DAY}"' in manifest
    favicon = Visitor(braga).raw_get("/favicon.ico").data
    assert favicon == (folder / "img/favicon.ico").read_bytes()
    for name in ("icon-192.png", "icon-512.png", "apple-touch-icon.png", "favicon.ico"):
        with Image.open(folder / "img" / name) as icon:
            width, height = icon.size
            assert icon.convert("RGB").getpixel((width // 2, height // 2 - height // 16)) == RED
            shipped = Image.open(ROOT / "static/img" / name).convert("RGB")
            assert icon.convert("RGB").getpixel((width // 2, height // 4)) == shipped.getpixel(
                (width // 2, height // 4)
            )


def test_a_preview_has_the_new_name_colour_and_picture(braga: Flask) -> None:
    drawn = Image.open(io.BytesIO(Visitor(braga).raw_get("/articles/the-tram/social.png").data))
    assert drawn.convert("RGB").getpixel((5, 5)) == RED
    assert drawn.convert("RGB").getpixel((5, 600)) == (0xC9, 0xA2, 0x27)
    braga.extensions["site"] = msgspec.structs.replace(braga.extensions["site"], name="Another")
    again = Image.open(io.BytesIO(Visitor(braga).raw_get("/articles/the-tram/social.png").data))
    assert ImageChops.difference(drawn.convert("RGB"), again.convert("RGB")).getbbox()


@pytest.mark.needs("operator")
def test_what_the_operator_is_told_has_the_new_name(braga: Flask, tmp_path: Path) -> None:
    visitor = Visitor(braga)
    visitor.choose("accept_all")
    (tmp_path / "receipt").write_bytes(visitor.raw_get("/cookies/receipt").data)
    values = {"folder": tmp_path, "notice": braga.extensions["notices"].in_force["en"].id}
    for command in COMMANDS:
        told = braga.test_cli_runner().invoke(args=[part.format(**values) for part in command])
        assert told.exit_code == 0, (command, told.output)
        # Whose checkout it is says where it lies.
        text = told.output.replace(str(ROOT), "").replace(sys.executable, "")
        assert not OF_PORTO.search(text), command
    report = (tmp_path / "report.html").read_text("utf-8")
    assert not OF_PORTO.search(report)
    assert f"– {NAME}</title>" in report
    assert f"--given: {DAY};" in report


SETTINGS = {"SECRET_KEY": "k" * 32, "SQLALCHEMY_DATABASE_URI": "sqlite:///"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "InvestPorto"\n', "", "Object missing required field `name`"),
        ('"InvestPorto"', '""', "Expected another text - at `$.name`"),
        ('"InvestPorto"', '"Invest\\nPorto"', "Expected another text - at `$.name`"),
        ('"InvestPorto"', "3", "Expected `str`, got `int` - at `$.name`"),
        ("name =", "nam =", "Object contains unknown field `nam`"),
        ("2026-11-27", '"Friday"', "Expected `date`, got `str` - at `$.accessibility.assessed`"),
        ('"porto.svg"', '"none.svg"', "img/ beside it has no file none.svg"),
        ('"porto.svg"', '"../site.toml"', "Expected another text - at `$.picture.file`"),
        (
            "[picture]",
            "[colours]\nbleu = { light = '#fff', dark = '#000' }\n[picture]",
            "site.css has",
        ),
        ("[picture]", "[colours]\nblue = { light = '#fff', dark = 'navy' }\n[picture]", "Expected"),
        ("[picture]", "[picture", "Expected ']'"),
    ],
)
def test_a_file_that_cannot_be_right_stops_the_start(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = tmp_path / "mine.toml"
    text = SHIPPED.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        create_app(SETTINGS | {"INSTANCE": str(tmp_path), "SITE": str(file)})
    told = str(stopped.value)
    assert told.startswith(f"FLASK_SITE, mine.toml, is wrong: {says}")
    assert told.endswith(".")
    assert "\n" not in told
