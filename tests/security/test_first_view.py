"""A first view has its stylesheet in itself; whoever has the file is sent a link to it."""

from pathlib import Path
from typing import Any

import another_city
import pytest
from addresses import addresses
from browserlike import Visitor, policy_of, text_of
from conftest import MakeSite
from flask import Flask
from markupsafe import Markup
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import serving

pytestmark = pytest.mark.stores("sqlite")

LOOK = """() => [...document.querySelectorAll("body, body *:not(script)")].map(element => {
  const { left, top, width, height } = element.getBoundingClientRect();
  const { color, backgroundColor, fontFamily, fontSize } = getComputedStyle(element);
  return [element.tagName, left, top, width, height, color, backgroundColor, fontFamily, fontSize];
})"""


def stylesheet_of(visitor: Visitor) -> str:
    address = visitor.get("/privacy").one("link", rel="stylesheet").get("href") or ""
    return visitor.raw_get(address).text


def test_articles_have_the_stylesheet_for_whoever_sends_no_cookie(site: Flask) -> None:
    stranger = Visitor(site)
    page = stranger.get("/")
    assert text_of(page.one("style")) == " ".join(stylesheet_of(stranger).split())
    assert not page.all("link", rel="stylesheet")
    for cookie in ("=b", ";", "a=b", "session=unknown"):  # The first two are none, and came along.
        known = stranger.get("/", Cookie=cookie)
        assert not known.all("style")
        known.one("link", rel="stylesheet")
    chosen = Visitor(site)
    assert not chosen.choose("reject").all("style")


def test_no_policy_lets_in_a_style_that_does_not_stand_in_the_page(site: Flask) -> None:
    visitor = Visitor(site)
    found = set()
    for path in (*addresses(site), "/none"):
        answer = visitor.raw_get(path)
        has_hash = "'sha256-" in policy_of(answer).get("style-src", "")
        assert has_hash is (b"<style>" in answer.data), path
        found.add(has_hash)
    assert found == {True, False}


def test_a_first_view_in_a_city_of_other_colours_has_these(
    make_site: MakeSite, tmp_path: Path
) -> None:
    ours, own = (
        text_of(Visitor(make_site(**settings)).get("/").one("style"))
        for settings in ({}, another_city.write(tmp_path / "own"))
    )
    assert ours != own


def test_where_nothing_can_be_written_a_first_view_has_its_style(
    make_site: MakeSite, tmp_path: Path
) -> None:
    (tmp_path / "static").touch()  # A file where the folder would have to be.
    assert "--ground" in text_of(Visitor(make_site(INSTANCE=str(tmp_path))).get("/").one("style"))


@pytest.mark.parametrize("path", ["/", "/pt/?theme=dark", "/?size=larger"])
def test_a_first_view_looks_like_the_same_page_with_the_file(
    browser: Browser, address: str, path: str
) -> None:
    looks, pictures = [], []
    for cookies in ([], [{"name": "a", "value": "b", "url": address}]):
        context = browser.new_context(base_url=address)
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        told = complaints(page)
        page.goto(path, wait_until="networkidle")
        assert page.locator("style").count() == (not cookies)
        looks.append(page.evaluate(LOOK))
        pictures.append(page.screenshot(full_page=True))
        assert told == []
        context.close()
    assert looks[0] == looks[1]
    assert pictures[0] == pictures[1]


def complaints(page: Page) -> list[str]:
    """Collect what the browser says of a broken policy."""
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    return told


def test_another_style_in_a_first_view_is_blocked(browser: Browser, site: Flask) -> None:
    original: Any = site.jinja_env.globals["inlined_style"]
    other = Markup("h1 { opacity: 0.5 }</style>")
    site.jinja_env.globals["inlined_style"] = lambda: original().removesuffix("</style>") + other
    with serving(site) as address:
        page = browser.new_page()
        told = complaints(page)
        page.goto(address)
        assert page.locator("h1").evaluate("title => getComputedStyle(title).opacity") == "1"
        assert any("Content Security Policy" in text for text in told)
        page.close()


def test_after_a_choice_the_next_page_has_the_file_already(context: BrowserContext) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto("/", wait_until="networkidle")
    assert "site.css" not in asked
    page.get_by_role("button", name="Accept all cookies").click()
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.locator("head > link[rel=stylesheet]")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert asked.count("site.css") == 1
    page.get_by_role("button", name="Withdraw consent").click()
    expect(page.get_by_role("status")).to_contain_text("withdrawn")
    expect(page.locator("head > link[href$='site.css']")).to_have_count(1)
