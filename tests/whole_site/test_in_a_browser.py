"""The journey in a real browser, with JavaScript off and on, by keyboard, and at its narrowest."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytestmark = pytest.mark.stores("sqlite")

FIRST_VIEWS = (
    *("/", "/pt/", "/cookies", "/cookies/history", "/cookies/receipt/about", "/privacy", "/none"),
)


@pytest.fixture(params=[False, True], ids=["without JavaScript", "with JavaScript"])
def page(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def test_before_a_choice_nothing_is_stored_and_nobody_else_is_asked(
    page: Page, address: str
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in FIRST_VIEWS * 20:
        page.goto(path)
    assert page.context.cookies() == []
    assert asked
    assert [url for url in asked if not url.startswith(address)] == []


def test_first_views_leave_no_storage_of_any_kind(context: BrowserContext) -> None:
    page = context.new_page()
    for path in FIRST_VIEWS:
        page.goto(path)
    stored = page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, document.cookie,"
        " (await indexedDB.databases()).length, (await caches.keys()).length,"
        " (await navigator.serviceWorker.getRegistrations()).length]"
    )
    assert stored == [0, 0, "", 0, 0, 0]


@pytest.mark.parametrize("button", ["Accept all cookies", "Reject optional cookies"])
def test_a_choice_comes_back_with_a_focused_confirmation(page: Page, button: str) -> None:
    page.goto("/")
    page.get_by_role("button", name=button).click()
    done = page.get_by_role("status")
    expect(done).to_contain_text("Your cookie settings were saved.")
    expect(done).to_be_focused()
    assert page.url.endswith("/")
    expect(page.get_by_role("button", name=button)).to_have_count(0)
    stored = {"session", "interests"} if button.startswith("Accept") else {"session"}
    assert {cookie["name"] for cookie in page.context.cookies()} == stored
    page.get_by_role("link", name="Change your cookie settings").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cookie settings")


def test_the_whole_journey_to_withdrawal(page: Page) -> None:
    page.goto("/pt/")
    page.get_by_label("Conteúdo personalizado").check()
    page.get_by_role("button", name="Aceitar os cookies selecionados").click()
    expect(page.get_by_role("status")).to_be_focused()
    page.get_by_role("link", name="Definições de cookies", exact=True).click()
    expect(page.get_by_label("Conteúdo personalizado")).to_be_checked()
    expect(page.get_by_label("Publicidade personalizada")).not_to_be_checked()
    page.get_by_role("button", name="Retirar o consentimento").click()
    expect(page.get_by_role("status")).to_contain_text("retirado")
    expect(page.get_by_label("Conteúdo personalizado")).not_to_be_checked()
    page.get_by_role("link", name="Voltar à página onde estava").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Porto")


@pytest.mark.parametrize("path", ["/", "/cookies"])
def test_a_tick_sends_nothing(page: Page, path: str) -> None:
    page.goto(path)
    asked: list[str] = []  # of what kind; the icon may come late
    page.on("request", lambda request: asked.append(request.resource_type))
    for name in ("Personalised content", "Personalised advertising"):
        page.get_by_label(name).check()
        page.get_by_label(name).uncheck()
    page.wait_for_timeout(200)
    assert set(asked) <= {"image", "other"}
    assert page.url.endswith(path)


def test_by_keyboard_alone_the_banner_comes_first(page: Page) -> None:
    page.goto("/")
    names = []
    for _ in range(10):
        page.keyboard.press("Tab")
        names.append(
            page.locator(":focus").inner_text() or page.locator(":focus").get_attribute("value")
        )
    assert names[:9] == [
        "Skip to the content",
        "Privacy",
        "Change Settings",
        "Who, and for how long",
        "personalization",
        "advertising",
        "Accept selected cookies",
        "Accept all cookies",
        "Reject optional cookies",
    ]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_focused()


@pytest.mark.parametrize("path", FIRST_VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_320_pixels_nothing_is_cut_off(
    browser: Browser, address: str, path: str, scheme: str
) -> None:
    context = browser.new_context(
        base_url=address,
        viewport={"width": 320, "height": 256},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def test_the_three_buttons_look_exactly_alike(context: BrowserContext) -> None:
    page = context.new_page()
    for path in ("/", "/pt/", "/cookies"):
        page.goto(path)
        looks = page.locator("button[name=choice]").evaluate_all(
            "buttons => buttons.map(button => { const s = getComputedStyle(button);"
            " return [s.color, s.backgroundColor, s.borderTopColor, s.borderTopWidth, s.fontSize,"
            " s.fontWeight, s.fontFamily, s.paddingTop, s.paddingLeft,"
            " button.offsetWidth, button.offsetHeight].join() })"
        )
        assert len(looks) == 3
        assert len(set(looks)) == 1


def test_no_page_makes_the_console_complain(context: BrowserContext) -> None:
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/", "/pt/", "/cookies", "/privacy"):
        page.goto(path)
    assert said == []
