"""What `flask consent find` says to somebody who asks in Portuguese."""

import re
from collections.abc import Iterator
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
from registries import FILLED_IN, FILM, MATOMO, shipped_with

from blueprints.consent.placeholders import placeholder

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates/rights"
SITE = ROOT / "blueprints/site/site.toml"


def keys_of(content: object) -> Iterator[str]:
    """Each key of a notice, but for the languages of its texts."""
    if isinstance(content, dict):
        yield from content
        content = list(content.values())
    for inner in content if isinstance(content, list) else ():
        yield from keys_of(inner)


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


def test_each_key_that_a_notice_can_have_has_a_name_in_portuguese(
    make_site: MakeSite, tmp_path: Path
) -> None:
    registry = tmp_path / "registry.toml"
    registry.write_text(shipped_with(*FILLED_IN, more=FILM + MATOMO), encoding="utf-8")
    site = make_site(CONSENT_REGISTRY=str(registry), CONSENT_MODEL="implied")
    notice = site.extensions["notices"].in_force["pt"]
    with site.test_request_context("/pt/"):
        site.preprocess_request()
        shown = placeholder(site.extensions["registry"].embed("player"))
        terms = site.jinja_env.get_template("rights/find_terms.html").make_module(
            {"language": "pt"}
        )
        keys = {*keys_of(notice.content), *keys_of(shown.content)}
        named = vars(terms)["terms"]
    assert {"processors", "tax_number", "assumption_with_gpc", "agreement"} < keys
    assert keys <= named.keys()
    assert {key for key in keys if named[key] == key} == {"cookies", "dpv", "gpc", "id", "script"}


def test_what_there_is_nothing_of_is_called_so(site: Flask, number: str) -> None:
    for language, none, optional in (
        ("en", "none", "optional: no"),
        ("pt", "nenhum", "opcional: sim"),
    ):
        lines = run(site, "find", number, "--language", language).output.splitlines()
        assert not [line for line in lines if line.endswith((" None", " True", " False", ":"))]
        assert f"      {'short' if language == 'en' else 'resumido'}: {none}" in lines
        assert f"      {optional}" in lines


def test_the_text_has_each_sign_of_the_notice_as_it_was_shown(
    make_site: MakeSite, tmp_path: Path
) -> None:
    look = tmp_path / "site.toml"
    shipped = SITE.read_text(encoding="utf-8")
    look.write_text(shipped.replace('"InvestPorto"', '"Évora & <Cia>"'), encoding="utf-8")
    site = make_site(SITE=str(look))
    Visitor(site).choose("accept_all", path="/")
    number = str(records(site)[0].id)
    assert "Évora & <Cia>, in collaboration" in run(site, "find", number).output
    assert "Évora &amp; &lt;Cia&gt;, in" in run(site, "find", number, "--html").output


def test_a_record_that_answers_no_notice_does_not_say_that_none_was_kept(
    site: Flask, number: str
) -> None:
    for language, said in (
        ("en", "Notice             none with this record"),
        ("pt", "Aviso                nenhum com este registo"),
    ):
        assert said in run(site, "find", number, "--language", language).output


def test_two_kinds_at_once_are_refused(site: Flask, number: str) -> None:
    answer = run(site, "find", number, "--json", "--html")
    assert (answer.exit_code, "either --json or --html" in answer.output) == (2, True)


def test_english_is_said_where_nothing_else_is_asked_for(site: Flask, number: str) -> None:
    assert "CONSENT RECORDS OF" in run(site, "find", number).output
    assert 'lang="en"' in run(site, "find", number, "--html").output
    assert run(site, "find", number, "--language", "fr").exit_code == 2
