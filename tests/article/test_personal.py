"""What personalisation and advertising do for a reader, and that a withdrawal undoes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite
from evidence import ARTICLE, records, session_cookie
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect
from served import serving

from blueprints.article.broken import BrokenTableError
from blueprints.article.partners import (
    add_interests,
    choose,
    read_interests,
    read_messages,
)
from blueprints.article.preferences import Preferences, read_preferences

pytestmark = pytest.mark.stores("sqlite")

SHIPPED = Path(__file__).parents[2] / "blueprints/article/messages.toml"
STARTUPS = """---
title: Two start-ups
date: 2019-01-01
summary: A summary
topics: [minho, startups]
---
Words.
"""
MOBILITY = """---
title: A tram
date: 2020-01-01
summary: A summary
topics: [infrastructure]
---
Words.
"""


@pytest.fixture
def context(browser: Browser, site: Flask) -> Iterator[BrowserContext]:
    with serving(site) as address:
        context = browser.new_context(base_url=address, viewport={"width": 390, "height": 600})
        yield context
        context.close()


def look(visitor: Visitor, path: str = "/") -> str | None:
    return visitor.get(path).one("html").get("class")


def test_without_consent_a_look_works_for_the_page_view_and_is_forgotten(site: Flask) -> None:
    visitor = Visitor(site)
    form = visitor.get(ARTICLE).form("/preferences")
    answer = visitor.submit(form, ticks=("large", "dark"))
    assert answer.headers["Location"] == f"{ARTICLE}?size=large&theme=dark#reading"
    assert (
        look(visitor, answer.headers["Location"].removesuffix("#reading"))
        == "size-large theme-dark"
    )
    assert look(visitor, ARTICLE) is None
    assert visitor.cookies == set()


def test_what_is_kept_lasts_as_long_as_is_declared_and_no_visit_prolongs_it(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    visitor.post("/preferences", {"size": "large", "theme": "dark", "next": ARTICLE}).close()
    visitor.get(ARTICLE)
    for name, days in (("preferences", 180), ("interests", 90)):
        cookie = visitor.client.get_cookie(name)
        assert cookie is not None
        assert cookie.max_age == days * 24 * 60 * 60
    for path in (ARTICLE, "/"):
        assert "Set-Cookie" not in visitor.raw_get(path).headers


def test_with_consent_a_look_is_kept_until_the_withdrawal(site: Flask) -> None:
    visitor = Visitor(site)
    page = visitor.choose("accept_selected", ticks=("personalization",))
    answer = visitor.submit(page.form("/preferences"), ticks=("larger", "light"))
    assert answer.headers["Location"] == "/#reading"
    assert look(visitor) == "size-larger theme-light"
    assert look(visitor, "/pt/") == "size-larger theme-light"
    assert visitor.cookies == {"session", "preferences"}
    answer = visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    assert visitor.cookies == {"session"}
    assert look(visitor) is None


def test_a_preferences_cookie_without_consent_is_neither_read_nor_left(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.client.set_cookie("preferences", "size=larger")
    assert look(visitor) is None
    assert visitor.cookies == set()


@pytest.mark.parametrize(
    "sent",
    [
        {"size": "huge", "theme": "dark"},
        {"size": "large"},
        {"size": "large", "theme": "dark", "colour": "red"},
    ],
)
def test_a_wrong_look_is_refused(site: Flask, sent: dict[str, str]) -> None:
    assert Visitor(site).post("/preferences", sent).status_code == 400


@pytest.mark.parametrize("query", ["?size=huge", '?theme="><script>', "?size=large&size=x"])
def test_nonsense_in_the_address_changes_nothing(site: Flask, query: str) -> None:
    assert look(Visitor(site), f"/{query}") in {None, "size-large"}


@pytest.mark.parametrize("value", ["", "size=huge", "at=x", "at=x:0", "at=x:99999", "%%%", "&&=="])
def test_nonsense_in_the_cookie_is_left_out(value: str) -> None:
    assert read_preferences(value) == Preferences()


DIGITS = ["9" * 4301, "٣", "1" * 4, "0", "-1", "1.0", "1_0", " 1", "²", ""]


@pytest.mark.parametrize("digits", DIGITS)
def test_a_place_of_other_digits_or_too_many_is_none(site: Flask, digits: str) -> None:
    assert read_preferences(f"at=x:{digits}") == Preferences()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    sent = f"session={session_cookie(visitor)}; preferences=at=x:{digits}"
    assert visitor.get("/", Cookie=sent).status == 200
    form = {"slug": ARTICLE.rpartition("/")[2], "place": digits}
    assert visitor.post("/preferences/place", form).status_code == 400


def test_what_is_kept_stays_small_whatever_the_cookie_says() -> None:
    for slug in ("é" * 800, "a" * 800, "A b", "../x"):
        assert read_preferences(f"at={slug}:1") == Preferences()
    assert read_preferences("size=large&" + "x=1&" * 1000) == Preferences()
    wanted = Preferences("larger", "light")
    for number in range(9):
        wanted = wanted.stopped_at(f"{'a' * 99}{number}", 999)
    assert read_preferences(wanted.write()) == wanted
    assert len(wanted.write()) < 1024
    assert add_interests(["b" * 500, "c", "Two words"], ["a"]) == ("a", "c")


def test_preferences_survive_being_written_and_read() -> None:
    wanted = Preferences("large", "dark").stopped_at("a-slug", 7).stopped_at("other", 3)
    assert read_preferences(wanted.write()) == wanted
    for number in range(9):
        wanted = wanted.stopped_at(f"slug-{number}", number + 1)
    assert len(wanted.places) == 5


IS_COVERED = """link => {
  const { x, y, width, height } = link.getBoundingClientRect();
  return !link.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


def test_continue_where_you_stopped(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Accept all cookies").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.goto(ARTICLE)
    assert page.get_by_role("link", name="Continue where you stopped").count() == 0
    page.locator("#p5").scroll_into_view_if_needed()
    with page.expect_response("**/preferences/place"):
        page.evaluate(
            "Object.defineProperty(document, 'visibilityState', { value: 'hidden' });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
    page.goto(ARTICLE)
    link = page.get_by_role("link", name="Continue where you stopped")
    assert int((link.get_attribute("href") or "").removeprefix("#p")) >= 4
    link.click()
    expect(page.locator("#p5")).to_be_in_viewport()
    page.goto(ARTICLE)
    page.get_by_text("Aa", exact=True).click()
    assert link.evaluate(IS_COVERED), "the counter-test: the panel lies on it"
    page.keyboard.press("Shift+Tab")
    expect(link).to_be_focused()
    assert not link.evaluate(IS_COVERED)
    page.keyboard.press("Tab")
    expect(page.locator("#reading summary")).to_be_focused()
    assert link.evaluate(IS_COVERED), "the panel is there again"


def test_without_consent_no_place_is_told_or_kept(site: Flask) -> None:
    visitor = Visitor(site)
    assert "place.js" not in visitor.raw_get(ARTICLE).text
    slug = ARTICLE.rpartition("/")[2]
    assert visitor.post("/preferences/place", {"slug": slug, "place": "3"}).status_code == 204
    assert visitor.cookies == set()


@pytest.mark.parametrize("sent", [{"slug": "x", "place": "1"}, {"place": "1"}, {}])
def test_a_wrong_place_is_refused(site: Flask, sent: dict[str, str]) -> None:
    assert Visitor(site).post("/preferences/place", sent).status_code == 400


@pytest.fixture
def library(make_site: MakeSite, tmp_path: Path) -> Flask:
    """A site with two articles, so that there is something to be interested in."""
    folder = tmp_path / "texts" / "en"
    folder.mkdir(parents=True)
    (folder / "startups.md").write_text(STARTUPS, encoding="utf-8")
    (folder / "tram.md").write_text(MOBILITY, encoding="utf-8")
    return make_site(ARTICLES=str(tmp_path / "texts"))


def message(visitor: Visitor, path: str) -> tuple[str, str]:
    """Return the title of the partner message on a page, and the reason given."""
    aside = visitor.get(path).one("aside", aria_labelledby="partner")
    (link, *_) = aside.iter(HTML + "a")
    (details,) = aside.iter(HTML + "details")
    return text_of(link), text_of(details)


def test_the_name_and_the_words_of_an_advertisement_are_two_sentences(library: Flask) -> None:
    aside = Visitor(library).get("/articles/startups").one("aside", aria_labelledby="partner")
    assert "Guimarães. Another Portuguese city" in text_of(aside)


def test_without_consent_the_message_follows_the_article_alone(library: Flask) -> None:
    visitor = Visitor(library)
    for _ in range(2):
        assert message(visitor, "/articles/startups")[0] == "Guimarães"
        title, why = message(visitor, "/articles/tram")
        assert title == "Porto Digital"
        assert "Nothing about you was used." in why
    assert visitor.cookies == set()


def test_with_consent_the_message_follows_what_was_read(library: Flask) -> None:
    visitor = Visitor(library)
    visitor.choose("accept_selected", ticks=("advertising",), path="/articles/startups")
    visitor.get("/articles/startups")
    title, why = message(visitor, "/articles/tram")
    assert title == "Guimarães"
    assert "the articles that you opened" in why
    assert visitor.cookies == {"session", "interests"}
    visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
    assert visitor.cookies == {"session"}
    assert message(visitor, "/articles/tram")[0] == "Porto Digital"


def test_with_gpc_and_no_choice_nothing_is_kept_for_advertising(library: Flask) -> None:
    visitor = Visitor(library, Sec_GPC="1")
    visitor.get("/articles/startups")
    assert "Nothing about you was used." in message(visitor, "/articles/tram")[1]
    assert visitor.cookies == set()


def test_messages_that_do_not_fit_are_not_shown() -> None:
    messages = read_messages(SHIPPED)
    assert choose(messages, ["fishing"]) is None
    assert choose((), ["startups"]) is None


def test_interests_are_few_and_clean() -> None:
    assert read_interests("a.B!.c..a") == ("a", "c")
    many = [f"t{number}" for number in range(30)]
    assert add_interests(many, ["new"])[:2] == ("new", "t0")
    assert len(add_interests(many, ["new"])) == 12


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("https://www.portodigital.pt/", "http://x", "message 1: address does not begin with"),
        ("topics =", "topic =", "message 1 needs exactly"),
        ('en = "Porto Digital", ', "", "message 1: title needs words in en and pt"),
        ("[[messages]]", "[[messages", "it cannot be read"),
        ("[[messages]]", f"x = {'9' * 4301}\n[[messages]]", "it cannot be read"),
        ("[[messages]]", f"x = {'[' * 9999}", "it cannot be read"),
        ('en = "Porto Digital"', "en = 3", "message 1: title needs words in en and pt"),
        ("topics = [", "topics = 3 #", "message 1: topics is not a list of words"),
        ("topics = [", "topics = [[3]] #", "message 1: topics is not a list of words"),
    ],
)
def test_a_broken_message_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "messages.toml"
    file.write_text(SHIPPED.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BrokenTableError, match=f"^{says}"):
        read_messages(file)


@pytest.mark.parametrize("text", ["messages = 3", "messages = [3]", "messages = {}"])
def test_messages_of_another_shape_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "messages.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BrokenTableError, match="message"):
        read_messages(file)


def test_a_person_accepts_reads_and_withdraws(context: BrowserContext) -> None:
    page = context.new_page()
    steps = {}

    def note(step: str) -> None:
        page.wait_for_load_state("networkidle")
        steps[step] = sorted(cookie["name"] for cookie in context.cookies())

    page.goto("/")
    note("opens the page")
    page.get_by_role("button", name="Accept all cookies").click()
    expect(page.get_by_role("status")).to_be_visible()
    note("accepts")
    page.get_by_text("Aa", exact=True).click()
    page.get_by_label("Larger").check()
    page.get_by_role("button", name="Apply").click()
    note("reads in larger letters")
    page.goto("/cookies")
    page.get_by_role("button", name="Withdraw consent").click()
    expect(page.get_by_role("status")).to_be_visible()
    note("withdraws")
    assert steps == {
        "opens the page": [],
        "accepts": ["interests", "session"],
        "reads in larger letters": ["interests", "preferences", "session"],
        "withdraws": ["session"],
    }


def test_records_are_made_by_choices_alone(site: Flask) -> None:
    visitor = Visitor(site)
    page = visitor.choose("accept_all")
    visitor.submit(page.form("/preferences"), ticks=("large", "auto"))
    visitor.get(ARTICLE)
    assert len(records(site)) == 1
