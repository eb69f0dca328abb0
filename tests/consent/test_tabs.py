"""Back, other tabs, blocked cookies, old browsers: what is open follows what was chosen last."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browserlike import HTML, Visitor
from browserlike import Page as ParsedPage
from conftest import CHROMIUM_FLAGS, MakeSite, chromium_path
from evidence import ARTICLE, REGISTRY, records
from flask import Flask
from partner import Partner, registry_with
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import serving

pytestmark = pytest.mark.stores("sqlite")

BUTTONS = {"accept_all": "Accept all cookies", "reject": "Reject optional cookies"}
KEEPS_NO_COOKIES = "This browser keeps no cookies."
MODES = pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])


@pytest.fixture
def site_with_partner(make_site: MakeSite, partner: Partner) -> Flask:
    shipped = REGISTRY.read_text(encoding="utf-8")
    return make_site(registry=registry_with(partner.address, shipped))


@contextmanager
def going_back(browser: Browser, *, kept: bool = True) -> Iterator[Browser]:
    """A Chromium with its back/forward cache, which Playwright switches off, or without."""
    off = "--disable-back-forward-cache"
    chromium = browser.browser_type.launch(
        executable_path=chromium_path(),
        args=CHROMIUM_FLAGS,
        ignore_default_args=[off] if kept else [],
    )
    yield chromium
    chromium.close()


@contextmanager
def without_cookies(browser: Browser, folder: Path, **options: Any) -> Iterator[BrowserContext]:  # noqa: ANN401 - Playwright's
    """A browser whose owner has blocked all cookies in its settings."""
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (folder / "Default").mkdir(parents=True)
    (folder / "Default/Preferences").write_text(json.dumps(blocked), encoding="utf-8")
    context = browser.browser_type.launch_persistent_context(
        folder, executable_path=chromium_path(), args=CHROMIUM_FLAGS, **options
    )
    yield context
    context.close()


def mark(page: Page) -> None:
    page.evaluate("document.documentElement.dataset.mark = true")


def is_loaded_anew(page: Page) -> bool:
    return page.locator("html[data-mark]").count() == 0


def expect_it_loaded_anew(page: Page) -> None:
    # No wait_for_function(): what it evaluates in a later frame is against the site's policy.
    expect(page.locator("html[data-mark]")).to_have_count(0)


def press(page: Page, choice: str) -> None:
    """Press a button of the notice or of the settings page, which call it differently."""
    page.locator(f"button[value={choice}]").first.click()


def go_back(page: Page) -> None:
    page.go_back(wait_until="commit")
    page.wait_for_timeout(1000)  # whatever the page does by itself, it does by then


def let_the_partner_go_on(page: Page, partner: Partner) -> None:
    """Do what a partner's script may do all the time: ask its server, and store something."""
    page.evaluate(
        "address => setInterval(() => { new Image().src = address + Math.random();"
        " document.cookie = '_pt_id=again; path=/'; }, 50)",
        f"{partner.address}/pixel.gif?",
    )


def sent_forms(page: Page) -> list[str]:
    posts: list[str] = []
    page.on("request", lambda request: posts.extend([request.url] * (request.method == "POST")))
    return posts


@MODES
@pytest.mark.parametrize("kept", [True, False], ids=["page cache", "no page cache"])
def test_back_after_a_withdrawal_brings_nothing_of_the_partner(
    browser: Browser, site_with_partner: Flask, partner: Partner, *, script: bool, kept: bool
) -> None:
    with serving(site_with_partner) as address, going_back(browser, kept=kept) as chromium:
        page = chromium.new_context(base_url=address, java_script_enabled=script).new_page()
        page.goto("/privacy")
        press(page, "accept_all")
        page.goto("/privacy", wait_until="networkidle")
        assert "/pixel.gif" in partner.asked
        if script:
            let_the_partner_go_on(page, partner)
        page.goto("/cookies")
        page.get_by_role("button", name="Withdraw consent").click()
        expect(page.get_by_role("status")).to_contain_text("withdrawn")
        partner.asked.clear()
        while not page.url.endswith("/privacy"):
            go_back(page)
        expect(page.locator(f"[src^='{partner.address}']")).to_have_count(0)
        assert partner.asked == []
        assert {cookie["name"] for cookie in page.context.cookies()} == {"session"}


