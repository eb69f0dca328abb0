"""The conveniences of the article page, in a real browser: each is there only where it works."""

from pathlib import Path

import checkers
import pytest
from browserlike import HTML, Visitor
from conftest import MakeSite, leave_out
from evidence import ARTICLE
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import serving

from blueprints.article.content import read_library

pytestmark = pytest.mark.stores("sqlite")

# A machine that runs tests has no loudspeaker, so the device's own voices are put in their place.
VOICES = """
  const voices = %s;
  const said = window.said = [];
  speechSynthesis.getVoices = () => voices;
  speechSynthesis.speak = (words) => said.push(words);
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
"""
FAR_VOICE = '[{ lang: "pt-PT", localService: false }]'
FIREFOX_VOICE = (
    '[{ lang: "pt-PT", localService: false, voiceURI: "urn:moz-tts:speechd:Portuguese?pt-PT" }]'
)
NEAR_VOICES = (
    '[{ lang: "pt-PT", localService: false }, { lang: "pt_BR", localService: true },'
    ' { lang: "pt-PT", localService: true }, { lang: "en-US", localService: true }]'
)


def portuguese_page(context: BrowserContext, voices: str) -> Page:
    page = context.new_page()
    page.add_init_script(VOICES % voices)
    page.goto("/pt/")
    return page


def test_a_voice_of_the_device_reads_the_whole_article_and_stops(context: BrowserContext) -> None:
    page = portuguese_page(context, NEAR_VOICES)
    page.locator("#reading summary").click()
    page.get_by_role("button", name="Ouvir").click()
    said = page.evaluate("said.map(words => [words.text, words.lang, words.voice.localService])")
    assert len(said) == 10
    assert said[0][0] == page.locator("h1").inner_text()
    assert {(language, local) for _, language, local in said} == {("pt-PT", True)}
    page.get_by_role("button", name="Parar").click()
    expect(page.get_by_role("button", name="Ouvir")).to_be_visible()
    page.get_by_role("button", name="Ouvir").click()
    page.evaluate("document.querySelector('[data-reader=listen]').textContent = 'Arrêter'")
    page.evaluate("window.stopped = 0; speechSynthesis.cancel = () => { stopped += 1; }; 0")
    page.locator("[data-reader=listen]").click()  # on a page that the browser has translated
    assert page.evaluate("[stopped, said.length]") == [1, 20]
    expect(page.get_by_role("button", name="Ouvir")).to_be_visible()
    page.get_by_role("button", name="Ouvir").click()
    page.evaluate("said.at(-1).onend()")
    expect(page.get_by_role("button", name="Ouvir")).to_be_visible()


def test_the_numbers_of_notes_are_not_read_aloud(
    browser: Browser, make_site: MakeSite, tmp_path: Path
) -> None:
    (tmp_path / "texts/pt").mkdir(parents=True)
    text = SHORT.format(day=1) + "One note[^1] and *another[^2]*.\n\n[^1]: A.\n[^2]: B.\n"
    (tmp_path / "texts/pt/a.md").write_text(text, encoding="utf-8")
    with serving(make_site(ARTICLES=str(tmp_path / "texts"))) as address:
        context = browser.new_context(base_url=address)
        page = portuguese_page(context, NEAR_VOICES)
        page.locator("#reading summary").click()
        page.get_by_role("button", name="Ouvir").click()
        said = page.evaluate("said.map(words => words.text)")
        marks = page.locator("article sup").all_inner_texts()
        page.evaluate("said.at(-1).onend()")
        expect(page.get_by_role("button", name="Ouvir")).to_be_visible()
        context.close()
    assert said == ["A tram", "Short.", "One note and another."]
    assert marks == ["1", "2"], "they stay on the page"


def test_a_voice_of_firefox_on_linux_is_on_the_device_though_called_remote(
    context: BrowserContext,
) -> None:
    page = portuguese_page(context, FIREFOX_VOICE)
    page.locator("#reading summary").click()
    expect(page.get_by_role("button", name="Ouvir")).to_be_visible()


