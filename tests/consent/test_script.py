"""The script is a spare: what it adds, and that any failure falls back to the plain form."""

import pytest
from conftest import MakeSite
from evidence import records
from flask import Flask
from playwright.sync_api import BrowserContext, expect


@pytest.fixture
def site(make_site: MakeSite) -> Flask:
    return make_site()


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
    page.get_by_role("button", name="Withdraw everything").click()
    expect(page.get_by_role("status")).to_contain_text("withdrawn")
    assert len(records(site)) == 2


@pytest.mark.parametrize("failure", ["abort", "500", "empty"])
def test_any_failure_falls_back_to_the_plain_form(
    context: BrowserContext, site: Flask, failure: str
) -> None:
    page = context.new_page()
    page.goto("/")

    def fail_in_the_background(route) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        if route.request.is_navigation_request() or route.request.method != "POST":
            route.continue_()
        elif failure == "abort":
            route.abort()
        else:
            route.fulfill(status=500 if failure == "500" else 200, body="")

    page.route("**/cookies", fail_in_the_background)
    page.get_by_role("button", name="Reject optional cookies").click()
    expect(page.get_by_role("status")).to_contain_text("refused")
    (record,) = records(site)
    assert record.method == "banner.reject"


def test_the_window_offers_nothing_else(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/robots.txt")
    before = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    page.goto("/", wait_until="networkidle")
    assert set(page.evaluate("Object.getOwnPropertyNames(window)")) == before