def test_back_to_what_is_as_it_was_brings_the_page_as_it_was_left(
    browser: Browser, site: Flask
) -> None:
    with serving(site) as address, going_back(browser) as chromium:
        page = chromium.new_page(base_url=address)
        for choice in (None, "reject", "accept_all"):
            page.goto("/cookies" if choice else "/")
            if choice:
                press(page, choice)
                expect(page.get_by_role("status")).to_be_focused()
            page.goto("/")
            mark(page)
            page.evaluate("scrollTo(0, 700)")
            page.goto("/privacy")
            go_back(page)
            assert not is_loaded_anew(page), choice
            assert page.evaluate("scrollY") == 700


@pytest.mark.parametrize("kept", [True, False], ids=["page cache", "no page cache"])
@pytest.mark.parametrize("channel", [True, False], ids=["channel", "no channel"])
def test_back_to_a_page_that_asked_finds_it_answered(
    browser: Browser, site: Flask, *, kept: bool, channel: bool
) -> None:
    with serving(site) as address, going_back(browser, kept=kept) as chromium:
        page = chromium.new_page(base_url=address)
        if not channel:
            page.add_init_script("delete window.BroadcastChannel")
        page.goto("/")
        page.goto("/privacy")
        press(page, "reject")
        expect(page.get_by_role("status")).to_be_focused()
        go_back(page)
        assert page.url == f"{address}/"
        expect(page.get_by_role("button", name=BUTTONS["reject"])).to_have_count(0)


@pytest.mark.parametrize("kept", [True, False], ids=["page cache", "no page cache"])
@pytest.mark.parametrize("channel", [True, False], ids=["channel", "no channel"])
def test_back_after_a_withdrawal_brings_nothing_that_is_not_given(
    browser: Browser, site: Flask, *, kept: bool, channel: bool
) -> None:
    with serving(site) as address, going_back(browser, kept=kept) as chromium:
        page = chromium.new_page(base_url=address)
        if not channel:
            page.add_init_script("delete window.BroadcastChannel")
        page.goto("/")
        page.get_by_label("Personalised content").check()
        page.get_by_role("button", name="Accept selected cookies").click()
        expect(page.get_by_role("status")).to_be_focused()
        page.goto(ARTICLE)
        page.goto("/cookies")
        page.get_by_role("button", name="Withdraw consent").click()
        expect(page.get_by_role("status")).to_be_focused()
        while page.url != address + ARTICLE:
            go_back(page)
        expect(page.locator("body")).to_have_attribute("data-given", "")


def test_what_is_taken_back_in_one_tab_ends_in_the_others(
    browser: Browser, site_with_partner: Flask, partner: Partner
) -> None:
    for way in ("Withdraw consent", "Reject all", "Erase"):
        with serving(site_with_partner) as address:
            context = browser.new_context(base_url=address)
            one, other = context.new_page(), context.new_page()
            one.goto("/privacy")
            press(one, "accept_all")
            one.goto("/privacy")
            let_the_partner_go_on(one, partner)
            mark(one)
            other.goto("/cookies/erase" if way == "Erase" else "/cookies")
            other.get_by_role("button", name=way).first.click()
            expect_it_loaded_anew(one)
            one.wait_for_load_state("networkidle")
            partner.asked.clear()
            one.wait_for_timeout(300)
            assert partner.asked == [], way
            other.goto("/")  # with this answer goes what it stored at the last moment
            names = {cookie["name"] for cookie in context.cookies()}
            # What a script wrote for the folder of a page stays unless its path is declared.
            assert names - {"_pt_deep"} == (set() if way == "Erase" else {"session"})
            context.close()


