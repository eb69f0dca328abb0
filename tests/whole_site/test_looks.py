"""What a reader sees: the first screen of a phone, the banner's buttons, the printed page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from addresses import SLUGS
from conftest import MakeSite
from evidence import ARTICLE, REGISTRY
from flask import Flask
from log import lose
from playwright.sync_api import Browser, BrowserContext, expect
from served import serving

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def phone(browser: Browser, make_site: MakeSite) -> Iterator[BrowserContext]:
    with serving(make_site()) as address:
        context = browser.new_context(base_url=address, viewport=PHONE)  # type: ignore[arg-type]
        yield context
        context.close()


FIRST_LINE = """title => {
  const range = document.createRange();
  range.selectNodeContents(title);
  return range.getClientRects()[0].bottom;
}"""


@pytest.mark.parametrize("path", ["/", "/pt/"])
@pytest.mark.parametrize(("width", "height", "share"), [(390, 664, 0.6), (320, 640, 0.65)])
@pytest.mark.parametrize("gpc", [False, True])
def test_on_a_phone_the_banner_leaves_the_title_in_sight(  # noqa: PLR0913
    phone: BrowserContext, path: str, width: int, height: int, share: float, *, gpc: bool
) -> None:
    page = phone.new_page()
    page.set_extra_http_headers({"Sec-GPC": "1"} if gpc else {})
    page.set_viewport_size({"width": width, "height": height})
    page.goto(path)
    box = page.locator(".notice").bounding_box()
    assert box is not None
    assert box["height"] <= share * height
    assert page.locator("h1").evaluate(FIRST_LINE) <= height
    for meaning in page.locator(".purpose span").all():
        expect(meaning).to_be_in_viewport(ratio=1)
    assert page.locator(".notice").evaluate("notice => getComputedStyle(notice).position") == (
        "static"
    )


# Each purpose in the banner and in its details, in the settings, and what is stored for it.
TOLD = {"": (".purpose span, .notice details p", 8), "cookies": (".card > p, .card td", 20)}


@pytest.mark.parametrize("page_of", TOLD)
@pytest.mark.parametrize("width", [320, 390, 1440])
def test_what_each_purpose_is_for_is_seen_on_every_screen(
    phone: BrowserContext, page_of: str, width: int
) -> None:
    page = phone.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    for way in ("/", "/pt/"):
        page.goto(way + page_of)
        for summary in page.locator(".notice summary, .card summary").all():
            summary.click()
        where, number = TOLD[page_of]
        told = page.locator(where).all()
        assert len(told) >= number
        for words in told:
            expect(words).to_be_visible()


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


TABLE = """table => {
  const cells = [...table.querySelectorAll("thead th")];
  const last = [...table.querySelectorAll("tbody tr:last-child, tbody tr:last-child > *")];
  return {
    share: cells[2].offsetWidth / table.offsetWidth,
    lines: last.map(cell => getComputedStyle(cell).borderBlockEndWidth),
    cut: [...table.querySelectorAll("tbody > tr > *")].filter(
      cell => cell.scrollWidth > cell.clientWidth).length,
  };
}"""


@pytest.mark.parametrize("path", ["/cookies", "/pt/cookies"])
@pytest.mark.parametrize("width", [320, 720, 721, 820, 1056, 1440])
def test_what_a_cookie_is_for_has_the_most_room_of_its_table(
    phone: BrowserContext, path: str, width: int
) -> None:
    page = phone.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    for summary in page.locator(".card summary").all():
        summary.click()
    tables = [table.evaluate(TABLE) for table in page.locator(".card table").all()]
    assert len(tables) > 1
    for table in tables:
        assert set(table["lines"]) == {"0px"}, "a line that divides nothing"
        assert not table["cut"]
        assert width < 820 or table["share"] > 0.35
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# In a common font none of its characters is wider than a digit.
WIDEST = "88888888-8888-4888-8888-888888888888"


@pytest.mark.needs("rights")
@pytest.mark.parametrize("width", [320, 360, 390, 412, 1440])
@pytest.mark.parametrize("path", ["/cookies/records", "/pt/cookies/records"])
def test_the_field_shows_each_of_the_36_characters_of_a_number(
    phone: BrowserContext, path: str, width: int
) -> None:
    page = phone.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    field = page.locator("#number")
    for font in ("system-ui", "DejaVu Sans", "Liberation Sans"):
        field.evaluate("(field, font) => { field.style.fontFamily = font }", font)
        field.fill(WIDEST)
        assert field.evaluate("field => field.scrollWidth <= field.clientWidth"), font
    assert page.evaluate("document.documentElement.scrollWidth") <= width


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


PURPOSE = """
[[purposes]]
id = "more{number}"
name = {{ en = "Purpose {number}", pt = "Finalidade {number}" }}
description = {{ en = "What it is for", pt = "Para que serve" }}
"""


def test_with_many_purposes_the_banner_scrolls_with_the_page(
    browser: Browser, make_site: MakeSite
) -> None:
    more = "".join(PURPOSE.format(number=number) for number in range(4))
    with serving(make_site(registry=REGISTRY.read_text(encoding="utf-8") + more)) as address:
        page = browser.new_page(viewport={"width": 320, "height": 640})
        page.goto(address)
        assert page.locator(".notice input[type=checkbox]").count() == 6
        expect(page.locator(".notice").get_by_text("What it is for")).to_have_count(8)
        last = page.locator(".notice button").last
        last.scroll_into_view_if_needed()
        expect(last).to_be_in_viewport(ratio=1)
        assert page.evaluate("scrollX") == 0
        page.close()


@pytest.mark.parametrize("path", ["/", "/pt/"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_choice_that_failed_says_so_first_and_has_the_focus(
    browser: Browser, make_site: MakeSite, path: str, *, script: bool
) -> None:
    site = make_site()
    lose(site, "consent_records")
    with serving(site) as address:
        context = browser.new_context(
            base_url=address,
            viewport={"width": 390, "height": 664},
            java_script_enabled=script,
        )
        page = context.new_page()
        page.goto(path)
        page.locator(".notice button").nth(1).click()
        message = page.get_by_role("alert")
        expect(message).to_be_focused()
        expect(message).to_be_in_viewport(ratio=1)
        context.close()


def test_paper_gets_the_name_of_the_site_and_the_article_and_nothing_else(
    phone: BrowserContext,
) -> None:
    page = phone.new_page()
    page.goto("/")
    page.emulate_media(media="print", color_scheme="dark")
    printed = page.locator("body").inner_text()
    article = page.locator("article").inner_text()
    assert printed.split() == ["InvestPorto", *article.split()]
    assert printed.strip().endswith(ARTICLE)
    for unprinted in (".notice", ".masthead nav", ".colophon", "img"):
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


@pytest.mark.parametrize("address", [ARTICLE, f"/pt/artigos/{SLUGS['pt']}"])
def test_the_article_is_printed_on_one_page(phone: BrowserContext, address: str) -> None:
    page = phone.new_page()
    page.goto(address)
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", printed)) == 1


@pytest.mark.parametrize(
    ("scheme", "query", "picture"),
    [
        ("light", "", "porto.svg"),
        ("dark", "", "porto-night.svg"),
        ("light", "?theme=dark", "porto-night.svg"),
        ("dark", "?theme=light", "porto.svg"),
    ],
)
def test_it_is_night_in_the_drawing_where_the_page_is_dark(
    phone: BrowserContext, scheme: Literal["light", "dark"], query: str, picture: str
) -> None:
    page = phone.new_page()
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{ARTICLE}{query}")
    shown = page.locator(".drawing img").evaluate("image => image.currentSrc")
    assert shown.endswith(f"/{picture}")


def test_what_a_reader_may_change_moves_nothing_when_it_is_opened(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto(ARTICLE)
    before = page.locator("article").bounding_box()
    page.locator("#reading summary").click()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    assert page.locator("article").bounding_box() == before


@pytest.mark.parametrize("width", [320, 390])
def test_a_number_can_be_seen_whole_in_its_field(phone: BrowserContext, width: int) -> None:
    page = phone.new_page()
    page.set_viewport_size({"width": width, "height": 664})
    page.goto("/cookies/records")
    field = page.get_by_label("Your number")
    field.fill("01234567-89ab-4cde-8f01-23456789abcd")
    assert field.evaluate("field => field.scrollWidth <= field.clientWidth")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/cookies", ("Personalised advertising", "Advertising chosen", "Always on")),
        ("/nothing", ("Error", "There is no page", "newest articles")),
        ("/cookies/records", ("Your number", "Or the file of a receipt")),
    ],
)
def test_paper_has_what_the_page_says(
    phone: BrowserContext, path: str, words: tuple[str, ...]
) -> None:
    page = phone.new_page()
    page.goto(path)
    on_screen = page.locator("body").inner_text()
    page.emulate_media(media="print")
    printed = page.locator("body").inner_text()
    for word in words:
        assert (word in printed) is (word in on_screen), word
    assert words[-1] in printed
    for button in page.locator("button, .grave").all():
        expect(button).to_be_hidden()


def test_on_paper_what_is_folded_away_is_there(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto("/")
    page.get_by_role("button", name="Reject optional cookies").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.goto("/cookies")
    page.get_by_role("button", name="Accept all").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("rowheader", name="session")).to_be_visible()
    expect(page.get_by_text("we ask once more")).to_be_hidden()
    page.goto("/cookies/history")
    expect(page.get_by_text("Number of the record")).to_have_count(2)
    for record in page.get_by_text("Number of the record").all():
        expect(record).to_be_visible()
    expect(page.get_by_text("Download the receipt")).to_be_hidden()


@pytest.mark.parametrize("path", ["/cookies/history", "/privacy", "/cookies/receipt/about"])
def test_on_paper_the_name_of_the_site_and_the_text_begin_at_one_edge(
    phone: BrowserContext, path: str
) -> None:
    page = phone.new_page()
    page.set_viewport_size({"width": 1000, "height": 800})
    page.goto(path)
    page.emulate_media(media="print")
    left = "element => element.getBoundingClientRect().left"
    assert page.locator("h1").evaluate(left) == page.locator(".brand").evaluate(left)


def test_on_paper_nothing_beside_the_text_is_larger_than_it(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto("/")
    page.emulate_media(media="print")
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    text = page.locator("article > p").nth(1).evaluate(size)
    for beside in (".byline", ".kicker"):
        assert page.locator(beside).evaluate(size) <= text


# Lines with letters in the strip that is cut off, in which a point would stand.
CUT_LETTERS = """() => [...document.querySelectorAll(".byline, .kicker")].flatMap(box => {
  const strip = box.getBoundingClientRect().left + 1.2 * parseFloat(getComputedStyle(box).fontSize);
  const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    for (const { left, width } of range.getClientRects()) {
      if (width && left < strip - 0.5) found.push(texts.currentNode.textContent.trim());
    }
  }
  return found;
})"""
NAMES = "Maria João Vasconcelos, Rui Alves and António Pinto de Almeida"


@pytest.fixture
def by_many(make_site: MakeSite, tmp_path: Path) -> Flask:
    """A site with an article of many authors."""
    for language in ("en", "pt"):
        folder = tmp_path / "texts" / language
        folder.mkdir(parents=True)
        (folder / "a.md").write_text(
            f"---\ntitle: A\ndate: 2026-01-02\nupdated: 2026-02-03\nsummary: S\nauthor: {NAMES}\n"
            "topics: [smart-cities]\n---\nWords.",
            encoding="utf-8",
        )
    return make_site(ARTICLES=str(tmp_path / "texts"))


@pytest.mark.parametrize("path", ["/", "/pt/"])
def test_names_and_dates_that_need_two_lines_lose_no_letter(
    browser: Browser, by_many: Flask, path: str
) -> None:
    with serving(by_many) as address:
        page = browser.new_page(base_url=address)
        page.goto(path)
        for letters in ("100%", "137.5%", "200%"):
            page.evaluate("size => { document.documentElement.style.fontSize = size }", letters)
            for width in (320, 390, 730):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate(CUT_LETTERS) == []
        page.close()


def test_in_the_readers_own_colours_points_stand_between_names_and_dates(
    phone: BrowserContext,
) -> None:
    page = phone.new_page()
    page.emulate_media(forced_colors="active")
    page.goto("/")
    edge, ink = page.locator(".byline > :last-child").evaluate(
        "item => [getComputedStyle(item, '::before').borderTop, getComputedStyle(item).color]"
    )
    assert edge == f"3px solid {ink}"
