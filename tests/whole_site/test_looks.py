"""What a reader sees: the first screen of a phone, the banner's buttons, the printed page."""

from collections.abc import Iterator

import pytest
from conftest import MakeSite, serving
from playwright.sync_api import Browser, BrowserContext, expect

PHONE = {"width": 390, "height": 844}
ARTICLE = "/articles/porto-is-one-of-the-smart-cities-in-european-initiative"


@pytest.fixture
def phone(browser: Browser, make_site: MakeSite) -> Iterator[BrowserContext]:
    with serving(make_site()) as address:
        context = browser.new_context(base_url=address, viewport=PHONE)  # type: ignore[arg-type]
        yield context
        context.close()


@pytest.mark.parametrize("path", ["/", "/pt/"])
def test_on_a_phone_the_title_is_seen_whole_below_the_banner(
    phone: BrowserContext, path: str
) -> None:
    page = phone.new_page()
    page.goto(path)
    bottom = page.locator("h1").evaluate("title => title.getBoundingClientRect().bottom")
    assert bottom <= PHONE["height"]
    assert page.locator(".notice").evaluate("notice => getComputedStyle(notice).position") == (
        "static"
    )


@pytest.mark.parametrize("path", ["/", "/pt/"])
def test_the_details_of_the_banner_name_who_what_and_how_long(
    phone: BrowserContext, path: str
) -> None:
    page = phone.new_page()
    page.goto(path)
    details = page.locator(".notice details")
    expect(details.get_by_text("session")).to_be_hidden()
    details.locator("summary").click()
    for word in ("InvestPorto", "session", "6 m"):
        expect(details).to_contain_text(word)
    buttons = page.locator(".notice button").evaluate_all(
        "all => all.map(button => button.getBoundingClientRect().height)"
    )
    assert min(buttons) >= 44


LOOKS = """buttons => buttons.map(button => {
  const { left, top, width, height } = button.getBoundingClientRect();
  const { color, backgroundColor, borderColor, font } = getComputedStyle(button);
  const size = [Math.round(width), Math.round(height)];
  return { left, top, look: [...size, color, backgroundColor, borderColor, font] };
})"""


@pytest.mark.parametrize("width", [320, 450, 600, 700, 1000, 1440])
@pytest.mark.parametrize("path", ["/", "/pt/", "/cookies", "/pt/cookies"])
def test_the_three_answers_weigh_the_same_on_every_screen(
    phone: BrowserContext, path: str, width: int
) -> None:
    page = phone.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    first, *others = page.locator("form[action$=cookies] button").evaluate_all(LOOKS)
    assert [other["look"] for other in others] == [first["look"]] * 2
    assert any(all(other[side] == first[side] for other in others) for side in ("left", "top")), (
        "none is left over"
    )


def test_paper_gets_the_article_and_its_address_and_nothing_else(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto("/")
    page.emulate_media(media="print", color_scheme="dark")
    printed = page.locator("body").inner_text()
    article = page.locator("article").inner_text()
    assert printed.strip() == article.strip()
    assert printed.strip().endswith(ARTICLE)
    for unprinted in (".notice", ".masthead", ".colophon", "img"):
        for element in page.locator(unprinted).all():
            expect(element).to_be_hidden()
    ink = page.locator("article").evaluate("article => getComputedStyle(article).color")
    assert ink == "rgb(28, 39, 51)", "paper is light, whatever the screen is"


def test_a_line_of_the_article_holds_near_65_characters(
    browser: Browser, make_site: MakeSite
) -> None:
    with serving(make_site()) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(address)
        characters = (
            page.locator("article > p")
            .nth(3)
            .evaluate(
                """paragraph => {
              const range = document.createRange();
              range.selectNodeContents(paragraph);
              const lines = new Set([...range.getClientRects()].map(line => Math.round(line.top)));
              return paragraph.textContent.length / lines.size;
            }"""
            )
        )
        page.close()
    assert 58 <= characters <= 74
