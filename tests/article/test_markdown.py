"""What an editor may write in a text, what it becomes, and what is refused."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite
from playwright.sync_api import Browser, expect
from served import serving

from blueprints.article.markdown import render, typeset
from blueprints.article.pictures import Pictures

FRONT_MATTER = '---\ntitle: A "title"\ndate: 2026-01-02\nsummary: A "summary"\n---\n'
EVERYTHING = """First words[^1] of ~~many~~ some, and "quoted" -- by many.

## A part

### A smaller part

| City | Year | Inhabitants | About |
|------|------|------------:|-------|
| Porto | 2021 | 231,800 | many words that need the room of all other columns, and {long} |

- one
  - two
    1. three

---

https://www.example.pt/{long}/and/on

    code = "{long}"

Again[^1].

[^1]: Where it is said.
""".replace("{long}", "Donaudampfschifffahrt" * 6)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for language in ("en", "pt"):
        (tmp_path / "texts" / language).mkdir(parents=True)
        file = tmp_path / "texts" / language / "a.md"
        file.write_text(FRONT_MATTER + EVERYTHING, encoding="utf-8")
    return tmp_path / "texts"


def test_every_element_of_a_text_is_on_the_page(make_site: MakeSite, texts: Path) -> None:
    article = Visitor(make_site(ARTICLES=str(texts))).get("/").one("article")
    for tag in ("s", "h2", "h3", "table", "hr", "pre"):
        assert len(list(article.iter(HTML + tag))) == 1, tag
    nested, _notes = article.iter(HTML + "ol")
    assert text_of(nested) == "three"
    (cell,) = [cell for cell in article.iter(HTML + "td") if cell.get("class")]
    assert (cell.get("class"), cell.get("data-label"), text_of(cell)) == (
        "end",
        "Inhabitants",
        "231,800",
    )
    assert [head.get("scope") for head in article.iter(HTML + "th")] == ["col"] * 4


def test_a_footnote_and_each_place_that_refers_to_it_lead_to_each_other(
    make_site: MakeSite, texts: Path
) -> None:
    article = Visitor(make_site(ARTICLES=str(texts))).get("/").one("article")
    links = [link for link in article.iter(HTML + "a") if link.get("role")]
    forth = [link for link in links if link.get("role") == "doc-noteref"]
    back = [link for link in links if link.get("role") == "doc-backlink"]
    assert [link.get("href") for link in forth] == ["#fn1", "#fn1"]
    assert [link.get("href") for link in back] == [f"#{link.get('id')}" for link in forth]
    (note,) = [item for item in article.iter(HTML + "li") if item.get("id") == "fn1"]
    assert text_of(note).startswith("Where it is said.")


@pytest.mark.parametrize(("path", "name"), [("/", "Back to the text"), ("/pt/", "Voltar ao texto")])
def test_the_ways_back_from_the_notes_have_names_in_the_language_of_the_text(
    make_site: MakeSite, texts: Path, path: str, name: str
) -> None:
    for file in texts.glob("*/a.md"):
        file.write_text(f"{file.read_text(encoding='utf-8')}\nOnce[^2] and^[now].\n\n[^2]: More.\n")
    links = Visitor(make_site(ARTICLES=str(texts))).get(path).all("a", role="doc-backlink")
    names = [link.get("aria-label") for link in links]
    assert names == [f"{name} (1)", f"{name} (2)", name, name]


def test_the_feed_has_the_same_elements(make_site: MakeSite, texts: Path) -> None:
    feed = ET.fromstring(Visitor(make_site(ARTICLES=str(texts))).raw_get("/feed.xml").data)
    content = feed.findtext("{*}entry/{*}content") or ""
    for piece in ("<table>", "<s>many</s>", 'role="doc-endnotes"', "<h3>", "<pre>"):
        assert piece in content


def test_portuguese_is_printed_as_in_portugal_and_english_as_it_was_written(
    make_site: MakeSite, texts: Path
) -> None:
    visitor = Visitor(make_site(ARTICLES=str(texts)))
    english, portuguese = visitor.get("/"), visitor.get("/pt/")
    assert 'and "quoted" -- by many' in text_of(english.one("article"))
    assert "and «quoted» – by many" in text_of(portuguese.one("article"))
    assert text_of(english.one("h1")) == 'A "title"'
    assert text_of(portuguese.one("h1")) == "A «title»"
    assert typeset("*a* <b> & 'c'", "pt") == "*a* <b> & “c”"
    # A number of thousands never breaks at the end of a line.
    assert typeset("1 500 000 em 12 3456", "pt") == "1\u00a0500\u00a0000 em 12 3456"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a\n\n<div>b</div>", ["line 7 has HTML, '<div>b</div>'; a text is Markdown alone"]),
        ("a\nb <i>c</i>\nd <br>", ["line 6 has HTML, '<i>'", "line 7 has HTML, '<br>'"]),
        ("<!-- a\nb -->", ["line 5 has HTML, '<!--'"]),
        ("a\n\n# b\n\nc\n===", ["line 7 is a heading of the first", "line 9 is a heading"]),
        (
            "### b\n\n#### c",
            ["line 7 is a heading deeper than ###; use ## or ### here"],
        ),
        ("- a\n\n  ###### b", ["line 7 is a heading deeper"]),
        ("a\nb[^c]", ["line 6 has [^c], but there is no line [^c]: with its words"]),
        ("a[^b]\n\n- c[^d]\n\n[^b]:", ["line 5 has [^b]", "line 7 has [^d]"]),
        ("a[^b] \\[^c] `[^d]` ^[e]\n\n[^b]: f", []),
        ("a\n\n[^b]: c", ["nothing in the text refers to the note [^b]"]),
        ("a ![b](c.jpg)\nd", ["line 5 has a picture among words"]),
        ("- ![b](c.jpg)\n- ![b](embed:player/c)", ["line 5 has a picture", "line 6 has a picture"]),
        ("> ![b](c.jpg)\n\n## ![b](c.jpg)", ["line 5 has a picture", "line 7 has a picture"]),
        ("a\n\n![](c.jpg)", ["line 7: the picture 'c.jpg' needs words in its brackets"]),
        ("![b](c.jpg)", ["line 5: the picture 'c.jpg' is not the name of a file in images/"]),
        ("![b](../a/c.jpg)", ["line 5: the picture '../a/c.jpg' is not the name of a file"]),
        ("![b](https://www.example.pt/c.jpg)", ["line 5: the picture 'https://www.example.pt/c."]),
        ("a < b, `<i>`, <https://www.example.pt>, &lt;i&gt;", []),
    ],
)
def test_what_a_text_may_not_hold_is_told_with_its_line(
    tmp_path: Path, text: str, problems: list[str]
) -> None:
    found = render(text, "en", Pictures(tmp_path, tmp_path), first_line=5).problems
    assert len(found) == len(problems)
    assert all(each.startswith(says) for each, says in zip(found, problems, strict=True)), found


@pytest.mark.parametrize("width", [320, 390, 820, 1440])
def test_nothing_in_a_text_makes_a_page_scroll_sideways(
    browser: Browser, make_site: MakeSite, texts: Path, width: int
) -> None:
    with serving(make_site(ARTICLES=str(texts))) as address:
        page = browser.new_page(viewport={"width": width, "height": 700})
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        sizes = page.evaluate(
            "['article > p:nth-of-type(2)', 'article > h3', 'article > h2'].map(each => "
            "parseFloat(getComputedStyle(document.querySelector(each)).fontSize))"
        )
        lines = page.get_by_role("cell", name="2021").evaluate("""cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getClientRects().length;
        }""")
        page.close()
    assert sizes == sorted(sizes)
    assert sizes[1] > sizes[0], "a heading is larger than the text"
    assert lines == 1, "a year is not broken"


def test_a_cell_under_an_empty_head_has_no_label(make_site: MakeSite, texts: Path) -> None:
    table = "| | Visitors |\n|---|---|\n| Porto | 10 |\n"
    (texts / "en/a.md").write_text(FRONT_MATTER + table, encoding="utf-8")
    article = Visitor(make_site(ARTICLES=str(texts))).get("/").one("article")
    labels = [cell.get("data-label") for cell in article.iter(HTML + "td")]
    assert labels == [None, "Visitors"]


@pytest.mark.parametrize("width", [724, 820, 1024, 1440])
def test_a_table_of_many_columns_scrolls_by_itself_and_breaks_no_word(
    browser: Browser, make_site: MakeSite, texts: Path, width: int
) -> None:
    words = [
        "Programme",
        "Municipality",
        "Participants",
        "Responsible",
        "Donaudampfschifffahrt",
    ] * 2
    row = f"| {' | '.join(words)} |\n"
    table = row + f"|{'---|' * len(words)}\n" + row
    (texts / "en/a.md").write_text(FRONT_MATTER + table, encoding="utf-8")
    with serving(make_site(ARTICLES=str(texts))) as address:
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        lines = page.locator("article td").evaluate_all(
            "cells => cells.map(cell => { const range = document.createRange();"
            " range.selectNodeContents(cell); return range.getClientRects().length; })"
        )
        page.close()
    assert set(lines) == {1}


FIVE_COLUMNS = """| Municipality | Inhabitants | Programme | Coordinator | What the city does |
|---|---:|---|---|---|
| Matosinhos | 172,669 | Sustainability | Communication | It measures how people move by the river |
"""
CELLS_OF_A_WORD_ON_TWO_LINES = """() => [...document.querySelectorAll("article :is(th, td)")]
  .filter(cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return !/\\s/.test(cell.textContent) && range.getClientRects().length > 1;
  }).map(cell => cell.textContent)"""


def test_a_table_of_five_columns_keeps_to_the_measure_and_breaks_no_word(
    browser: Browser, make_site: MakeSite, texts: Path
) -> None:
    (texts / "en/a.md").write_text(FRONT_MATTER + FIVE_COLUMNS, encoding="utf-8")
    with serving(make_site(ARTICLES=str(texts))) as address:
        page = browser.new_page()
        page.goto(address)
        for width in (730, 820, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(CELLS_OF_A_WORD_ON_TWO_LINES) == []
            box = page.locator(".sideways").evaluate("box => box.scrollWidth - box.clientWidth")
            assert box == 0
        page.set_viewport_size({"width": 624, "height": 900})  # A4, less its margins
        page.emulate_media(media="print")
        assert page.evaluate(CELLS_OF_A_WORD_ON_TWO_LINES) == []
        page.close()


def test_a_table_of_many_columns_is_in_the_middle_and_the_keyboard_scrolls_it(
    browser: Browser, make_site: MakeSite, texts: Path
) -> None:
    heads = ["Line", "Length", "Stops", "Opened", "Passengers", "Cost", "Remarks"]
    row = f"| {' | '.join(heads[:-1])} | {'Donaudampfschifffahrt' * 2} |\n"
    table = f"| {' | '.join(heads)} |\n|{'---|' * 7}\n{row}"
    (texts / "en/a.md").write_text(FRONT_MATTER + table, encoding="utf-8")
    with serving(make_site(ARTICLES=str(texts))) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 800})
        page.goto(address)
        box = page.get_by_role("group", name=", ".join(heads))
        left, right = box.locator("table").evaluate(
            "table => { const { left, right } = table.getBoundingClientRect();"
            " return [left, document.documentElement.clientWidth - right]; }"
        )
        assert left == pytest.approx(right, abs=1)
        page.set_viewport_size({"width": 730, "height": 800})
        page.locator("#reading summary").focus()
        page.keyboard.press("Shift+Tab")
        expect(box).to_be_focused()
        box.evaluate("box => { box.onscroll = () => { box.title = 'scrolled'; }; }")
        page.keyboard.press("ArrowRight")
        expect(box).to_have_attribute("title", "scrolled")
        expect(box.get_by_role("table")).to_be_visible()
        page.close()
