"""No file that the site reads makes it fail: it serves, or says in one sentence what is wrong."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from browserlike import Visitor
from conftest import MakeSite
from files import spoilt
from flask import Flask
from hypothesis import given
from inputs import Sent
from properties import ask
from site_to_fuzz import settings_of_a_full_site
from tries import Tries

from app import create_app
from blueprints.article.broken import BrokenTableError
from blueprints.article.partners import read_messages
from blueprints.database import db

pytestmark = pytest.mark.slow

PAGES = ["/", "/articles/film", "/pt/cookies", "/privacy", "/feed.xml", "/sitemap.xml"]
HEADERS = [("Host", "localhost"), ("Sec-Fetch-Site", "same-origin")]
LONGEST_SENTENCE = 1000
MESSAGES = Path(__file__).parents[2] / "blueprints/article/messages.toml"


def start(settings: dict[str, Any]) -> Flask | str:
    """Return the site, or what it says instead of starting."""
    try:
        site = create_app(settings | {"PROPAGATE_EXCEPTIONS": True})
    except SystemExit as end:
        return str(end)
    with site.app_context():
        db.engine.dispose()
    return site


def is_one_sentence(text: str) -> bool:
    return text.isprintable() and text.endswith(".") and len(text) < LONGEST_SENTENCE


@pytest.mark.parametrize(
    "name", ["texts/en/film.md", "texts/en/long.md", "registry.toml", "instance/secret_key"]
)
def test_a_wrong_file_is_named_or_harmless(
    make_site: MakeSite, tmp_path: Path, tries: Tries, name: str
) -> None:
    settings = settings_of_a_full_site(tmp_path)
    make_site(**settings)
    file = tmp_path / name
    good = file.read_text(encoding="utf-8") if file.exists() else "a" * 64

    @tries(0.01)
    @given(spoilt(good))
    def try_it(text: bytes) -> None:
        file.write_bytes(text)
        database = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/site.db"}
        site = start(settings | database)
        if isinstance(site, str):
            for sentence in site.split("\n"):  # one for each thing that is wrong
                assert file.name in sentence
                assert is_one_sentence(sentence), sentence
        else:
            for page in PAGES:
                ask(site, Sent("GET", page, HEADERS, b""))

    try_it()


def test_a_wrong_file_of_messages_is_named_or_harmless(
    make_site: MakeSite, tmp_path: Path, tries: Tries
) -> None:
    site = make_site(**settings_of_a_full_site(tmp_path), PROPAGATE_EXCEPTIONS=True)
    file = tmp_path / "messages.toml"

    @tries(0.02)
    @given(spoilt(MESSAGES.read_text(encoding="utf-8")))
    def try_it(text: bytes) -> None:
        file.write_bytes(text)
        with suppress(BrokenTableError):
            site.extensions["messages"] = read_messages(file)
            ask(site, Sent("GET", "/articles/film", [*HEADERS, ("Cookie", "a=b")], b""))

    try_it()


def receipt_of(site: Flask) -> str:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    assert site.test_cli_runner().invoke(args=["consent", "seal"]).exit_code == 0
    return visitor.raw_get("/cookies/receipt").get_data(as_text=True)


def heads_of(site: Flask) -> str:
    receipt_of(site)
    return json.dumps(Visitor(site).raw_get("/consent/seals.json").json, indent=1)


@pytest.mark.parametrize(
    ("good", "command"),
    [
        (receipt_of, "check-receipt {theirs}"),
        (heads_of, "verify --head {theirs}"),
        (heads_of, "check-receipt {kept} --seals {theirs}"),
    ],
    ids=["a receipt", "heads", "heads for a receipt"],
)
def test_a_wrong_file_of_somebody_else_is_answered(
    make_site: MakeSite, tmp_path: Path, tries: Tries, good: Callable[[Flask], str], command: str
) -> None:
    site = make_site()
    theirs, kept = tmp_path / "theirs.json", tmp_path / "kept.json"
    kept.write_text(receipt_of(site), encoding="utf-8")
    arguments = ["consent", *command.format(theirs=theirs, kept=kept).split()]

    @tries(0.02)
    @given(spoilt(good(site)))
    def try_it(text: bytes) -> None:
        theirs.write_bytes(text)
        result = site.test_cli_runner().invoke(args=arguments)
        assert result.exit_code in {0, 1, 2}, result.exception
        assert isinstance(result.exception, SystemExit | None), repr(result.exception)
        assert result.output.count("\n") <= 3, result.output

    try_it()