def test_a_choice_made_without_a_new_page_ends_what_another_tab_had(
    context: BrowserContext,
) -> None:
    one, other = context.new_page(), context.new_page()
    one.goto("/")
    press(one, "accept_all")
    expect(one.get_by_role("status")).to_be_focused()
    mark(one)
    other.goto("/cookies")
    other.get_by_role("button", name="Withdraw consent").click()
    expect_it_loaded_anew(one)
    expect(one.locator("body")).to_have_attribute("data-given", "")


@pytest.mark.parametrize("choice", BUTTONS)
def test_a_tab_that_asks_stops_asking_and_throws_no_reader(
    context: BrowserContext, choice: str
) -> None:
    reading, other = context.new_page(), context.new_page()
    reading.goto("/")
    reading.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
    mark(reading)
    place = "document.querySelector('#p3, article > p:last-of-type').getBoundingClientRect().top"
    before = reading.evaluate(place)
    other.goto("/privacy")
    assert reading.get_by_role("button", name=BUTTONS[choice]).count() == 1, "nobody chose yet"
    press(other, choice)
    expect(reading.get_by_role("button", name=BUTTONS[choice])).to_have_count(0)
    assert not is_loaded_anew(reading)
    assert abs(reading.evaluate(place) - before) < 2


@pytest.mark.parametrize(
    "lacks",
    [
        "delete SubmitEvent.prototype.submitter;",
        "const Old = FormData; window.FormData = function (form) { return new Old(form); };",
        "delete window.BroadcastChannel;",
    ],
    ids=["submitter", "button in FormData", "BroadcastChannel"],
)
@pytest.mark.parametrize("choice", BUTTONS)
def test_every_button_works_in_a_browser_that_lacks(
    context: BrowserContext, site: Flask, lacks: str, choice: str
) -> None:
    page = context.new_page()
    page.add_init_script(lacks)
    page.goto("/")
    press(page, choice)
    expect(page.get_by_role("status")).to_contain_text("were saved")
    (record,) = records(site)
    assert record.method == f"banner.{choice}"


@pytest.mark.parametrize("with_others", [False, True], ids=["own services", "services of others"])
def test_a_double_click_is_one_choice(
    browser: Browser, site: Flask, site_with_partner: Flask, *, with_others: bool
) -> None:
    pressed_on = site_with_partner if with_others else site
    with serving(pressed_on) as address:
        page = browser.new_page(base_url=address)
        posts = sent_forms(page)
        page.goto("/")
        page.get_by_role("button", name=BUTTONS["reject"]).dblclick(no_wait_after=True)
        expect(page.get_by_role("status")).to_contain_text("Not accepted")
        page.context.close()
    assert len(posts) == 1
    assert len(records(pressed_on)) == 1


def test_of_two_buttons_in_a_row_the_last_counts(context: BrowserContext, site: Flask) -> None:
    page = context.new_page()
    page.goto("/")
    page.evaluate(
        "for (const name of ['accept_all', 'reject']) {"
        " document.querySelector(`button[value=${name}]`).click(); }"
    )
    expect(page.get_by_role("status")).to_contain_text("withdrawn")
    first, last = records(site)
    assert [first.method, last.method] == ["banner.accept_all", "banner.reject"]
    assert first.subject == last.subject


