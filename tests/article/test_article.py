"""The article as the client wrote it, and articles that are dropped into the folder."""

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite

from blueprints.article.broken import BrokenArticleError
from blueprints.article.content import read_library
from blueprints.article.front_matter import KEYS

ROOT = Path(__file__).parents[2]
SEED = (Path(__file__).parent / "seed.txt").read_text(encoding="utf-8")
LONGEST_SENTENCE = 1000
GOOD = "---\ntitle: A title\ndate: 2026-01-02\nsummary: A summary\n---\nSome words.\n"


def seed_lines() -> list[str]:
    return [line.strip() for line in SEED.splitlines() if line.strip()]


def test_the_article_is_the_clients_word_for_word(make_site: MakeSite) -> None:
    page = Visitor(make_site()).get("/")
    article = page.one("article")
    (title,) = article.iter(HTML + "h1")
    (time,) = article.iter(HTML + "time")
    lines = seed_lines()
    start = lines.index("21 Jul 2020")
    assert text_of(title) == lines[start - 1]
    assert (text_of(time), time.get("datetime")) == ("21 Jul 2020", "2020-07-21")
    paragraphs = ["".join(item.itertext()) for item in article.findall(HTML + "p")]
    assert len(paragraphs) == 8
    for shown, written in zip(paragraphs, lines[start + 1 :], strict=True):
        assert shown == written


def test_the_banner_has_the_clients_words_but_for_the_one_sentence(make_site: MakeSite) -> None:
    words = text_of(Visitor(make_site()).get("/").one("div", role="region"))
    for line in seed_lines()[:2]:
        assert " ".join(line.split()) in words
    assert "Change Settings" in words
    assert "By continuing to use our website" not in words
    assert "If you continue without choosing, only strictly necessary cookies are used." in words


def test_in_the_implied_model_the_banner_is_the_clients_to_the_letter(make_site: MakeSite) -> None:
    page = Visitor(make_site(CONSENT_MODEL="implied")).get("/")
    words = text_of(page.one("div", role="region"))
    for line in seed_lines()[:3]:
        assert " ".join(line.split()) in words
    assert page.banner is not None
    buttons = [text_of(button) for button in page.banner.iter(HTML + "button")]
    assert " ".join(buttons) == seed_lines()[3]


