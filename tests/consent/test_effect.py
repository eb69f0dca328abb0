"""Consent has effect, and the browser itself enforces it: a partner on another port tells."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browserlike import Page as ParsedPage
from browserlike import Visitor
from conftest import MakeSite, serving
from evidence import REGISTRY, records, session_cookie
from flask import Flask
from partner import ARTICLE, Partner, article_with_mistakes, partner_server, registry_with
from playwright.sync_api import Browser, BrowserContext, expect

from blueprints.database import db

PATH = "/articles/film"
SitesWithPartner = Callable[[str], Flask]


@pytest.fixture
def partner() -> Iterator[Partner]:
    with partner_server() as server:
        yield server


@pytest.fixture
def make(make_site: MakeSite, tmp_path: Path, partner: Partner) -> SitesWithPartner:
    """Make a site with the partner's services and this article."""

    def make(text: str) -> Flask:
        registry = tmp_path / "registry.toml"
        shipped = REGISTRY.read_text(encoding="utf-8")
        registry.write_text(registry_with(partner.address, shipped), encoding="utf-8")
        for language in ("en", "pt"):
            (tmp_path / "texts" / language).mkdir(parents=True)
            (tmp_path / "texts" / language / "film.md").write_text(text, encoding="utf-8")
        return make_site(CONSENT_REGISTRY=str(registry), ARTICLES=str(tmp_path / "texts"))

    return make


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
        ("personalization",): {"script-src": host, "frame-src": host},
        ("advertising",): {"img-src": host},
        ("personalization", "advertising"): {
            "script-src": host,
            "frame-src": host,
            "img-src": host,
        },
    }
    assert policy(Visitor(site).get("/")) == {}
    for ticks, hosts in expected.items():
        visitor = Visitor(site)
        visitor.choose("accept_selected", ticks=ticks)
        page = visitor.get("/")
        assert policy(page) == hosts
        assert bool(page.all("iframe")) is ("personalization" in ticks)
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
    browser: Browser, make: SitesWithPartner, partner: Partner
) -> None:
    with serving(make(article_with_mistakes(partner.address))) as address:
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
        # The guard's counter-test: with the purposes given the very same tags do load.
        page.get_by_role("button", name="Accept all cookies").click()
        page.wait_for_load_state("networkidle")
        assert {"/track.js", "/pixel.gif", "/player/pasted"} <= set(partner.asked)
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
    page.get_by_role("button", name="Withdraw everything").click()
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


def test_a_refused_cookie_is_expired_on_the_host_its_parents_and_the_paths_above(
    site: Flask,
) -> None:
    visitor = Visitor(site)
    answer = visitor.raw_get(PATH, Host="www.example.pt", Cookie="_pt_id=1; other=2")
    expired = answer.headers.getlist("Set-Cookie")
    assert all(cookie.startswith("_pt_id=; ") and "Max-Age=0" in cookie for cookie in expired)
    places = {
        tuple(cookie.partition(f"{key}=")[2].partition(";")[0] for key in ("Domain", "Path"))
        for cookie in expired
    }
    domains = {"", "www.example.pt", "example.pt"}
    assert places == {(domain, path) for domain in domains for path in ("/", "/articles")}


def test_in_an_outage_nothing_is_loaded_and_nothing_is_deleted(
    site: Flask, partner: Partner
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("alter table sessions rename to gone")
    answer = visitor.raw_get("/", Cookie=f"session={session_cookie(visitor)}; _pt_id=1")
    assert partner.address not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_placeholder_says_who_and_offers_once_and_always(site: Flask) -> None:
    page = Visitor(site).get(PATH)
    words = page.text
    assert "Partner player (Partner), for “Personalised content”" in words
    assert "A film about Porto" in words
    assert page.all("iframe") == []
    (holder,) = page.one("figure").iter("{http://www.w3.org/2000/svg}svg")
    assert (holder.get("width"), holder.get("height")) == ("560", "315")


def test_load_once_is_for_this_page_view_only_and_records_nothing(
    site: Flask, partner: Partner
) -> None:
    visitor = Visitor(site)
    answer = visitor.submit(visitor.get(PATH).form(f"{PATH}/embed"))
    page = ParsedPage(answer)
    assert page.status == 200
    assert page.one("iframe").get("src") == f"{partner.address}/player/porto-1"
    assert policy(page) == {"frame-src": {partner.address}}
    assert answer.headers["Cache-Control"] == "no-store"
    assert page.banner is not None
    assert records(site) == []
    assert visitor.cookies == set()
    again = visitor.get(PATH)
    assert again.all("iframe") == []
    assert policy(again) == {}
    # A choice made on that page leads back to the article, not to the form's address.
    answer = visitor.submit(page.banner, "reject")
    assert answer.headers["Location"] == PATH


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        ({"service": "player"}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"service": "statistics"}, {}, 400),
        ({"service": "nobody"}, {}, 400),
        ({}, {}, 400),
        ({"service": "player", "more": "1"}, {}, 400),
    ],
)
def test_load_once_takes_only_its_own_form(
    site: Flask, sent: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = site.test_client().post(f"{PATH}/embed", data=sent, headers=headers)
    assert answer.status_code == status
    assert "<iframe" not in answer.text


def test_load_once_is_no_link_that_could_be_sent_to_somebody(site: Flask) -> None:
    page = Visitor(site).get(f"{PATH}?service=player")
    assert page.all("iframe") == []
    assert Visitor(site).get(f"{PATH}/embed").status == 405


def test_always_allow_is_a_recorded_choice_that_adds_one_purpose(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    answer = visitor.submit(visitor.get(PATH).form("/cookies/allow"))
    assert answer.headers["Location"] == PATH
    page = visitor.get(PATH)
    assert page.all("iframe")
    assert page.confirmation is not None
    assert records(site)[-1].statuses == {"personalization": "given", "advertising": "given"}
    assert records(site)[-1].method == "embed.always"


@pytest.mark.parametrize("purpose", ["necessary", "nonsense", ""])
def test_always_allow_knows_only_optional_purposes(site: Flask, purpose: str) -> None:
    answer = Visitor(site).post("/cookies/allow", {"purpose": purpose})
    assert answer.status_code == 400
    assert records(site) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("javascript", [False, True])
def test_the_embed_works_in_a_browser_and_keeps_its_place(
    browser: Browser, site: Flask, width: int, *, javascript: bool
) -> None:
    with serving(site) as address:
        context = browser.new_context(
            base_url=address,
            java_script_enabled=javascript,
            viewport={"width": width, "height": 800},
        )
        page = context.new_page()
        page.goto(PATH)
        frame = page.locator(".embed-frame")
        before = frame.bounding_box()
        page.get_by_role("button", name="Load once").click()
        expect(page.frame_locator("iframe").get_by_text("Playing porto-1")).to_be_visible()
        after = frame.bounding_box()
        assert before is not None
        assert after is not None
        assert (before["width"], before["height"]) == (after["width"], after["height"])
        assert context.cookies() == []
        page.goto(PATH)
        page.get_by_role("button", name="Always allow").click()
        expect(page.get_by_role("status")).to_be_visible()
        expect(page.frame_locator("iframe").get_by_text("Playing porto-1")).to_be_visible()
        context.close()


def test_an_article_that_embeds_what_is_not_declared_stops_the_start(
    make: SitesWithPartner,
) -> None:
    with pytest.raises(SystemExit, match=r"^An article is broken: .*no embed 'unknown'\.$"):
        make(ARTICLE.replace("embed:player", "embed:unknown"))


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
