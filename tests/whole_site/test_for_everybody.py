"""Every page for every way of reading it: enlarged, spaced out, in colours of the reader's own, by
keyboard, by screen reader (WCAG 2.2, in the order of its numbers).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.stores("sqlite")

PAGES = (
    *("/", "/pt/", "/cookies", "/pt/cookies", "/cookies/records", "/privacy"),
    *("/pt/acessibilidade", "/none"),
)
# What stands out of its box, or is cut off by it. Two things are cut off on purpose, for the eye:
# the link to the content while it has no focus, and the head of a table that reads as cards.
CUT_OFF = """() => {
  const wrong = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push(`the page is ${wide} wide`);
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest(".skip, thead") || !element.getClientRects().length) continue;
    const { overflowX, overflowY } = getComputedStyle(element);
    const isCut = overflowX !== "visible" || overflowY !== "visible";
    const spills = element.matches("button, summary, label, a");
    const over = element.scrollWidth > element.clientWidth + 1
      || element.scrollHeight > element.clientHeight + 1;
    if ((isCut || (spills && element.clientWidth)) && over) {
      wrong.push(element.outerHTML.slice(0, 120));
    }
  }
  return wrong;
}"""
# The values of WCAG 2.2, 1.4.12.
SPACED_OUT = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important } p { margin-block-end: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""
SMALL_TARGETS = """least => [...document.querySelectorAll("a, button, summary, input")]
  .filter(target => {
    const box = (target.closest("label") ?? target).getBoundingClientRect();
    if (!box.width || target.matches(".skip")) return false;
    const around = target.closest("p, li, dd, td, figcaption");
    const inSentence = target.matches("a") && around
      && around.textContent.trim().length > target.textContent.trim().length;
    return !inSentence && (box.width < least || box.height < least);
  })
  .map(target => target.outerHTML.slice(0, 120))"""
OBSCURED = """() => {
  const focused = document.activeElement;
  const box = focused.getBoundingClientRect();
  const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.2], [0.5, 0.8]];
  const seen = points.some(([x, y]) => {
    const top = document.elementFromPoint(box.x + x * box.width, box.y + y * box.height);
    return top && (focused.contains(top) || top.contains(focused));
  });
  const { outlineStyle, outlineWidth } = getComputedStyle(focused);
  const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return seen && outlined ? null : focused.outerHTML.slice(0, 120);
}"""
SHIFTS = """() => new Promise(resolve => {
  const shifts = [];
  new PerformanceObserver(list => shifts.push(...list.getEntries().map(entry => entry.value)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(shifts), 300);
})"""


class Reader:
    """Opens pages in windows of any kind, and closes them after the test."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.contexts: list[BrowserContext] = []

    def page(self, width: int, height: int = 800, **options: Any) -> Page:  # noqa: ANN401
        context = self.browser.new_context(
            base_url=self.address, viewport={"width": width, "height": height}, **options
        )
        self.contexts.append(context)
        return context.new_page()


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Reader]:
    reader = Reader(browser, address)
    yield reader
    for context in reader.contexts:
        context.close()


