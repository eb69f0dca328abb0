"""What an editor says of a text before it: who, when, and whether readers may see it yet."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
import time_machine
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite

from app import create_app

LISBON = ZoneInfo("Europe/Lisbon")
ROOT = Path(__file__).parents[2]
OLD = "---\ntitle: An old one\ndate: 2020-01-01\nsummary: A summary\n---\nOld words.\n"
FULL = """---
title: "Porto: a city"
date: 2026-07-01
updated: 2026-07-03
summary: For search engines.
standfirst: For readers.
author: Ana Sousa
topics: [smart-cities, wine-lodges]
---
Some words.
"""


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts/en"
    folder.mkdir(parents=True)
    (folder / "old.md").write_text(OLD, encoding="utf-8")
    return folder


def test_what_is_said_of_an_article_is_shown_to_people_and_machines(
    make_site: MakeSite, texts: Path
) -> None:
    (texts / "new.md").write_text(FULL, encoding="utf-8")
    visitor = Visitor(make_site(ARTICLES=str(texts.parent)))
    page = visitor.get("/")
    (header,) = page.one("article").findall(HTML + "header")
    words = [text_of(element) for element in header]
    assert words == [
        "Smart cities Wine lodges",
        "Porto: a city",
        "For readers.",
        "Ana Sousa 1 Jul 2026 Updated 3 Jul 2026 1 minute to read",
    ]
    (script,) = page.all("script", type="application/ld+json")
    data = json.loads("".join(script.itertext()))
    assert data["author"] == {"@type": "Person", "name": "Ana Sousa"}
    assert (data["datePublished"], data["dateModified"]) == ("2026-07-01", "2026-07-03")
    assert data["description"] == "For search engines."
    feed = ET.fromstring(visitor.raw_get("/feed.xml").data)
    assert feed.findtext("{*}updated") == "2026-07-03T00:00:00Z"
    assert feed.findtext("{*}entry/{*}updated") == "2026-07-03T00:00:00Z"
    assert feed.findtext("{*}entry/{*}author/{*}name") == "Ana Sousa"
    sitemap = ET.fromstring(visitor.raw_get("/sitemap.xml").data)
    assert "2026-07-03" in [day.text for day in sitemap.findall(".//{*}lastmod")]


def test_without_a_standfirst_the_summary_stands_under_the_title(
    make_site: MakeSite, texts: Path
) -> None:
    page = Visitor(make_site(ARTICLES=str(texts.parent))).get("/")
    assert [text_of(p) for p in page.all("p", class_="standfirst")] == ["A summary"]


HIDDEN = FULL.replace("date: 2026-07-01\nupdated: 2026-07-03", "date: {day}\ndraft: {draft}")


def places(visitor: Visitor) -> dict[str, bool]:
    """Say where the new article is seen."""
    title = "Porto: a city"
    addresses = ["/", "/feed.xml", "/sitemap.xml", "/articles/old"]
    seen = {address: visitor.raw_get(address).text for address in addresses}
    found = {address: title in text or "/articles/new" in text for address, text in seen.items()}
    return found | {"/articles/new": visitor.raw_get("/articles/new").status_code == 200}


@pytest.mark.parametrize(("day", "draft"), [("2020-02-01", "true"), ("2026-07-02", "false")])
def test_what_is_not_published_is_nowhere_on_the_site(
    make_site: MakeSite, texts: Path, day: str, draft: str
) -> None:
    (texts / "new.md").write_text(HIDDEN.format(day=day, draft=draft), encoding="utf-8")
    with time_machine.travel(datetime(2026, 7, 1, 23, 59, tzinfo=LISBON), tick=False):
        visitor = Visitor(make_site(ARTICLES=str(texts.parent)))
        assert not any(places(visitor).values())


def test_an_article_is_published_as_its_day_begins_in_lisbon(
    make_site: MakeSite, texts: Path
) -> None:
    (texts / "new.md").write_text(HIDDEN.format(day="2026-07-02", draft="false"), encoding="utf-8")
    site = make_site(ARTICLES=str(texts.parent))
    with time_machine.travel(datetime(2026, 7, 1, 23, 59, 50, tzinfo=LISBON), tick=False) as clock:
        assert not any(places(Visitor(site)).values())
        clock.shift(100)  # In Lisbon it is the next day, in UTC not yet.
        assert all(places(Visitor(site)).values())


@pytest.mark.parametrize(
    ("day", "draft", "mark"),
    [
        ("2020-02-01", "true", "Draft"),
        ("2090-01-01", "false", "Not published until that day"),
        ("2020-02-01", "false", None),
    ],
)
def test_whoever_writes_sees_it_marked(
    make_site: MakeSite, texts: Path, day: str, draft: str, mark: str | None
) -> None:
    (texts / "new.md").write_text(HIDDEN.format(day=day, draft=draft), encoding="utf-8")
    visitor = Visitor(make_site(ARTICLES=str(texts.parent), DRAFTS=True))
    assert all(places(visitor).values())
    marks = visitor.get("/articles/new").all("strong", class_="mark")
    assert [text_of(found) for found in marks] == ([mark] if mark else [])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"HOST": "0.0.0.0"}, "must be a loopback address"),  # noqa: S104 - it is refused
        ({"HOST": "www.example.pt"}, "must be a loopback address"),
        ({"PROXY_HOPS": 1}, "FLASK_PROXY_HOPS 0"),
        ({"DRAFTS": "yes"}, "FLASK_DRAFTS must be 1 or 0."),
    ],
)
def test_drafts_are_shown_to_nobody_else(
    settings: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=says):
        create_app({"DRAFTS": True, "INSTANCE": str(tmp_path)} | settings)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"Porto: a city"', "Porto: a city", "line 2 has words with a colon; put them in quotatio"),
        ('"Porto: a city"', "10:30", "title is not a text; put it in quotation marks"),
        ("Ana Sousa", "no", "author is not a text; put it in quotation marks"),
        ("2026-07-03", "2026-06-30", "updated is before date"),
        ("2026-07-03", "soon", "updated is not a day written YYYY-MM-DD"),
        ("author: Ana Sousa", "draft: perhaps", "draft is not true or false"),
    ],
)
def test_a_wrong_field_is_told_as_an_editor_can_mend_it(
    texts: Path, old: str, new: str, says: str
) -> None:
    (texts / "new.md").write_text(FULL.replace(old, new), encoding="utf-8")
    with pytest.raises(SystemExit, match=f"^An article is broken: en/new.md: {says}"):
        create_app({"ARTICLES": str(texts.parent)})


def check(texts: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    settings = {"FLASK_ARTICLES": str(texts.parent), "FLASK_INSTANCE": str(tmp_path / "instance")}
    return subprocess.run(
        [sys.executable, "-m", "flask", "article", "check"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_all_that_is_wrong_is_told_at_once(texts: Path, tmp_path: Path) -> None:
    assert check(texts, tmp_path).stdout == "1 text can be read.\n"
    (texts / "a.md").write_text(FULL.replace("Ana Sousa", "no") + "\n<b>\n", encoding="utf-8")
    (texts / "b.md").write_text("words\n\n![Film](embed:nothing/1)", encoding="utf-8")
    told = check(texts, tmp_path)
    assert told.returncode == 1
    assert told.stderr.splitlines() == [
        "An article is broken: en/a.md: author is not a text; put it in quotation marks.",
        "An article is broken: en/a.md: line 12 has HTML, '<b>'; a text is Markdown alone.",
        "An article is broken: en/b.md: title is missing.",
        "An article is broken: en/b.md: date is missing.",
        "An article is broken: en/b.md: summary is missing.",
        "An article is broken: en/b.md: line 3: the registry has no embed 'nothing'.",
    ]