@pytest.mark.parametrize("voices", ["[]", FAR_VOICE, '[{ lang: "en-GB", localService: true }]'])
def test_without_a_fitting_voice_on_the_device_there_is_no_offer_to_listen(
    context: BrowserContext, voices: str
) -> None:
    page = portuguese_page(context, voices)
    page.locator("#reading summary").click()
    expect(page.get_by_role("button", name="Copiar a ligação")).to_be_visible()
    expect(page.locator("[data-reader=listen]")).to_be_hidden()


def test_the_copied_link_is_the_permanent_address(context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_text("The link has been copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("link[rel=canonical]").get_attribute("href")


def test_the_devices_own_share_sheet_gets_title_and_address(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/")
    expect(page.get_by_role("button", name="Share")).to_be_hidden()  # no sheet on this machine
    page.add_init_script("navigator.share = async (what) => { window.shared = what; };")
    page.reload()
    page.get_by_role("button", name="Share").click()
    shared = page.evaluate("shared")
    assert shared["title"] == page.locator("h1").inner_text()
    assert "/articles/porto-is-one" in shared["url"]


def test_without_javascript_only_what_works_is_shown(browser: Browser, make_site: MakeSite) -> None:
    with serving(make_site()) as address:
        context = browser.new_context(base_url=address, java_script_enabled=False)
        page = context.new_page()
        page.goto("/")
        expect(page.locator("[data-reader]:visible")).to_have_count(0)
        link = page.get_by_role("link", name="Send by e-mail").get_attribute("href") or ""
        context.close()
    assert link.startswith("mailto:?subject=Porto%20is%20one")
    assert "&body=http%3A//127.0.0.1" in link


def test_previous_and_next_follow_the_dates(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    for name, year in (("a", 2024), ("b", 2026), ("c", 2025)):
        text = f"---\ntitle: {name}\ndate: {year}-01-01\nsummary: S\n---\nWords."
        (tmp_path / "en" / f"{name}.md").write_text(text, encoding="utf-8")
    library = read_library(tmp_path)
    chain = [
        (
            found.newer.name if found.newer else None,
            article.name,
            found.older.name if found.older else None,
        )
        for article in library.articles
        for found in [library.neighbours(article)]
    ]
    assert chain == [(None, "b", "c"), ("b", "c", "a"), ("c", "a", None)]


def test_a_single_article_has_no_neighbours_to_show(make_site: MakeSite) -> None:
    page = Visitor(make_site()).get(ARTICLE)
    assert not [nav for nav in page.root.iter(HTML + "nav") if "neighbours" in nav.get("class", "")]


SHORT = "---\ntitle: A tram\ndate: 2026-01-0{day}\nsummary: Short.\n---\n"
WORDS = "It runs every ten minutes from the river to the hill, early and late. " * 3  # 42


@pytest.mark.parametrize("path", ["/", "/articles/a"])
def test_a_reader_view_shows_the_article_alone_also_a_short_one(
    browser: Browser, make_site: MakeSite, tmp_path: Path, path: str
) -> None:
    try:
        checkers.install(checkers.READER_VIEW)
    except checkers.NotInstalledError as error:
        leave_out(f"npm registry ({error})")
    readability = checkers.MODULES / "@mozilla/readability/Readability.js"
    (tmp_path / "texts/en").mkdir(parents=True)
    for day, name in enumerate("cba", start=1):
        text = SHORT.format(day=day) + WORDS
        (tmp_path / f"texts/en/{name}.md").write_text(text, encoding="utf-8")
    with serving(make_site(ARTICLES=str(tmp_path / "texts"))) as address:
        page = browser.new_page(base_url=address)
        page.goto(path)
        code = readability.read_text(encoding="utf-8")
        shown = page.evaluate(
            f"() => {{ {code}; return new Readability(document.cloneNode(true)).parse(); }}"
        )
        page.close()
    assert shown["title"] == "A tram"
    words = " ".join(shown["textContent"].split())
    assert WORDS.strip() in words
    for beside in (
        "Aa",
        "Advertising",
        "Intelligent Cities",
        "Send by e-mail",
        "articles",
        "Cookie",
    ):
        assert beside not in words
