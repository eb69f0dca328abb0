"""An editor's pictures: made once into sizes that suit a screen, described, and never dangerous."""

import io
import json
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser
from served import serving

from blueprints.article.broken import BrokenArticleError
from blueprints.article.content import read_library
from blueprints.article.pictures import Pictures

pytestmark = pytest.mark.stores("sqlite")

TEXT = """---
title: A title
date: 2026-01-02
summary: A summary
image: porto.jpg
image_alt: The "river"
caption: Porto in June
credit: Photograph by Ana Sousa
---
First words.

![A tram](tram.png "Line 1")

Last words.
"""
PLACE, TURNED = 0x8825, 0x0112  # EXIF


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for folder in ("en", "images"):
        (tmp_path / "texts" / folder).mkdir(parents=True)
    (tmp_path / "texts/en/a.md").write_text(TEXT, encoding="utf-8")
    exif = Image.Exif()
    exif[TURNED] = 6  # the camera was held upright
    exif[PLACE] = {1: "N", 2: (41.0, 8.0, 0.0)}
    photograph = Image.radial_gradient("L").resize((1500, 1000)).convert("RGB")
    photograph.save(tmp_path / "texts/images/porto.jpg", exif=exif)
    Image.new("RGBA", (600, 300), (0, 90, 200, 128)).save(tmp_path / "texts/images/tram.png")
    return tmp_path / "texts"


@pytest.fixture
def settings(texts: Path, tmp_path: Path) -> dict[str, str]:
    return {"ARTICLES": str(texts), "INSTANCE": str(tmp_path / "instance")}


def figures(page: Page) -> list[ET.Element]:
    return list(page.one("article").iter(HTML + "figure"))


def image_of(figure: ET.Element) -> ET.Element:
    (image,) = figure.iter(HTML + "img")
    return image


def test_each_picture_comes_in_sizes_with_words_and_its_place_is_held_open(site: Flask) -> None:
    visitor = Visitor(site)
    cover, tram = figures(visitor.get("/"))
    photograph = image_of(cover)
    assert (photograph.get("width"), photograph.get("height")) == ("1000", "1500")
    assert photograph.get("alt") == 'The "river"'
    assert photograph.get("loading") is None
    assert text_of(cover) == "Porto in June Photograph by Ana Sousa"
    widths = {}
    for source in (photograph.get("srcset") or "").split(", "):
        address, width = source.split()
        answer = visitor.raw_get(address)
        shown = Image.open(io.BytesIO(answer.data))
        assert (answer.mimetype, shown.format, f"{shown.width}w") == ("image/webp", "WEBP", width)
        assert round(shown.height / shown.width, 2) == 1.5
        assert not shown.getexif(), "nobody is told where it was taken"
        cached = answer.headers["Cache-Control"]
        assert {"public", "immutable", "max-age=31536000"} <= set(cached.split(", "))
        widths[width] = len(answer.data)
    assert list(widths) == ["480w", "960w", "1000w"]
    assert image_of(tram).get("loading") == "lazy"
    assert (image_of(tram).get("width"), image_of(tram).get("alt")) == ("600", "A tram")
    assert text_of(tram) == "Line 1"


def test_a_smaller_kind_is_offered_only_where_it_is_smaller(site: Flask) -> None:
    visitor = Visitor(site)
    for figure in figures(visitor.get("/")):
        addresses = [part.split()[0] for part in (image_of(figure).get("srcset") or "").split(", ")]
        avif = [address.replace(".webp", ".avif") for address in addresses]
        is_offered = bool(list(figure.iter(HTML + "source")))
        sizes = [len(visitor.raw_get(address).data) for address in addresses]
        for address, size in zip(avif, sizes, strict=True):
            answer = visitor.raw_get(address)
            assert (answer.status_code == 200) is is_offered
            assert not is_offered or len(answer.data) < size


def test_previews_and_the_feed_have_the_picture_of_the_article(site: Flask) -> None:
    visitor = Visitor(site)
    page = visitor.get("/")
    (preview,) = page.all("meta", property="og:image")
    (script,) = page.all("script", type="application/ld+json")
    assert json.loads("".join(script.itertext()))["image"] == [preview.get("content")]
    answer = visitor.raw_get((preview.get("content") or "").removeprefix("http://localhost"))
    assert Image.open(io.BytesIO(answer.data)).size == (1200, 630)
    feed = ET.fromstring(visitor.raw_get("/feed.xml").data)
    content = feed.findtext("{*}entry/{*}content") or ""
    assert content.count('<img src="http://localhost/pictures/') == 2
    assert "<figcaption>Line 1</figcaption>" in content


