"""Texts that change while the site runs."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from browserlike import Visitor, text_of
from flask import Flask

from blueprints.article.content import Library, read_library
from blueprints.article.shelf import SECONDS_BETWEEN_LOOKS, Shelf

pytestmark = [pytest.mark.slow, pytest.mark.stores("sqlite")]

SECONDS_UNTIL_SEEN = 30  # on a machine that is busy; else three
TEXT = "---\ntitle: {title}\ndate: 2026-01-02\nsummary: S\n---\nWords.\n"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    folder = tmp_path / "texts/en"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text(TEXT.format(title="The first"), encoding="utf-8")
    return folder


@pytest.fixture
def settings(texts: Path) -> dict[str, str]:
    return {"ARTICLES": str(texts.parent)}


def title(site: Flask) -> str:
    return text_of(Visitor(site).get("/").one("h1"))


def is_soon(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + SECONDS_UNTIL_SEEN
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("path", ["/", "/?size=large"])
def test_whoever_comes_first_after_a_change_sees_it(site: Flask, texts: Path, path: str) -> None:
    assert "The first" in Visitor(site).raw_get(path).text
    for change in ("The second", "The third", "The fourth"):
        (texts / "a.md").write_text(TEXT.format(title=change), encoding="utf-8")
        time.sleep(SECONDS_BETWEEN_LOOKS + 0.1)
        assert change in Visitor(site).raw_get(path).text
    (texts / "b.md").write_text(TEXT.format(title="Other"), encoding="utf-8")
    draft = TEXT.format(title="The fourth\ndraft: true")
    (texts / "a.md").write_text(draft, encoding="utf-8")
    time.sleep(SECONDS_BETWEEN_LOOKS + 0.1)
    assert Visitor(site).get("/articles/a").status == 404


def test_only_whoever_looks_waits_for_the_reading(texts: Path) -> None:
    may_read, is_reading = Event(), Event()
    may_read.set()

    def read() -> Library:
        is_reading.set()
        may_read.wait(SECONDS_UNTIL_SEEN)
        return read_library(texts.parent)

    def title_shown() -> str:
        return shelf.library().articles[0].title

    shelf = Shelf(texts.parent, read, logging.getLogger(), shows_drafts=False)
    (texts / "a.md").write_text(TEXT.format(title="The second"), encoding="utf-8")
    time.sleep(SECONDS_BETWEEN_LOOKS)
    may_read.clear()
    is_reading.clear()
    seen: list[str] = []
    first = Thread(target=lambda: seen.append(title_shown()))
    first.start()
    assert is_reading.wait(SECONDS_UNTIL_SEEN)
    before = shelf.version()
    assert title_shown() == "The first"
    may_read.set()
    first.join()
    assert (seen, title_shown()) == (["The second"], "The second")
    assert shelf.version() != before


def test_texts_that_change_while_a_page_is_made_do_not_break_it(
    site: Flask, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = site.extensions["shelf"]
    old = [shelf.library()]
    (texts / "a.md").write_text(TEXT.format(title="The second"), encoding="utf-8")
    new = read_library(texts.parent)
    monkeypatch.setattr(shelf, "library", lambda: old.pop() if old else new)
    assert title(site) == "The first"


def test_a_changed_text_is_seen_without_a_restart(site: Flask, texts: Path) -> None:
    assert title(site) == "The first"
    (texts / "a.md").write_text(TEXT.format(title="The second"), encoding="utf-8")
    assert is_soon(lambda: title(site) == "The second")
    assert "The second" in Visitor(site).raw_get("/feed.xml").text


def test_a_new_text_and_its_end_are_seen_without_a_restart(site: Flask, texts: Path) -> None:
    new = texts / "new.md"
    new.write_text(TEXT.format(title="New").replace("2026-01", "2026-02"), encoding="utf-8")
    assert is_soon(lambda: title(site) == "New")
    assert Visitor(site).get("/articles/new").status == 200
    new.unlink()
    assert is_soon(lambda: title(site) == "The first")
    assert Visitor(site).get("/articles/new").status == 404


def test_a_broken_text_is_told_once_and_the_old_one_stays(
    site: Flask, texts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def told() -> list[str]:
        return [line.getMessage() for line in caplog.records if "stays" in line.getMessage()]

    (texts / "a.md").write_text(TEXT.format(title=""), encoding="utf-8")
    assert is_soon(lambda: title(site) == "The first" and bool(told()))
    time.sleep(5)  # two more looks
    assert title(site) == "The first"
    assert told() == ["What was read before stays, because of en/a.md: title is missing"]
    (texts / "a.md").write_text(TEXT.format(title="Mended"), encoding="utf-8")
    assert is_soon(lambda: title(site) == "Mended")


def test_a_folder_that_goes_away_takes_no_article_away(site: Flask, texts: Path) -> None:
    (texts / "a.md").unlink()
    time.sleep(5)
    assert title(site) == "The first"
