"""Consent has effect, and the browser itself enforces it: a partner on another port tells."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from browserlike import Page as ParsedPage
from browserlike import Visitor
from conftest import MakeSite
from evidence import session_cookie
from flask import Flask
from log import lose
from partner import ARTICLE, Partner, paste_by_mistake, site_with_partner
from playwright.sync_api import Browser, BrowserContext, expect
from served import serving

PATH = "/articles/film"
SitesWithPartner = Callable[[str], Flask]


@pytest.fixture
def make(make_site: MakeSite, tmp_path: Path, partner: Partner) -> SitesWithPartner:
    return partial(site_with_partner, make_site, tmp_path, partner)


@pytest.fixture
def site(make: SitesWithPartner) -> Flask:
    return make(ARTICLE)


def policy(page: ParsedPage) -> dict[str, set[str]]:
    """Return the hosts of others that the response allows, by directive."""
    header = page.response.headers["Content-Security-Policy"]
    sources = {part.split()[0]: set(part.split()[1:]) for part in header.split("; ")}
    return {
        name: others
        for name, values in sources.items()
        if (others := {value for value in values if value.startswith("http")})
    }


def test_the_policy_lists_exactly_the_hosts_of_what_is_given(site: Flask, partner: Partner) -> None:
    host = {partner.address}
    expected = {
        (): {},
        ("personalization",): {"script-src": host},
        ("advertising",): {"img-src": host},
        ("personalization", "advertising"): {"script-src": host, "img-src": host},
    }
    assert policy(Visitor(site).get("/")) == {}
    for ticks, hosts in expected.items():
        visitor = Visitor(site)
        visitor.choose("accept_selected", ticks=ticks)
        page = visitor.get("/")
        assert policy(page) == hosts
        if ticks:
            visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
        assert policy(visitor.get("/")) == {}
        assert partner.address not in visitor.raw_get("/").text


def test_a_script_carries_what_the_registry_declares(site: Flask, partner: Partner) -> None:
    page = Visitor(site).choose("accept_all")
    script = page.one("script", src=f"{partner.address}/track.js")
    assert script.get("data-site") == "7"
    assert script.get("async") is not None


def test_before_a_choice_the_partner_hears_nothing(
    context: BrowserContext, partner: Partner
) -> None:
    page = context.new_page()
    for path in ("/", PATH, "/cookies", "/pt/"):
        page.goto(path, wait_until="networkidle")
    assert partner.asked == []


def test_what_was_pasted_by_mistake_is_blocked_by_the_browser(
    browser: Browser, site: Flask, partner: Partner
) -> None:
    paste_by_mistake(site, partner.address)
    with serving(site) as address:
        context = browser.new_context(base_url=address)
        page = context.new_page()
        blocked: list[str] = []
        page.on("console", lambda message: blocked.append(message.text))
        page.goto(PATH, wait_until="networkidle")
        html = page.content()
        assert f'src="{partner.address}/track.js"' in html, "the mistake is in the page"
        assert partner.asked == []
        for directive in ("script-src", "img-src", "frame-src"):
            assert any(directive in text or "default-src" in text for text in blocked)
        assert page.evaluate("document.documentElement.dataset.tracked") is None
        # The guard's counter-test: with the purposes given the very same tags do load. A frame of
        # others never does: what is embedded stands in a page of its own.
        page.get_by_role("button", name="Accept all cookies").click()
        page.wait_for_load_state("networkidle")
        assert {"/track.js", "/pixel.gif"} <= set(partner.asked)
        assert "/player/pasted" not in partner.asked
        context.close()


def test_one_purpose_does_not_open_the_door_for_another(
    context: BrowserContext, partner: Partner
) -> None:
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Personalised advertising").check()
    page.get_by_role("button", name="Accept selected cookies").click()
    page.goto(PATH, wait_until="networkidle")
    assert set(partner.asked) == {"/pixel.gif"}


def test_withdrawal_removes_what_a_script_stored_wherever_it_put_it(
    context: BrowserContext, partner: Partner
) -> None:
    page = context.new_page()
    page.goto(PATH)
    page.get_by_role("button", name="Accept all cookies").click()
    page.goto(PATH, wait_until="networkidle")
    stored = {cookie["name"] for cookie in context.cookies()}
    assert {"_pt_id", "_pt_deep", "interests", "session"} <= stored
    assert page.evaluate("localStorage.getItem('_pt_store')") == "1"
    page.goto("/cookies")
    page.get_by_role("button", name="Withdraw consent").click()
    expect(page.get_by_role("status")).to_contain_text("withdrawn")
    page.goto(PATH, wait_until="networkidle")
    assert {cookie["name"] for cookie in context.cookies()} == {"session"}
    assert page.evaluate("localStorage.length") == 0
    partner.asked.clear()
    page.goto("/", wait_until="networkidle")
    assert partner.asked == []


def test_clear_site_data_is_sent_once_and_only_when_something_is_refused(site: Flask) -> None:
    visitor = Visitor(site)
    accepted = visitor.submit(visitor.get("/").banner, "accept_all")
    assert "Clear-Site-Data" not in accepted.headers
    refused = visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
    assert refused.headers["Clear-Site-Data"] == '"storage"'
    assert "Clear-Site-Data" not in visitor.raw_get("/").headers


def test_in_an_outage_nothing_is_loaded_and_nothing_is_deleted(
    site: Flask, partner: Partner
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    lose(site, "sessions")
    answer = visitor.raw_get("/", Cookie=f"session={session_cookie(visitor)}; _pt_id=1")
    assert partner.address not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_with_the_usual_filter_lists_the_page_reads_scrolls_and_stores_nothing(
    context: BrowserContext, partner: Partner
) -> None:
    page = context.new_page()
    page.goto(PATH, wait_until="networkidle")
    page.evaluate(HIDE_NOTICES)
    expect(page.get_by_role("button", name="Reject optional cookies")).to_be_visible()
    page.evaluate("document.querySelector('[role=region]').remove()")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 300})
    page.evaluate("scrollTo(0, 400)")
    assert page.evaluate("scrollY") > 0
    assert context.cookies() == []
    assert partner.asked == []


# Selectors that the common lists of cookie notices hide.
HIDE_NOTICES = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`#cookie-banner, .cookie-banner, #cookie-notice, .cookie-notice,
    .cookie-consent, #cookieConsent, .cookieconsent, .gdpr-banner, #gdpr, .cc-window, .cc-banner,
    #onetrust-banner-sdk, .consent-banner, #consent, .cookies, #cookies, .cookie-bar, #cookiebar
    { display: none !important }`);
  document.adoptedStyleSheets = [sheet];
}"""
