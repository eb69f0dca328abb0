"""The script is a spare: what it adds, and what becomes of a choice where something fails."""

import pytest
from evidence import records
from flask import Flask
from playwright.sync_api import BrowserContext, Route, expect

pytestmark = pytest.mark.stores("sqlite")


def test_a_choice_is_swapped_in_without_a_new_page_and_announced(
    context: BrowserContext, site: Flask
) -> None:
    page = context.new_page()
    page.goto("/")
    page.evaluate(
        "window.same = true; window.told = [];"
        "document.addEventListener('consent:change', event => told.push(event.detail))"
    )
    page.get_by_role("button", name="Accept all cookies").click()
    expect(page.get_by_role("status")).to_be_focused()
    assert page.evaluate("window.same") is True
    assert page.evaluate("window.told") == [{"given": ["advertising", "personalization"]}]
    page.get_by_role("link", name="Cookie settings", exact=True).click()
    page.get_by_role("button", name="Withdraw consent").click()
    expect(page.get_by_role("status")).to_contain_text("withdrawn")
    assert len(records(site)) == 2


def test_where_no_answer_comes_the_plain_form_is_sent(context: BrowserContext, site: Flask) -> None:
    page = context.new_page()
    page.goto("/")
    page.route(
        "**/cookies",
        lambda route: route.continue_() if route.request.is_navigation_request() else route.abort(),
    )
    page.get_by_role("button", name="Reject optional cookies").click()
    expect(page.get_by_role("status")).to_contain_text("Not accepted")
    (record,) = records(site)
    assert record.method == "banner.reject"


def test_an_error_that_is_swapped_in_looks_as_it_would_on_its_own(
    context: BrowserContext, site: Flask
) -> None:
    page = context.new_page()
    page.goto("/")
    page.locator(".notice [name=notice]").evaluate("field => field.value = '0'.repeat(64)")
    page.get_by_label("Personalised content").check()
    page.get_by_role("button", name="Accept selected").click()
    expect(page.get_by_role("alert")).to_be_focused()
    card = page.locator(".card").first
    swapped = card.evaluate("card => getComputedStyle(card).border")
    page.goto("/cookies")
    assert card.evaluate("card => getComputedStyle(card).border") == swapped
    assert records(site) == []


@pytest.mark.parametrize(
    ("presses", "counts"), [("ROR", set()), ("AOA", {"given"}), ("RARA", {"given"}), ("RAR", set())]
)
def test_the_last_of_several_presses_is_what_counts(
    context: BrowserContext, site: Flask, presses: str, counts: set[str]
) -> None:
    """R, A and O are the buttons, pressed before the first answer is in."""
    buttons = {"R": "reject", "A": "accept_all", "O": "accept_selected"}
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Personalised content").check()
    page.evaluate("""() => {
        window.answers = 0;
        document.addEventListener("consent:change", () => window.answers++);
    }""")
    page.evaluate(
        "all => all.forEach(one => document.querySelector(`button[value=${one}]`).click())",
        [buttons[press] for press in presses],
    )
    page.wait_for_function("wanted => window.answers === wanted", arg=len(presses))
    expect(page.get_by_role("status")).to_be_focused()
    assert len(records(site)) == len(presses)
    statuses = set(records(site)[-1].statuses.values())
    assert (statuses & {"given"}) == counts
    assert bool(page.locator("body").get_attribute("data-given")) == bool(counts)


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_that_is_not_the_sites_shows_what_the_site_knows(
    context: BrowserContext, site: Flask, status: int
) -> None:
    page = context.new_page()
    page.goto("/")

    def lose_the_page(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        route.fulfill(status=status, body="", headers={"Set-Cookie": answer.headers["set-cookie"]})

    page.route("**/cookies", lose_the_page)
    page.get_by_role("button", name="Reject optional cookies").click()
    expect(page.get_by_role("status")).to_contain_text("Not accepted")
    assert len(records(site)) == 1


def test_the_window_offers_nothing_else(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/robots.txt")
    before = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    page.goto("/", wait_until="networkidle")
    assert set(page.evaluate("Object.getOwnPropertyNames(window)")) == before