def test_each_language_links_to_the_other_and_to_the_canonical_address(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    english = visitor.get("/")
    portuguese = visitor.get("/pt/")
    for page in (english, portuguese):
        alternates = {
            link.get("hreflang"): link.get("href")
            for link in page.all("link", rel="alternate")
            if link.get("hreflang")
        }
        assert alternates["en"] == english.one("link", rel="canonical").get("href")
        assert alternates["pt"] == portuguese.one("link", rel="canonical").get("href")
        for address in alternates.values():
            assert address is not None
            assert visitor.get(address.removeprefix("http://localhost")).status == 200
    assert text_of(portuguese.one("h1")) != text_of(english.one("h1"))


@pytest.mark.parametrize(
    ("path", "there", "says"),
    [
        ("/articles/a", [], ("Ainda não há artigos em português", None)),
        ("/pt/artigos/a", [], ("There are no articles in English yet", None)),
        ("/articles/a", ["b"], ("em português (este não está traduzido)", "/pt/artigos")),
        ("/pt/", ["b"], ("in English (this one is not translated)", "/articles")),
        ("/articles/a", ["a"], ("Português", "/pt/artigos/a")),
        ("/cookies", ["b"], ("Português", "/pt/cookies")),
    ],
)
def test_the_link_to_a_language_that_lacks_the_article_says_so_in_that_language(
    make_site: MakeSite, tmp_path: Path, path: str, there: list[str], says: tuple[str, str | None]
) -> None:
    here, other = ("pt", "en") if path.startswith("/pt/") else ("en", "pt")
    for language, names in ((here, ["a"]), (other, there)):
        folder = tmp_path / "texts" / language
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.md").write_text(GOOD, encoding="utf-8")
    visitor = Visitor(make_site(ARTICLES=str(tmp_path / "texts")))
    (languages,) = visitor.get(path).all("ul", class_="languages")
    (link,) = [each for each in languages.iter() if each.get("lang") == other]
    words, address = says
    assert text_of(link).endswith(words)
    assert link.get("href") == address
    assert address is None or visitor.get(address).status == 200


def test_a_slug_without_an_article_is_a_404(make_site: MakeSite) -> None:
    assert Visitor(make_site()).get("/articles/none").status == 404


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("title: A title\n", ""), "en/a.md: title is missing"),
        (
            GOOD.replace("2026-01-02", "2026-13-02"),
            "en/a.md: front matter cannot be read: month must be in 1..12; a day is written",
        ),
        (
            GOOD.replace("A title", '"Smart" cities'),
            "en/a.md: front matter cannot be read: line 2: did not find expected key; words that",
        ),
        (GOOD.replace("A title", "[Video] Porto"), "en/a.md: front matter cannot be read: line"),
        (GOOD.replace("A title", "@porto"), "en/a.md: front matter cannot be read: line 2"),
        (GOOD.replace("---\nSome", "...\nSome"), "en/a.md: the line --- after the front matter"),
        (GOOD.replace("---\nSome", "Some"), "en/a.md: the line --- after the front matter is"),
        (GOOD.replace("date:", "title: Another\ndate:"), "en/a.md: title is given twice"),
        (GOOD.replace("date:", "author: [A, B]\ndate:"), "en/a.md: author is not a text but a"),
        (GOOD.replace("2026-01-02", "yesterday"), "en/a.md: date is not a day"),
        (GOOD.replace("date:", "data: x\ndate:"), "en/a.md: unknown key 'data'"),
        (GOOD.replace("date:", "da\tte: x\ndate:"), "en/a.md: unknown key 'daU+0009te'"),
        (GOOD.replace("date:", '"\\u2028": x\ndate:'), "en/a.md: unknown key 'U+2028'"),
        (GOOD.replace("date:", f"{'a' * 99}: x\ndate:"), "en/a.md: unknown key 'aaa"),
        (GOOD.replace("date:", f"? {'a' * 9999}\n: x\ndate:"), "en/a.md: unknown key 'aaa"),
        (GOOD.replace("A title", f"*{'a' * 9999}"), "en/a.md: front matter cannot be read"),
        (GOOD.replace("date:", "slug: A b\ndate:"), "en/a.md: slug is not"),
        (GOOD.replace("date:", "topics: x\ndate:"), "en/a.md: topics is not a list"),
        (GOOD.replace("Some words.", ""), "en/a.md: text is missing"),
        (GOOD + "\n<div>", "en/a.md: line 8 has HTML, '<div>'; a text is Markdown alone"),
        (GOOD.replace("A title", "[1"), "en/a.md: front matter cannot be read"),
        (
            GOOD + "\n![](embed:player/b-1)",
            "en/a.md: line 8: the embed 'player/b-1' needs its title",
        ),
        ("no front matter", "en/a.md: title is missing"),
        (GOOD.replace("A title", "[1, 2]"), "en/a.md: title is not a text"),
        (GOOD.replace("title: A title", "- a"), "en/a.md: front matter cannot be read"),
        (GOOD.replace("Some", "So\x0cme"), "en/a.md: line 6 has the control character U+000C"),
        (GOOD.replace("Some", "So\ufdd0me"), "en/a.md: line 6 has the control character U+FDD0"),
        (GOOD.replace("Some", "So\uffffme"), "en/a.md: line 6 has the control character U+FFFF"),
        (GOOD.replace("Some", "\n\nSo\x00me"), "en/a.md: line 8 has the control character U+0000"),
        (GOOD.replace("A title", '"A\\x07"'), "en/a.md: title has the control character U+0007"),
        (GOOD.replace("date:", 'topics: ["\\e"]\ndate:'), "en/a.md: topics has the control"),
        (GOOD.replace("date:", f"slug: {'a' * 101}\ndate:"), "en/a.md: slug is not"),
    ],
)
def test_a_broken_file_is_named_with_its_field(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.md").write_text(text, encoding="utf-8")
    with pytest.raises(BrokenArticleError) as caught:
        read_library(tmp_path)
    assert str(caught.value).startswith(says)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < LONGEST_SENTENCE


def test_a_name_that_can_be_no_address_is_told_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "Name With Space.md").write_text(GOOD, encoding="utf-8")
    with pytest.raises(BrokenArticleError, match="no slug, and the name of the file is not lower"):
        read_library(tmp_path)


