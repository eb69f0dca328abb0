"""What the pages say under CONSENT_MODEL=implied is so, of each visitor and in an outage too."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from browserlike import Page, Visitor
from conftest import MakeSite
from evidence import ARTICLE, records, session_cookie
from flask import Flask
from outages import let_the_pause_pass, wait_for_no_other, without
from registries import FILM, shipped_with
from time_machine import travel

from blueprints.consent.recording import choice_recorded

NEXT = "If you go on reading without choosing, this site assumes that you accept."
NEXT_IN_PORTUGUESE = "Se continuar a ler sem escolher, este sítio presume que aceita."
PREFIXES = [("", NEXT, "“Reject all”"), ("/pt", NEXT_IN_PORTUGUESE, "«Rejeitar tudo»")]
OFF = "What you did not accept is off in this browser from now on."


def assumed(site: Flask) -> Visitor:
    visitor = Visitor(site)
    visitor.get("/")
    visitor.get(ARTICLE)
    return visitor


def consented(site: Flask) -> Visitor:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    visitor.get("/cookies")  # The confirmation is shown once.
    return visitor


@pytest.mark.needs("rights")
@pytest.mark.parametrize(("prefix", "words", "button"), PREFIXES)
def test_who_erases_a_refusal_is_told_what_comes_next_and_how_to_prevent_it(
    make_site: MakeSite, prefix: str, words: str, button: str
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "reject"})
    assert words not in visitor.get(f"{prefix}/cookies").text, "it is remembered"
    question = visitor.get(f"{prefix}/cookies/erase")
    assert words in question.text
    erased = visitor.submit(question.form(f"{prefix}/cookies/erase"))
    answer = Page(erased)
    assert words in answer.text
    assert answer.all("a", href=f"{prefix}/cookies")
    settings = visitor.get(f"{prefix}/cookies")
    for page in (answer, settings, visitor.get(f"{prefix}/cookies/history")):
        assert words in page.text
        assert button in page.text
    assert visitor.submit(settings.form(f"{prefix}/cookies"), "reject").status_code == 303
    for path in ("/", ARTICLE, "/"):
        visitor.get(path)
    assert records(site)[-1].method == "settings.reject"


@pytest.mark.needs("rights")
def test_who_goes_on_after_erasing_is_assumed_to_accept_as_was_said(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "reject"})
    visitor.post("/cookies/erase", {})
    visitor.get("/")
    visitor.get(ARTICLE)
    assert records(site)[-1].method == "continued_use"


@pytest.mark.needs("rights")
@pytest.mark.parametrize(("prefix", "words", "_button"), PREFIXES)
@pytest.mark.parametrize(("model", "gpc"), [("opt_in", "0"), ("opt_in", "1"), ("implied", "1")])
def test_where_nothing_is_assumed_nobody_is_told_of_it(
    make_site: MakeSite, prefix: str, words: str, _button: str, model: str, gpc: str
) -> None:
    visitor = Visitor(make_site(CONSENT_MODEL=model), Sec_GPC=gpc)
    told = [visitor.get(f"{prefix}/cookies")]
    visitor.post("/cookies", {"choice": "reject"})
    told += [visitor.get(f"{prefix}/cookies/erase"), Page(visitor.post("/cookies/erase", {}))]
    told += [visitor.get(f"{prefix}/cookies"), visitor.get(f"{prefix}/cookies/history")]
    assert not any(words in page.text for page in told)


def test_of_whose_session_is_lost_nothing_is_said_to_be_assumed(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(CONSENT_MODEL="implied"))
    visitor.client.set_cookie("session", "0" * 43)
    assert NEXT not in visitor.get("/cookies").text


def test_where_what_was_assumed_has_ended_it_is_not_called_a_choice(make_site: MakeSite) -> None:
    visitor = assumed(make_site(CONSENT_MODEL="implied"))
    renamed = shipped_with(('name = "InvestPorto"', 'name = "Porto"'))
    later = Visitor(make_site(CONSENT_MODEL="implied", registry=renamed))
    later.client.set_cookie("session", session_cookie(visitor))
    text = later.get("/cookies").text
    assert NEXT in text
    assert "earlier choice" not in text


@pytest.mark.needs("rights")
@pytest.mark.parametrize("before", [assumed, consented])
@pytest.mark.parametrize(
    ("prefix", "words", "untrue"),
    [
        ("", "Switched off by you", ("objected", "onsent withdrawn", "withdrew your consent")),
        ("/pt", "Desligado por si", ("Opôs-se", "onsentimento retirado", "Retirou o consent")),
    ],
)
def test_what_was_switched_off_is_said_so_that_it_is_true_of_both(
    make_site: MakeSite, before: object, prefix: str, words: str, untrue: tuple[str, ...]
) -> None:
    assert callable(before)
    site = make_site(CONSENT_MODEL="implied")
    visitor = before(site)
    visitor.post("/cookies", {"choice": "reject"})
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}
    for path in ("/cookies", "/cookies", "/cookies/history"):
        text = visitor.get(prefix + path).text
        assert words in text
        assert not any(each in text for each in untrue)
    runner = site.test_cli_runner()
    for kind in ([], ["--html"]):
        language = ["--language", prefix.strip("/") or "en"]
        number = str(records(site)[-1].id)
        found = runner.invoke(args=["consent", "find", number, *kind, *language]).stdout
        assert {"": "or only assumed", "/pt": "ou apenas presumido"}[prefix] in found
        assert {"": "which accepts nothing", "/pt": "que nada aceita"}[prefix] in found


def test_a_page_for_whom_something_is_assumed_is_not_sent_to_who_accepted_it(
    make_site: MakeSite,
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    of_both = [assumed(site), consented(site)]
    for visitor in (*of_both, *of_both):
        text = visitor.get(ARTICLE).text
        assert ("Withdraw consent" in text) is (visitor is of_both[1])
        assert ("Switch off everything optional" in text) is (visitor is of_both[0])


def test_who_accepts_one_purpose_beside_an_embed_has_not_accepted_what_was_assumed(
    make_site: MakeSite,
) -> None:
    site = make_site(CONSENT_MODEL="implied", registry=shipped_with(more=FILM))
    visitor = assumed(site)
    answer = visitor.post("/cookies/allow", {"purpose": "personalization"})
    assert answer.status_code == 303
    assert records(site)[-1].statuses == {"personalization": "given"}, "the rest nobody answered"
    settings = visitor.get("/cookies").text
    assert "You have not chosen yet: Personalised advertising." in settings
    assert "something has changed" not in settings


def test_what_was_assumed_is_not_recorded_as_given_where_nobody_read_the_notice(
    make_site: MakeSite,
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = assumed(site)
    sent = {"choice": "accept_selected", "purposes": "personalization", "notice": "0" * 64}
    assert visitor.post("/cookies", sent).status_code == 400
    assert records(site)[-1].statuses == {"personalization": "unknown", "advertising": "withdrawn"}
    untouched = assumed(site)
    number = len(records(site))
    answer = untouched.post("/cookies", {"choice": "accept_all", "notice": "0" * 64})
    assert answer.status_code == 400
    assert len(records(site)) == number


def nothing_can_be_looked_up(site: Flask, _file: Path) -> AbstractContextManager[None]:
    return without(site, "sessions")


@contextmanager
def nothing_can_be_written(site: Flask, file: Path) -> Iterator[None]:
    wait_for_no_other(site)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield
    holder.execute("ROLLBACK")
    holder.close()
    let_the_pause_pass(site)


@pytest.mark.parametrize("outage", [nothing_can_be_looked_up, nothing_can_be_written])
@pytest.mark.parametrize("model", ["opt_in", "implied"])
@pytest.mark.parametrize(
    "case",
    [
        ("nobody", {"choice": "reject"}),
        ("consented", {"choice": "reject"}),
        ("consented", {"choice": "accept_selected", "purposes": "advertising"}),
        ("assumed", {"choice": "reject"}),
    ],
)
def test_in_an_outage_nobody_is_told_of_a_withdrawal_who_may_have_refused(
    make_site: MakeSite,
    tmp_path: Path,
    outage: object,
    model: str,
    case: tuple[str, dict[str, str]],
) -> None:
    assert callable(outage)
    before, sent = case
    site = make_site(CONSENT_MODEL=model)
    makes = {"nobody": Visitor, "consented": consented, "assumed": assumed}
    visitor = makes[before](site)
    is_known_to_have_withdrawn = before == "consented" and outage is nothing_can_be_written
    with outage(site, tmp_path / "site.db"):
        answer = Page(visitor.post("/cookies", sent))
        assert answer.status == 503
        texts = [answer.text, *(visitor.get("/cookies").text for _ in range(2))]
    may_be_called_withdrawn = model == "opt_in" and is_known_to_have_withdrawn
    for text in texts:
        assert may_be_called_withdrawn or "What you withdrew" not in text
        assert may_be_called_withdrawn or "consent is withdrawn" not in text
        assert model == "opt_in" or "If you had accepted" not in text
        assert "you have not chosen yet" not in text or "withdrawal" not in visitor.cookies
    if model == "implied":
        assert all("Where this is not recorded yet, it will be" in text for text in texts)
        kept = records(site)
        for path in ("/", ARTICLE, "/"):
            visitor.get(path)
        assert len(records(site)) == len(kept) + 1, "it is recorded, as was said"
        assert not {"given", "assumed"} & {
            status
            for purpose, status in records(site)[-1].statuses.items()
            if purpose not in sent.get("purposes", "")
        }
    settings = visitor.get("/cookies").text
    assert "not recorded yet" not in settings
    assert "could not record" not in settings


@pytest.mark.usefixtures("whole_minute")
def test_a_refusal_too_many_is_said_to_wait(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    with travel("2026-11-24 12:00:15Z", tick=False):  # no turn of a minute between
        for _ in range(60):
            Visitor(site).post("/cookies", {"choice": "reject", "next": "/"})
        answer = Page(Visitor(site).post("/cookies", {"choice": "reject", "next": "/"}))
    assert answer.status == 429
    assert OFF in answer.text
    assert "Nothing was changed" not in answer.text


def test_with_the_privacy_signal_no_host_is_said_to_be_contacted_on_an_assumption(
    make_site: MakeSite,
) -> None:
    site = make_site(CONSENT_MODEL="implied", registry=shipped_with(more=FILM))
    text = Visitor(site, Sec_GPC="1").get("/cookies").text
    assert "With your consent, your browser contacts: https://films.example" in text
    assert "or this site assumes" not in text


def test_only_who_allowed_it_is_told_so(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    of_both = [assumed(site), consented(site)]
    for visitor in (*of_both, *of_both):
        text = visitor.get(ARTICLE).text
        assert "Kept in this browser" in text
        assert ("as you allowed" in text) is (visitor is of_both[1])


def test_where_something_fails_after_a_choice_was_recorded_the_page_says_that_it_was(
    make_site: MakeSite,
) -> None:
    site = make_site()

    def fail(_site: object) -> None:
        raise RuntimeError

    with choice_recorded.connected_to(fail, site):
        answer = Page(Visitor(site).post("/cookies", {"choice": "accept_all"}))
    assert answer.status == 500
    assert len(records(site)) == 1
    assert "Your choice was recorded all the same" in answer.text
    assert "Nothing optional was switched on" not in answer.text


def test_who_objects_in_vain_is_not_told_once_more_how_to_object(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = assumed(site)
    assert "You can object here" in visitor.get("/cookies").text
    wait_for_no_other(site)
    holder = sqlite3.connect(tmp_path / "site.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert visitor.post("/cookies", {"choice": "reject"}).status_code == 503
    settings = visitor.get("/cookies").text
    holder.execute("ROLLBACK")
    holder.close()
    assert OFF in settings
    assert "You can object here" not in settings
    assert "assumed" not in settings


@pytest.mark.needs("rights")
@pytest.mark.parametrize("path", ["history", "receipt", "erase"])
def test_of_who_refuses_in_vain_no_page_says_that_they_have_not_chosen(
    make_site: MakeSite, tmp_path: Path, path: str
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    assert "you have not chosen in it yet" in visitor.get(f"/cookies/{path}").text
    wait_for_no_other(site)
    holder = sqlite3.connect(tmp_path / "site.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert visitor.post("/cookies", {"choice": "reject"}).status_code == 503
    told = visitor.get(f"/cookies/{path}").text
    holder.execute("ROLLBACK")
    holder.close()
    assert OFF in told
    assert "you have not chosen in it yet" not in told
