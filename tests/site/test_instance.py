"""All that a city has made its own stands outside of the checkout, which stays as it was cloned."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import another_city
import pytest
from served import ROOT, Served

CODE = ("app.py", "blueprints", "templates", "static")


def cloned(folder: Path) -> Path:
    """Return a checkout, with nothing in it that may be written."""
    folder.mkdir()
    for name in CODE:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, folder / name)
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def state(folder: Path) -> dict[str, str]:
    """Return the digest of each file of a checkout that git would see."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@contextmanager
def served(checkout: Path, **settings: str) -> Iterator[Served]:
    site = Served(**settings)
    site.root = checkout
    site.start()
    try:
        yield site
    finally:
        site.stop()


def page(site: Served, path: str, form: dict[str, str] | None = None) -> str:
    body = urlencode(form).encode() if form else None
    asked = Request(f"http://127.0.0.1:{site.port}{path}", body, {"Sec-Fetch-Site": "same-origin"})
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own server
        text: str = answer.read().decode()
        return text


@pytest.mark.slow
def test_a_city_runs_and_edits_its_site_and_the_checkout_stays_as_it_was(tmp_path: Path) -> None:
    checkout, own = cloned(tmp_path / "checkout"), tmp_path / "own"
    before = state(checkout)
    settings = another_city.write(own) | {"INSTANCE": str(tmp_path / "instance")}
    with served(checkout, **settings) as site:
        english, portuguese = page(site, "/"), page(site, "/pt/")
        for words in ("The tram of Braga", "Trams, all of them", "Braga Tram", "bom-jesus.svg"):
            assert words in english
        assert f"{another_city.NAME}, in collaboration" in english
        assert '<img src="/pictures/' in portuguese
        assert "Remember what you choose" in page(site, "/cookies")
        page(site, "/cookies", {"choice": "reject", "next": "/"})
        (own / "texts/en/tram.md").write_text(
            another_city.ARTICLE.format(slug="tram", image="").replace("It comes", "It is")
        )
        until = monotonic() + 20
        while "It is back." not in page(site, "/"):
            assert monotonic() < until
            sleep(0.2)
        verified = site.flask("consent", "verify")
        assert verified.returncode == 0, verified.stderr
    for name, old, new in (
        ("messages.toml", "Braga Tram", "Tram of Braga"),
        ("topics.toml", "Trams, all", "Trams, each"),
        ("notice.toml", "Cookies Policy", "About cookies"),
        ("site.toml", "Invista em Braga", "Braga"),
        ("registry.toml", "Remember what", "Keep what"),
    ):
        text = (own / name).read_text("utf-8")
        assert old in text
        (own / name).write_text(text.replace(old, new), "utf-8")
    with served(checkout, **settings) as site:
        english = page(site, "/")
        for words in ("Tram of Braga", "Trams, each", "About cookies", "– Braga</title>"):
            assert words in english
        assert "Keep what you choose" in page(site, "/cookies")
    assert state(checkout) == before