def test_an_article_without_a_picture_has_the_drawing_which_says_what_it_is(
    make_site: MakeSite,
) -> None:
    visitor = Visitor(make_site())
    (english,), (portuguese,) = figures(visitor.get("/")), figures(visitor.get("/pt/"))
    assert text_of(english) == "Drawing: the Dom Luís I bridge, Porto"
    assert [span.get("lang") for span in english.iter(HTML + "span")] == ["pt"]
    assert text_of(portuguese).startswith("Desenho: ")
    for figure in (english, portuguese):
        assert len((image_of(figure).get("alt") or "").split()) <= 20


def test_a_picture_is_made_once_however_many_start(texts: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"

    def start(_number: int) -> str:
        return Pictures(texts / "images", made).make("tram.png").digest

    with ThreadPoolExecutor(4) as processes:
        (digest,) = set(processes.map(start, range(4)))
    before = {file: file.stat().st_mtime_ns for file in (made / digest).iterdir()}
    start(5)
    assert {file: file.stat().st_mtime_ns for file in (made / digest).iterdir()} == before
    assert [folder.name for folder in made.iterdir()] == [digest]


def png(width: int, height: int) -> bytes:
    """A few bytes that say they are this large a picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (png(8000, 8000), "cannot be used: it has more than 50 million pixels"),
        (png(10_000, 10_000), "cannot be used: "),
        (png(60_000, 60_000), "cannot be used: "),
        (png(300, 300), "cannot be used: "),  # cut off
        (b"no picture", "is no JPEG, PNG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no JPEG, PNG or WebP"),
        (b"", "is no JPEG, PNG or WebP"),
        (b"\xff" * (26 * 1024 * 1024), "has 26 MB; 25 are the most"),
    ],
)
def test_a_broken_or_huge_picture_is_refused_with_one_sentence(
    texts: Path, tmp_path: Path, file: bytes, says: str
) -> None:
    (texts / "images/tram.png").write_bytes(file)
    with pytest.raises(BrokenArticleError) as caught:
        read_library(texts, tmp_path / "made")
    (problem,) = caught.value.problems
    assert problem.startswith(f"en/a.md: line 12: the picture 'tram.png' {says}")
    assert str(tmp_path) not in problem
    assert not [folder for folder in (tmp_path / "made").iterdir() if "." in folder.name]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('image_alt: The "river"\n', "", "image_alt is missing: words that say what the image"),
        ('The "river"', '""', "image_alt is missing"),
        ("image: porto.jpg\n", "", "image_alt is said of no image"),
        ("porto.jpg", "none.jpg", "image: 'none.jpg' is not the name of a file in images/"),
        ("porto.jpg", "../en/a.md", "image: '../en/a.md' is not the name of a file in images/"),
    ],
)
def test_a_picture_has_words_and_is_where_it_is_said_to_be(
    texts: Path, tmp_path: Path, old: str, new: str, says: str
) -> None:
    (texts / "en/a.md").write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(BrokenArticleError) as caught:
        read_library(texts, tmp_path / "made")
    assert caught.value.problems[0].startswith(f"en/a.md: {says}")


def test_nothing_but_pictures_is_given_away(site: Flask) -> None:
    visitor = Visitor(site)
    for address in ("/pictures/%2e%2e/secret_key", "/pictures/x/y.webp", "/pictures/x"):
        assert visitor.raw_get(address).status_code == 404


def test_on_a_phone_a_small_picture_stays_small_and_a_tall_one_is_seen_whole(
    make_site: MakeSite, texts: Path, browser: Browser
) -> None:
    for name, size in (("small", (60, 60)), ("tall", (700, 2400)), ("wide", (1500, 900))):
        Image.new("RGB", size).save(texts / f"images/{name}.png")
        with (texts / "en/a.md").open("a", encoding="utf-8") as text:
            text.write(f"\n![{name}]({name}.png)\n")
    with (
        serving(make_site(ARTICLES=str(texts))) as address,
        browser.new_page(viewport={"width": 390, "height": 664}) as page,
    ):
        page.goto(address)
        images = page.locator("img").evaluate_all(
            "all => Object.fromEntries(all.map(one => [one.alt, one.getBoundingClientRect()]))"
        )
        assert (images["small"]["width"], images["small"]["height"]) == (60, 60)
        assert images["tall"]["height"] < 600
        assert (images["wide"]["x"], images["wide"]["width"]) == (0, 390)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_is_clear_in_a_picture_is_white_as_on_paper(site: Flask) -> None:
    """The black lines of a drawing on nothing would vanish on a dark page."""
    visitor = Visitor(site)
    _cover, tram = figures(visitor.get("/"))
    shown = Image.open(io.BytesIO(visitor.raw_get(image_of(tram).get("src") or "").data))
    assert shown.mode == "RGB"
    red, _green, blue = shown.getpixel((300, 150))  # type: ignore[misc]
    assert 110 < red < 140, "half of the ink, half of the paper"
    assert blue > 200
