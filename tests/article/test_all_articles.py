"""The titles of articles: ten on the front page, all of them on a page of their own."""

from pathlib import Path

import pytest
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite
from flask import Flask
from playwright.sync_api import Browser
from served import serving

pytestmark = pytest.mark.stores("sqlite")

ALL = {"en": "/articles", "pt": "/pt/artigos"}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    for language in ("en", "pt"):
        folder = tmp_path / "texts" / language
        folder.mkdir(parents=True)
        for number in range(1, 14):
            date = f"{2010 + number // 2}-01-02"
            text = f"---\ntitle: No. {number}\ndate: {date}\nsummary: S\n---\nWords."
            (folder / f"a{number:02}.md").write_text(text, encoding="utf-8")
    return {"ARTICLES": str(tmp_path / "texts")}


def titles(page: Page) -> list[str]:
    lists = page.all("ul", class_="titles")
    return [text_of(link) for each in lists for link in each.iter(HTML + "a")]


def test_the_front_page_has_ten_titles_and_leads_to_all(site: Flask) -> None:
    page = Visitor(site).get("/")
    assert text_of(page.one("h1")) == "No. 13"
    assert titles(page) == [f"No. {number}" for number in range(12, 2, -1)]
    for path in ("/", "/articles/a05"):
        assert Visitor(site).get(path).all("a", href=ALL["en"])


@pytest.mark.parametrize("language", ["en", "pt"])
def test_all_articles_stand_by_year_on_a_page_of_their_own(site: Flask, language: str) -> None:
    visitor = Visitor(site)
    page = visitor.get(ALL[language])
    assert titles(page) == [f"No. {number}" for number in range(13, 0, -1)]
    years = [text_of(heading) for heading in page.one("main").iter(HTML + "h2")]
    assert years == [str(year) for year in range(2016, 2009, -1)]
    alternates = {link.get("hreflang"): link.get("href") for link in page.all("link")}
    for code, path in ALL.items():
        assert alternates[code] == f"http://localhost{path}"
        assert f"http://localhost{path}" in visitor.raw_get("/sitemap.xml").text


def test_a_long_word_in_a_title_makes_no_page_wider(
    browser: Browser, make_site: MakeSite, tmp_path: Path
) -> None:
    (tmp_path / "texts/en").mkdir(parents=True)
    for day, name in enumerate("abc", start=1):
        text = (
            f"---\ntitle: {'Donaudampfschifffahrt' * 2}\ndate: 2026-01-0{day}\nsummary: S\n---\nA."
        )
        (tmp_path / f"texts/en/{name}.md").write_text(text, encoding="utf-8")
    with serving(make_site(ARTICLES=str(tmp_path / "texts"))) as address:
        page = browser.new_page(base_url=address)
        for path in ("/", ALL["en"], "/articles/b", "/none"):
            page.goto(path)
            for width, letters in ((320, "100%"), (390, "200%")):
                page.set_viewport_size({"width": width, "height": 800})
                page.evaluate("size => { document.documentElement.style.fontSize = size }", letters)
                assert page.evaluate("document.documentElement.scrollWidth") == width, path
        page.close()
