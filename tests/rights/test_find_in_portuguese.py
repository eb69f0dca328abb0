"""What `flask consent find` says to somebody who asks in Portuguese."""

import re
from pathlib import Path

import html5lib
import pytest
from babel.messages.extract import extract_from_dir
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite
from evidence import records
from flask import Flask
from flask_babel import gettext
from log import run, seal

TEMPLATES = Path(__file__).parents[2] / "templates/rights"


@pytest.fixture
def site(make_site: MakeSite) -> Flask:
    return make_site()


@pytest.fixture
def number(site: Flask) -> str:
    """The visitor's number after three choices, two of them sealed."""
    visitor = Visitor(site)
    visitor.choose("accept_all", path="/pt/")
    visitor.submit(visitor.get("/pt/cookies").form("/pt/cookies/withdraw"))
    seal(site)
    visitor.submit(visitor.get("/pt/cookies").form("/pt/cookies"), "reject")
    return str(records(site)[0].subject)


def english_words(site: Flask) -> set[str]:
    """Return what the templates of `find` say in English, where Portuguese has other words."""
    methods = [("find*", "jinja2")]
    found = {str(words) for _f, _l, words, *_ in extract_from_dir(TEMPLATES, methods)}
    with site.test_request_context("/pt/"):
        site.preprocess_request()
        found = {words for words in found if gettext(words) != words and "%" not in words}
    return found - {"session", "withdrawal"}  # which are names of cookies as well


def test_the_page_has_no_word_of_english(site: Flask, number: str) -> None:
    answer = run(site, "find", number, "--html", "--language", "pt")
    assert answer.exit_code == 0, answer.output
    root = html5lib.parse(answer.output)
    assert root.get("lang") == "pt"
    said = {
        text_of(part).replace(" ", "_").removesuffix(":")
        if part.tag == f"{HTML}dt"
        else text_of(part)
        for tag in ("dt", "dd", "h1", "h2", "h3", "li", "p")
        for part in root.iter(f"{HTML}{tag}")
    }
    english = english_words(site)
    assert len(english) > 100
    assert said & english == set()
    for words in (
        "Publicidade personalizada (advertising)",
        "Com o botão ao fundo da página que retira tudo (settings.withdraw)",
        "Aceitar todos os cookies",
        "retirado",
        "por um ato do visitante",
    ):
        assert words in said, words


def test_each_label_of_the_page_is_another_one_in_portuguese(site: Flask, number: str) -> None:
    labels = [
        [text_of(part) for part in html5lib.parse(page).iter(f"{HTML}dt")]
        for page in (
            run(site, "find", number, "--html").output,
            run(site, "find", number, "--html", "--language", "pt").output,
        )
    ]
    same = {one for one, other in zip(*labels, strict=True) if one == other}
    assert same == {"", "cookies", "dpv", "gpc", "id"}


def test_the_text_has_no_word_of_english(site: Flask, number: str) -> None:
    answer = run(site, "find", number, "--language", "pt")
    assert answer.output.startswith("REGISTOS DE CONSENTIMENTO DE INVESTPORTO\n")
    said = set(re.split(r"\n|:? {2,}|: ", answer.output)) | {
        key.strip(" -") for key in re.findall(r"^ *(\w+):?", answer.output, re.MULTILINE)
    }
    assert said & english_words(site) == set()
    assert "advertising          dado" in answer.output
    assert "ainda nenhum: o próximo inclui este registo" in answer.output


def test_english_is_said_where_nothing_else_is_asked_for(site: Flask, number: str) -> None:
    assert "CONSENT RECORDS OF" in run(site, "find", number).output
    assert 'lang="en"' in run(site, "find", number, "--html").output
    assert run(site, "find", number, "--language", "fr").exit_code == 2