def test_the_order_of_a_screen_reader_is_the_order_of_the_page(reader: Reader) -> None:
    """1.3.2, through the tree that the browser hands to a screen reader."""
    page = reader.page(390)
    page.goto("/")
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    nodes = {node["nodeId"]: node for node in tree["nodes"]}

    def walk(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
        if not node["ignored"]:
            yield node["role"]["value"], node.get("name", {}).get("value", "")
        for child in node.get("childIds", ()):
            yield from walk(nodes[child])

    said = list(walk(tree["nodes"][0]))
    expected = [
        ("RootWebArea", page.title()),
        ("link", "Skip to the content"),
        ("region", "Cookies Policy"),
        ("heading", "Cookies Policy"),
        ("link", "Privacy"),
        ("link", "Change Settings"),
        ("DisclosureTriangle", "Who, and for how long"),
        ("group", "Which optional cookies do you accept?"),
        ("checkbox", "Personalised content"),
        ("checkbox", "Personalised advertising"),
        ("button", "Accept selected cookies"),
        ("button", "Accept all cookies"),
        ("button", "Reject optional cookies"),
        ("banner", ""),
        ("link", "InvestPorto"),
        ("navigation", "Language"),
        ("link", "Português"),
        ("main", ""),
        ("article", ""),
        ("heading", page.locator("h1").inner_text().replace("\n", " ")),
        ("image", page.locator(".cover img").get_attribute("alt") or ""),
        ("DisclosureTriangle", "Aa: text size, colours and listening"),  # Not before the article.
        ("contentinfo", ""),
        ("navigation", "About this site"),
        ("link", "Cookie settings"),
    ]
    place = 0
    for role, name in expected:
        assert (role, name) in said[place:], f"{role} '{name}' is not there, or comes too early"
        place = said.index((role, name), place) + 1
    described = [
        node.get("description", {}).get("value")
        for node in tree["nodes"]
        if node.get("role", {}).get("value") == "checkbox"
    ]
    assert described
    assert all(described), "a box says what it stands for"


@pytest.mark.parametrize("path", PAGES)
def test_with_text_at_200_percent_nothing_is_lost(reader: Reader, path: str) -> None:
    """1.4.4."""
    page = reader.page(1280)
    for width in (1280, 640, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("path", PAGES)
def test_at_400_percent_nothing_is_lost(reader: Reader, path: str) -> None:
    """1.4.10: a window of 1280 by 1024 at 400 % is one of 320 by 256."""
    page = reader.page(320, 256, device_scale_factor=4)
    page.goto(path)
    assert page.evaluate(CUT_OFF) == []
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true; }")
    assert page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("path", PAGES)
def test_with_text_spaced_out_nothing_is_lost(reader: Reader, path: str) -> None:
    """1.4.12."""
    page = reader.page(1280)
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(path)
        page.evaluate(SPACED_OUT)
        assert page.evaluate(CUT_OFF) == []


def test_the_check_sees_what_is_cut_off(reader: Reader) -> None:
    page = reader.page(320)
    page.goto("/")
    page.locator(".notice button").first.evaluate(
        "button => { button.style.blockSize = button.style.minBlockSize = '12px'; }"
    )
    page.locator("h1").evaluate("title => { title.style.inlineSize = '500px'; }")
    found = page.evaluate(CUT_OFF)
    assert any("wide" in line for line in found)
    assert any("accept_selected" in line for line in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_the_readers_own_colours_buttons_have_an_edge_and_boxes_stay(
    reader: Reader, scheme: str
) -> None:
    """1.4.11, with the colours forced by the system (high contrast)."""
    page = reader.page(1280, forced_colors="active", color_scheme=scheme)
    page.goto("/")
    looks = page.locator(".notice button").evaluate_all(
        "buttons => buttons.map(button => { const s = getComputedStyle(button);"
        " return [s.borderTopStyle, s.borderTopWidth, s.borderTopColor, s.backgroundColor] })"
    )
    assert len(looks) == 3
    for style, width, edge, ground in looks:
        assert (style, width) == ("solid", "2px")
        assert edge != ground
    assert page.locator(".notice input[type=checkbox]").first.is_visible()
    assert page.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("size", [(1280, 720), (320, 256)], ids=["desk", "narrow"])
@pytest.mark.parametrize("path", ["/", "/cookies", "/pt/acessibilidade"])
def test_the_focus_is_always_seen(reader: Reader, path: str, size: tuple[int, int]) -> None:
    """2.4.7 and 2.4.11, forwards and backwards."""
    page = reader.page(*size)
    page.goto(path)
    for key in ("Tab", "Shift+Tab"):
        visited = 0
        for _ in range(40):
            page.keyboard.press(key)
            if page.evaluate("document.activeElement === document.body"):
                break
            visited += 1
            assert page.evaluate(OBSCURED) is None
        assert visited >= 8


@pytest.mark.parametrize("path", PAGES)
def test_targets_are_large_enough(reader: Reader, path: str) -> None:
    """2.5.8: 24 pixels; 44 for the buttons of the banner (2.5.5, level AAA)."""
    page = reader.page(1280)
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(path)
        assert page.evaluate(SMALL_TARGETS, 24) == []
        heights = page.locator("button[name=choice]").evaluate_all(
            "buttons => buttons.map(button => button.getBoundingClientRect().height)"
        )
        assert heights
        assert all(height >= 44 for height in heights)


def test_the_check_sees_a_small_target(reader: Reader) -> None:
    page = reader.page(320)
    page.goto("/")
    assert page.evaluate(SMALL_TARGETS, 60)


@pytest.mark.parametrize("path", ["/", "/pt/", "/cookies", "/privacy"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_while_a_page_loads(reader: Reader, path: str, width: int) -> None:
    """What moves by the making of a page moves each time it is loaded.

    On a busy machine the parser may rest in the middle of a paragraph, whose last lines are then
    broken anew when the rest of it is there.
    """
    page = reader.page(width)

    def shifts() -> list[float]:
        page.goto(path, wait_until="networkidle")
        found: list[float] = page.evaluate(SHIFTS)
        return found

    assert any(shifts() == [] for _ in range(3))