@MODES
@pytest.mark.parametrize("path", ["/", ARTICLE + "?theme=dark", "/pt/", "/cookies"])
def test_a_browser_that_keeps_no_cookies_says_so_after_one_record(
    browser: Browser, site: Flask, tmp_path: Path, path: str, *, script: bool
) -> None:
    with (
        serving(site) as address,
        without_cookies(
            browser, tmp_path / "profile", base_url=address, java_script_enabled=script
        ) as context,
    ):
        page = context.new_page()
        posts = sent_forms(page)
        page.goto(path)
        page.locator("button[value=accept_all]").click()
        told = page.get_by_role("alert")
        words = "Este navegador não guarda cookies." if path == "/pt/" else KEEPS_NO_COOKIES
        expect(told).to_contain_text(words)
        expect(told).to_be_focused()
        assert page.url.removeprefix(address).startswith(path)
        assert context.cookies() == []
        assert len(posts) == 1
        page.goto(path)
        expect(page.get_by_role("alert")).to_have_count(0)
    assert len(records(site)) == 1


def test_a_browser_that_keeps_cookies_sees_nothing_of_the_check(
    browser: Browser, site_with_partner: Flask
) -> None:
    with serving(site_with_partner) as address:
        page = browser.new_page(base_url=address)
        page.goto(f"{ARTICLE}?theme=dark#content")
        press(page, "reject")
        expect(page.get_by_role("status")).to_contain_text("Not accepted")
        assert page.url == f"{address}{ARTICLE}?theme=dark#content"
        page.context.close()


BROWSER = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Site": "same-origin"}


@pytest.mark.parametrize(
    ("next_", "leads_to"),
    [
        ("/", "/?cookie-check"),
        ("/?theme=dark#p5", "/?theme=dark&cookie-check#p5"),
        ("/?cookie-check", "/?cookie-check"),
        ("/?a=b&cookie-check=1&c", "/?a=b&c&cookie-check"),
        ("//evil.example/", "/cookies?cookie-check"),
    ],
)
def test_the_mark_stands_beside_a_query_and_before_a_fragment(
    site: Flask, next_: str, leads_to: str
) -> None:
    sent = {"choice": "reject", "next": next_}
    answer = Visitor(site).post("/cookies", sent, **BROWSER)
    assert answer.headers["Location"] == leads_to
    if "cookie-check" not in next_ and "evil" not in next_:
        assert Visitor(site).post("/cookies", sent).headers["Location"] == next_, "no browser"


def test_every_form_that_makes_a_choice_leads_to_the_check_and_a_session_past_it(
    site: Flask,
) -> None:
    visitor = Visitor(site)
    forms: dict[str, dict[str, str]] = {
        "/cookies": {"choice": "reject"},
        "/pt/cookies/withdraw": {},
        "/cookies/allow": {"purpose": "advertising"},
    }
    for path, sent in forms.items():
        assert (
            Visitor(site).post(path, sent, **BROWSER).headers["Location"].endswith("cookie-check")
        )
    first = visitor.post("/cookies", forms["/cookies"], **BROWSER)
    clean = visitor.raw_get(first.headers["Location"], **BROWSER)
    assert (clean.status_code, clean.headers["Location"]) == (303, "/cookies")
    second = visitor.post("/cookies", forms["/cookies"], **BROWSER)
    assert second.headers["Location"] == "/cookies"


@pytest.mark.parametrize("from_", ["cross-site", "same-site", "none", ""])
@pytest.mark.parametrize(
    "path", ["/?cookie-check", "/?a=1&cookie-check=x&b=2", "//evil.example/?cookie-check"]
)
def test_a_link_with_the_mark_from_elsewhere_tells_nothing(
    site: Flask, from_: str, path: str
) -> None:
    headers = {"Sec_Fetch_Site": from_} if from_ else {}
    answer = Visitor(site).raw_get(path, **headers)
    assert answer.status_code == 303
    to = answer.headers["Location"]
    assert "cookie-check" not in to
    assert to.startswith("/")
    assert not to.startswith("//")


def test_the_page_that_tells_is_kept_by_nobody(site: Flask) -> None:
    page = Visitor(site).get("/?cookie-check", **BROWSER)
    assert KEEPS_NO_COOKIES in page.text
    assert page.banner is None
    told = page.one("div", role="alert")
    assert [link.get("href") for link in told.iter(HTML + "a")] == ["/cookies"], "to choose again"
    assert page.response.headers["Cache-Control"] == "no-store"
    fields = page.all("input", name="next")
    assert [field.get("value") for field in fields] == ["/"]
    assert KEEPS_NO_COOKIES not in Visitor(site).get("/", **BROWSER).text