def test_a_key_left_empty_is_as_one_left_out(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    file = tmp_path / "en" / "a.md"
    file.write_text(GOOD, encoding="utf-8")
    without = read_library(tmp_path)
    empty = "".join(f"{key}:\n" for key in sorted(KEYS - {"title", "date", "summary"}))
    file.write_text(GOOD.replace("date:", f"{empty}date:"), encoding="utf-8")
    assert read_library(tmp_path) == without


def test_a_duplicate_slug_is_refused(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "en" / "b.md").write_text(GOOD.replace("date:", "slug: a\ndate:"), encoding="utf-8")
    with pytest.raises(BrokenArticleError, match=r"^en/b.md: slug 'a' is taken by a.md$"):
        read_library(tmp_path)


def test_a_text_in_a_language_that_the_site_has_not_is_told(tmp_path: Path) -> None:
    file = tmp_path / "de/a.md"
    file.parent.mkdir()
    file.write_text(GOOD, encoding="utf-8")
    with pytest.raises(BrokenArticleError, match=r"^de/a.md: 'de' is no language of the site"):
        read_library(tmp_path)


def long_text(headings: int) -> str:
    part = "## The Clérigos *tower*\n\n" + "word " * 500
    return GOOD.replace("Some words.", "\n\n".join([part] * headings))


def test_a_long_article_has_a_table_of_contents_whose_links_arrive(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.md").write_text(long_text(3), encoding="utf-8")
    (article,) = read_library(tmp_path).articles
    assert [heading.words for heading in article.contents] == ["The Clérigos tower"] * 3
    ids = [heading.id for heading in article.contents]
    assert ids == [
        "text-the-clerigos-tower",
        "text-the-clerigos-tower-2",
        "text-the-clerigos-tower-3",
    ]
    for id_ in ids:
        assert f'<h2 id="{id_}">' in str(article.body[0])


@pytest.mark.parametrize("text", [long_text(2), GOOD, GOOD.replace("Some", "## A\n## A\n## A\n")])
def test_a_short_article_or_one_of_few_parts_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.md").write_text(text, encoding="utf-8")
    (article,) = read_library(tmp_path).articles
    assert article.contents == ()


def test_a_byte_order_mark_is_left_out_and_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.md").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    (article,) = read_library(tmp_path).articles
    assert (article.title, article.body) == ("A title", ('<p id="p1">Some words.</p>\n',))


def test_a_feed_is_well_formed_whatever_character_an_article_names(
    make_site: MakeSite, tmp_path: Path
) -> None:
    (tmp_path / "texts/en").mkdir(parents=True)
    text = GOOD + "&#0; &#7; &#x1f; &#xfffe; &#xd800; &#x80; ]]> <![CDATA[\n"
    (tmp_path / "texts/en/a.md").write_text(text, encoding="utf-8")
    feed = Visitor(make_site(ARTICLES=str(tmp_path / "texts"))).raw_get("/feed.xml")
    assert "Some words." in "".join(ET.fromstring(feed.data).itertext())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the site, to drop files into."""
    for name in ("app.py", "blueprints", "templates", "static"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


def run(checkout: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_an_article_dropped_into_the_folder_appears(checkout: Path) -> None:
    texts = checkout / "blueprints/article/texts/en"
    (texts / "newer.md").write_text(GOOD, encoding="utf-8")
    shown = run(checkout, "from app import create_app as c; print(c().test_client().get('/').text)")
    assert "<h1>A title</h1>" in shown.stdout
    assert "Some words." in shown.stdout
    assert "/articles/porto-is-one-of-the-smart-cities-in-european-initiative" in shown.stdout


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_told_and_one_of_an_editor_is_left_alone(
    checkout: Path,
) -> None:
    texts = checkout / "blueprints/article/texts/en"
    (texts / ".#newer.md").symlink_to("ana@desk.4711")  # as Emacs locks a file
    shown = run(checkout, "from app import create_app as c; print(c().test_client().get('/').text)")
    assert "/articles/porto-is-one-of-the-smart-cities-in-european-initiative" in shown.stdout
    (texts / "newer.md").symlink_to("nowhere")
    stopped = run(checkout, "from app import create_app; create_app()")
    assert (stopped.returncode, stopped.stderr.count("\n")) == (1, 1)
    assert stopped.stderr.startswith("An article is broken: en/newer.md: the file cannot be read")


@pytest.mark.slow
def test_the_table_of_contents_is_shown_above_the_text(checkout: Path) -> None:
    texts = checkout / "blueprints/article/texts/en"
    (texts / "newer.md").write_text(long_text(3), encoding="utf-8")
    shown = run(checkout, "from app import create_app as c; print(c().test_client().get('/').text)")
    assert '<a href="#text-the-clerigos-tower-2">The Clérigos tower</a>' in shown.stdout


@pytest.mark.slow
def test_a_broken_article_stops_the_start_with_one_sentence(checkout: Path) -> None:
    texts = checkout / "blueprints/article/texts/en"
    (texts / "newer.md").write_text(
        "---\ndate: 2026-01-01\nsummary: S\n---\nWords.", encoding="utf-8"
    )
    stopped = run(checkout, "from app import create_app; create_app()")
    assert stopped.returncode == 1
    assert stopped.stderr == "An article is broken: en/newer.md: title is missing.\n"
