"""Promises about every page, over the address map itself."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha384
from pathlib import Path

import pytest
from addresses import addresses
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite
from log import lose

ROOT = Path(__file__).parents[2]
OWN_FILES = {"site.css", "cookies.css", "consent.js", "reader.js", "place.js"}


def test_every_template_compiles(make_site: MakeSite) -> None:
    site = make_site()
    names = site.jinja_env.list_templates()
    assert len(names) > 5
    for name in names:
        site.jinja_env.get_template(name)


def test_no_address_stores_anything_before_a_choice(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    for address in addresses(site):
        answer = visitor.raw_get(address)
        # There is none before a choice, and nothing of others in the article.
        is_there = not address.endswith(("/cookies/receipt", "/embeds/1"))
        assert answer.status_code == (200 if is_there else 404), address
        assert "Set-Cookie" not in answer.headers, address


def every_page(visitor: Visitor) -> Iterator[tuple[str, Page, bool]]:
    """Each address with its page, before a choice and after one."""
    for has_chosen in (False, True):
        if has_chosen:
            visitor.choose("accept_all")
        for address in addresses(visitor.site):
            if visitor.raw_get(address).mimetype == "text/html":
                yield address, visitor.get(address), has_chosen


def test_every_page_is_whole_before_and_after_a_choice(make_site: MakeSite) -> None:
    for address, page, has_chosen in every_page(Visitor(make_site())):
        asks = not has_chosen and not address.endswith("/cookies")
        assert (page.banner is not None) is asks, address


def test_every_page_says_what_its_scripts_and_stylesheets_are(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    said = set()
    for _address, page, _has_chosen in every_page(visitor):
        styles = [("href", style) for style in page.all("link", rel="stylesheet")]
        for name, file in (*styles, *(("src", script) for script in page.all("script"))):
            if source := file.get(name):  # None: data for search engines
                said.add((source, file.get("integrity")))
    assert {source.rpartition("/")[2] for source, _ in said} >= OWN_FILES
    for source, integrity in said:
        digest = sha384(visitor.raw_get(source).data).digest()
        assert integrity == f"sha384-{b64encode(digest).decode()}", source


def test_every_cookie_that_is_set_is_declared_and_the_other_way_round(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    page = visitor.choose("accept_all")
    visitor.submit(page.form("/preferences"), ticks=("large", "dark"))
    declared = {
        cookie.name
        for service in site.extensions["registry"].services
        for cookie in service.cookies
        if cookie.set_by == "server"
    }
    seen = visitor.cookies
    lose(site, "consent_records")
    visitor.post("/cookies/withdraw", {})  # It cannot be recorded, so that the browser keeps it.
    assert seen | visitor.cookies == declared


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_three_buttons_are_alike_and_nothing_is_ticked(
    make_site: MakeSite, language: str
) -> None:
    page = Visitor(make_site()).get("/" if language == "en" else "/pt/")
    assert page.banner is not None
    buttons = [button for button in page.all("button") if button.get("name") == "choice"]
    assert [button.get("value") for button in buttons] == [
        "accept_selected",
        "accept_all",
        "reject",
    ]
    assert {tuple(sorted(set(button.keys()))) for button in buttons} == {("name", "value")}
    settings = Visitor(make_site()).get("/cookies" if language == "en" else "/pt/cookies")
    for each in (page, settings):
        boxes = each.all("input", type="checkbox")
        assert [box.get("value") for box in boxes] == ["personalization", "advertising"]
        assert all(box.get("checked") is None for box in boxes)


def test_the_form_asks_for_nothing_but_the_choice(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    for path in ("/", "/cookies"):
        form = visitor.get(path).form("/cookies")
        fields = [field for tag in ("input", "button") for field in form.iter(HTML + tag)]
        names = [field.get("name") for field in fields if field.get("type") != "hidden"]
        assert set(names) == {"purposes", "choice"}
        hidden = {field.get("name") for field in fields if field.get("type") == "hidden"}
        assert hidden <= {"notice", "next"}


def test_every_article_is_whole_whatever_was_chosen(make_site: MakeSite) -> None:
    site = make_site()
    for path in ("/", "/pt/"):
        words = text_of(Visitor(site).get(path).one("article"))
        for choice in ("reject", "accept_all"):
            assert text_of(Visitor(site).choose(choice, path=path).one("article")) == words


@pytest.mark.slow
def test_no_path_of_a_machine_stands_in_the_project() -> None:
    for file in ROOT.rglob("*"):
        inside = file.relative_to(ROOT).parts
        if file.is_file() and inside[0] in {"blueprints", "templates", "static", "app.py"}:
            assert b"/home/" not in file.read_bytes(), file