@pytest.mark.parametrize(
    "path", ["/none%20such", "/none%25such", "/n%C3%A3o?a=%20b&c=%26", "/a;b,c"]
)
def test_a_choice_made_at_an_address_with_escapes_goes_back_there(site: Flask, path: str) -> None:
    visitor = Visitor(site)
    answer = visitor.submit(visitor.get(path).banner, "reject")
    assert answer.headers["Location"] == path
    assert records(site)[-1].method == "banner.reject"


@pytest.mark.parametrize("path", ["/none%20such?a=%20b", f"{ARTICLE}#p3"])
@pytest.mark.parametrize("with_others", [False, True], ids=["own services", "services of others"])
def test_in_a_browser_a_choice_goes_back_to_the_very_place(
    browser: Browser, site: Flask, site_with_partner: Flask, path: str, *, with_others: bool
) -> None:
    with serving(site_with_partner if with_others else site) as address:
        page = browser.new_page(base_url=address)
        page.goto(path)
        press(page, "reject")
        expect(page.get_by_role("status")).to_contain_text("Not accepted")
        assert page.url == address + path
        page.context.close()


@pytest.mark.parametrize(
    ("next_", "page"),
    [
        ("/cookies", "settings"),
        ("/cookies?next=/privacy", "settings"),
        ("/cookies#stored", "settings"),
        ("/cookies?next=/#x", "settings"),
        ("/cookies/history", "banner"),
        ("/privacy?next=/cookies", "banner"),
        ("/#/cookies", "banner"),
        ("//elsewhere.example", "banner"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/pt"])
def test_the_record_says_on_which_page_it_was_made(
    site: Flask, prefix: str, next_: str, page: str
) -> None:
    sent = {"choice": "reject", "next": prefix + next_}
    assert Visitor(site).post(f"{prefix}/cookies", sent).status_code == 303
    assert records(site)[-1].method == f"{page}.reject"


@pytest.mark.parametrize("rest", ["?q=" + 2000 * "a", "#a\\b", "?q=1&r=\\#p3", "?q=a b"])
def test_where_the_rest_of_an_address_cannot_be_sent_the_way_back_is_its_page(
    site: Flask, rest: str
) -> None:
    answer = Visitor(site).post("/cookies", {"choice": "reject", "next": "/privacy" + rest})
    assert answer.headers["Location"] == "/privacy"
    assert records(site)[-1].method == "banner.reject"


@pytest.mark.needs("rights")
def test_no_page_that_answers_a_form_asks_for_a_way_back_that_nobody_can_open(site: Flask) -> None:
    for path in ("/cookies/withdraw", "/preferences", "/cookies/erase", "/cookies/allow"):
        answer = ParsedPage(Visitor(site).post(path, {"x": "y"}))
        assert answer.status == 400
        asked = {field.get("value") for field in answer.all("input", name="next")}
        assert not asked & {path}


@pytest.mark.parametrize("status", [400, 429, 503])
def test_whatever_the_answer_is_the_script_sends_once_and_shows_it(
    context: BrowserContext, status: int
) -> None:
    page = context.new_page()
    posts = sent_forms(page)
    page.goto(ARTICLE)
    page.route(
        "**/cookies",
        lambda route: route.fulfill(
            status=status,
            content_type="text/html",
            body="<title>t</title><main><h1 tabindex=-1 autofocus>Not now</h1></main>",
        ),
    )
    press(page, "reject")
    heading = page.get_by_role("heading", name="Not now")
    expect(heading).to_be_focused()
    expect(heading).to_be_in_viewport()
    page.wait_for_timeout(300)
    assert len(posts) == 1
