"""CONSENT_MODEL=implied: the client's banner taken at its word, and what always beats it."""

import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from browserlike import Visitor
from conftest import MakeSite
from evidence import ARTICLE, records, session_cookie
from flask import Flask
from registries import FILM, NEW_PURPOSE, necessary_only, shipped_with
from time_machine import travel

from blueprints.consent import services
from blueprints.consent.choices import Decision, Model, Status
from blueprints.consent.methods import CONTINUED_USE
from blueprints.database import db

NO_CONSENT = "no consent under the GDPR"


@pytest.fixture
def settings() -> dict[str, str]:
    return {"CONSENT_MODEL": "implied"}


def test_the_second_page_is_recorded_as_continued_use_and_no_consent(site: Flask) -> None:
    visitor = Visitor(site)
    assert visitor.get("/").banner is not None
    assert records(site) == []
    visitor.get(ARTICLE)
    (record,) = records(site)
    assert record.method == "continued_use"
    assert record.is_consent is False
    assert record.model == "implied"
    assert set(record.statuses.values()) == {"assumed"}
    page = visitor.get("/")
    assert page.banner is None
    assert page.confirmation is None, "nobody pressed anything, so nothing says saved"
    settings = visitor.get("/cookies")
    assert "this site assumed that you accept" in settings.text
    assert settings.all("input", checked="") == [], "nobody ticked anything"
    assert "Accepted" not in settings.text
    assert len(records(site)) == 1


@pytest.mark.parametrize("second", ["/", "/pt/"])
def test_what_is_assumed_is_what_the_page_before_has_told(make_site: MakeSite, second: str) -> None:
    sites = [
        make_site(registry=shipped_with(more=more), CONSENT_MODEL="implied")
        for more in ("", NEW_PURPOSE)
    ]
    visitor, later = (Visitor(site) for site in sites)
    visitor.get("/")
    later.client.set_cookie("session", session_cookie(visitor))
    assert later.get(second).banner is not None
    assert records(later.site) == []
    another = Visitor(sites[0])
    another.get("/")
    another.get(second)
    (record,) = records(sites[0])
    assert record.notice == sites[0].extensions["notices"].in_force["en"].id


@pytest.mark.parametrize(("hours", "is_assumed"), [(23, True), (25, False)])
def test_who_comes_back_on_another_day_has_not_gone_on(
    site: Flask, hours: int, *, is_assumed: bool
) -> None:
    with travel(datetime.now(UTC), tick=False) as clock:
        visitor = Visitor(site)
        visitor.get("/")
        cookie = f"session={session_cookie(visitor)}"
        clock.shift(timedelta(hours=hours))
        visitor.get(ARTICLE, Cookie=cookie)
    assert len(records(site)) == is_assumed


def test_the_settings_page_and_errors_do_not_count_as_going_on(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    for path in ("/cookies", "/none", "/cookies", "/feed.xml"):
        visitor.raw_get(path)
    assert records(site) == []


@pytest.mark.parametrize("path", ["/robots.txt", "/.well-known/security.txt", "/feed.xml"])
def test_what_is_written_for_machines_does_not_count_as_going_on(site: Flask, path: str) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    for _ in range(2):
        visitor.raw_get(path, Sec_Fetch_Dest="document", Sec_Fetch_Mode="navigate")
    assert records(site) == []


def test_of_somebody_whose_session_is_lost_nothing_is_assumed(site: Flask) -> None:
    """They may have refused."""
    visitor = Visitor(site)
    visitor.client.set_cookie("session", "0" * 43)
    for _ in range(4):
        page = visitor.get("/")
        assert page.banner is not None
        assert "If you continue without choosing, only strictly necessary cookies" in page.text
        assert "we assume" in Visitor(site).get("/").text, "of whom is new, it is"
    assert records(site) == []
    assert visitor.cookies == {"session"}


def test_gpc_always_beats_continued_use(site: Flask) -> None:
    visitor = Visitor(site, Sec_GPC="1")
    for _ in range(4):
        visitor.get("/")
    assert records(site) == []
    assert visitor.cookies == set()


@pytest.mark.needs("rights")
def test_gpc_switched_on_later_ends_what_was_assumed(site: Flask) -> None:
    visitor = Visitor(site)
    for _ in range(3):
        visitor.get("/")
    assert visitor.get("/").banner is None
    assert visitor.get("/", Sec_GPC="1").banner is not None
    for path in ("/cookies", "/cookies/history"):
        text = visitor.get(path, Sec_GPC="1").text
        assert "does not count while your browser sends Global Privacy Control" in text
        assert "has ended" not in text
        assert "Valid until" not in text


@pytest.mark.parametrize("path", ["/", "/pt/"])
def test_with_gpc_the_banner_does_not_say_that_something_is_assumed(site: Flask, path: str) -> None:
    words = site.extensions["notice_words"][path.strip("/") or "en"]["assumption"]
    without, with_gpc = Visitor(site).get(path).text, Visitor(site, Sec_GPC="1").get(path).text
    assert words["implied"] in without
    assert words["opt_in"] in with_gpc
    assert words["implied"] not in with_gpc
    Visitor(site, Sec_GPC="1").choose("accept_all", path=path)
    shown = Visitor(site).get(f"{path}cookies/notices/{records(site)[0].notice}").text
    assert words["implied"] in shown
    assert words["opt_in"] in shown, "the record names every word that was read"


@pytest.mark.parametrize(
    ("path", "true", "untrue"),
    [
        (
            "/privacy",
            (
                "the first page that you open",
                "no cookie is stored before you choose",
                "When you go on reading without choosing, we keep such a record too.",
                "what you accepted and what was only assumed",
                "if you accept this or we assume that you do, by what you have read",
                "named with each, or we assume that you do, or load",
            ),
            ("without telling us anything", "with your consent to it", "named with each, or load"),
        ),
        (
            "/pt/privacidade",
            (
                "a primeira página que abrir",
                "Quando continua a ler sem escolher, guardamos também",
                "se o aceitar ou se presumirmos que aceita, pelo que leu",
                "de cada um ou se presumirmos que a aceita, ou",
            ),
            ("sem nos dizer nada sobre si", "se o consentir"),
        ),
        (
            "/cookies",
            ("or this site assumes that you do, your browser contacts: https://films",),
            (),
        ),
        ("/pt/cookies", ("se este sítio presumir que aceita, o seu navegador contacta:",), ()),
    ],
)
def test_what_may_be_assumed_is_not_said_to_need_consent(
    make_site: MakeSite, tmp_path: Path, path: str, true: tuple[str, ...], untrue: tuple[str, ...]
) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(shipped_with(more=FILM), encoding="utf-8")
    settings = {"CONSENT_REGISTRY": str(file)}
    assuming = Visitor(make_site(**settings, CONSENT_MODEL="implied")).get(path).text
    asking = Visitor(make_site(**settings)).get(path).text
    for words in true:
        assert words in assuming
        assert words not in asking
    for words in (*untrue, "With your consent, your browser", "Set only when you make a choice"):
        assert words not in assuming


def test_an_explicit_refusal_always_beats_continued_use(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    answer = visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
    assert answer.status_code == 303
    for _ in range(3):
        visitor.get("/")
    (record,) = records(site)
    assert set(record.statuses.values()) == {"refused"}
    assert record.is_consent


@pytest.mark.parametrize("choice", ["reject", "accept_all"])
def test_of_somebody_who_has_chosen_nothing_new_is_assumed(
    make_site: MakeSite, choice: str
) -> None:
    chooser = Visitor(make_site(CONSENT_MODEL="implied"))
    chooser.post("/cookies", {"choice": choice})
    chooser.get("/cookies")  # The confirmation is shown once.
    later = Visitor(make_site(CONSENT_MODEL="implied", registry=shipped_with(more=NEW_PURPOSE)))
    later.client.set_cookie("session", session_cookie(chooser))
    for _ in range(3):
        assert later.get("/").banner is not None, "they are asked about it"
    assert len(records(later.site)) == 1


def test_the_first_pages_form_still_works_once_a_session_is_there(site: Flask) -> None:
    visitor = Visitor(site)
    first_page = visitor.get("/")
    assert visitor.submit(first_page.banner, "accept_all").status_code == 303
    assert records(site)[0].method == "banner.accept_all"


def test_back_in_opt_in_what_was_assumed_counts_for_nothing(
    site: Flask, backend: dict[str, Any], make_site: MakeSite
) -> None:
    visitor = Visitor(site)
    for _ in range(3):
        visitor.get("/")
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    later = Visitor(make_site(**backend))
    later.client.set_cookie("session", cookie.value)
    assert later.get("/").banner is not None


def test_the_start_says_that_it_is_no_consent(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        make_site(CONSENT_MODEL="implied", registry=necessary_only())
        assert NO_CONSENT not in caplog.text, "nothing is assumed where there is nothing to accept"
        make_site(CONSENT_MODEL="implied")
    assert NO_CONSENT in caplog.text


@pytest.mark.parametrize("path", ["/privacy", "/pt/privacidade", "/accessibility", "/cookies"])
def test_where_nothing_is_optional_no_page_says_that_something_is_assumed(
    make_site: MakeSite, path: str
) -> None:
    sites = [
        make_site(registry=necessary_only(), CONSENT_MODEL=model) for model in ("implied", "opt_in")
    ]
    assuming, asking = (Visitor(site) for site in sites)
    for _ in range(2):
        assuming.get("/")
    assert assuming.cookies == set()
    assert assuming.get(path).text == asking.get(path).text


@pytest.mark.needs("rights")
@pytest.mark.parametrize(
    ("first", "second", "told"), [("/", "/pt/", "English"), ("/pt/", "/", "Português")]
)
def test_the_language_of_a_record_is_that_of_the_notice_that_was_shown(
    site: Flask, first: str, second: str, told: str
) -> None:
    visitor = Visitor(site)
    visitor.get(first)
    visitor.get(second)
    (record,) = records(site)
    assert record.language == site.extensions["notices"].find(record.notice).language
    assert f"Language{told} How this site asks" in visitor.get("/cookies/history").text


def test_what_was_assumed_is_over_where_nothing_is_optional_any_more(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(CONSENT_MODEL="implied"))
    visitor.get("/")
    visitor.get(ARTICLE)
    later = Visitor(make_site(CONSENT_MODEL="implied", registry=necessary_only()))
    later.client.set_cookie("session", session_cookie(visitor))
    assert "This no longer counts: nothing is assumed here any more." in later.get("/cookies").text


def test_opt_in_never_assumes_anything(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    for _ in range(5):
        visitor.get("/")
    assert records(site) == []
    assert visitor.cookies == set()


@pytest.mark.parametrize(
    "path", ["/privacy", "/accessibility", "/cookies", "/pt/privacidade", "/pt/acessibilidade"]
)
def test_who_reads_about_cookies_and_rights_has_accepted_nothing(site: Flask, path: str) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    visitor.get(path)
    visitor.get(path)
    assert records(site) == []
    first = Visitor(site)
    first.get(path)
    first.get("/")
    assert records(site) == [], "it is no first page either"


@pytest.mark.parametrize(
    "header",
    [
        {"Sec_Purpose": "prefetch"},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X_Moz": "prefetch"},
        {"X_Moz": "Prefetch"},
        {"Sec_Purpose": "prerender"},
        {"X_Purpose": "preview"},
        {"X_Purpose": "instant"},
        {"Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Mode": "no-cors"},
        {"Accept": "image/avif,image/webp,*/*;q=0.8"},
        {"Accept": "text/css,*/*;q=0.1"},
        {"Accept": "application/json"},
        {"Accept": "video/webm,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5"},
        {"Accept": "application/font-woff2;q=1.0,*/*;q=0.8"},
    ],
)
def test_what_nobody_opened_does_not_count(site: Flask, header: dict[str, str]) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    visitor.raw_get(ARTICLE, **header)
    visitor.raw_get(ARTICLE, **header)
    assert records(site) == []


@pytest.mark.needs("operator")
@pytest.mark.needs("rights")
def test_what_was_assumed_is_called_so_everywhere(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    visitor.get(ARTICLE)
    for path, words in (
        ("/cookies", "On: assumed, which is no consent"),
        ("/cookies/history", "Assumed, which is no consent"),
        ("/pt/cookies", "Ligado: presunção, que não é consentimento"),
        ("/pt/cookies/history", "Presunção, que não é consentimento"),
    ):
        text = visitor.get(path).text
        assert words in text, path
        assert "choice that counts" not in text
    receipt = json.loads(visitor.raw_get("/cookies/receipt").data)
    assert set(receipt["site:digestedFields"]["statuses"].values()) == {"assumed"}
    for record in receipt["dpv:hasRecordOfActivity"]:
        (status,) = record["dpv:hasConsentStatus"]
        assert status["type"] == "dpv:ConsentUnknown"
        assert status["dpv:isIndicatedBy"] == "dpv:DataController"
    (record,) = records(site)
    runner = site.test_cli_runner()
    for command in (
        ["export", "--format", "csv"],
        ["export", "--format", "jsonl"],
        ["find", str(record.id)],
        ["find", str(record.id), "--html"],
    ):
        output = runner.invoke(args=["consent", *command]).stdout
        assert "assumed" in output, command
        assert not re.search(r"\bgiven\b(?!:|\))", output), command
    report = runner.invoke(args=["consent", "report"]).stdout
    assert "no consent under the GDPR" in report


def an_old_record() -> Decision:
    """Return what continued use was recorded as before there was `assumed`."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    return Decision(
        id="01937a00-0000-7000-8000-000000000001",
        subject="6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
        decided_at=at,
        expires_at=at + timedelta(days=180),
        policy_version="0123456789ab",
        language="en",
        model=Model.IMPLIED,
        method=CONTINUED_USE,
        gpc=False,
        statuses={"advertising": Status.GIVEN, "personalization": Status.GIVEN},
    )


@pytest.mark.needs("operator")
@pytest.mark.needs("rights")
def test_a_record_of_before_is_called_assumed_and_its_digest_stays(site: Flask) -> None:
    made = an_old_record()
    with site.app_context(), db.engine.begin() as connection:
        services.record(connection, made)
    (record,) = records(site)
    runner = site.test_cli_runner()
    found = runner.invoke(args=["consent", "find", str(record.id)]).stdout
    assert "fits the record" in found
    assert "assumed" in found
    assert "  given" not in found
    assert "assumed" in runner.invoke(args=["consent", "export", "--format", "csv"]).stdout


def test_what_was_assumed_can_be_taken_back(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    visitor.get(ARTICLE)
    assert visitor.submit(visitor.get("/cookies").form("/cookies"), "reject").status_code == 303
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}
    assert visitor.get("/").banner is None


@pytest.mark.parametrize("path", ["/", "/cookies", "/privacy", "/pt/", "/pt/cookies"])
def test_no_page_says_that_nothing_is_stored_after_the_first_has_set_a_cookie(
    site: Flask, path: str
) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    assert visitor.cookies == {"session"}
    text = visitor.get(path).text
    for words in ("Nothing is stored until", "Nothing is stored on your device", "Nada é guardado"):
        assert words not in text


@pytest.mark.parametrize("models", [("opt_in", "implied"), ("implied", "opt_in")])
def test_nobody_accepts_by_the_notice_of_the_other_model(
    make_site: MakeSite, models: tuple[str, str]
) -> None:
    before, after = (make_site(CONSENT_MODEL=model) for model in models)
    notice = before.extensions["notices"].in_force["en"].id  # It was kept at the start.
    answer = Visitor(after).post("/cookies", {"choice": "accept_all", "notice": notice})
    assert answer.status_code == 400
    assert records(after) == []


@pytest.mark.needs("rights")
@pytest.mark.parametrize(
    ("path", "words", "untrue"),
    [
        ("", ("Switched off by you", "switches off everything optional"), "Consent withdrawn"),
        ("/pt", ("Desligado por si", "desliga tudo o que é opcional"), "Consentimento retirado"),
    ],
)
def test_no_consent_that_never_was_is_called_withdrawn(
    site: Flask, path: str, words: tuple[str, str], untrue: str
) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    visitor.get(ARTICLE)
    visitor.post(f"{path}/cookies/withdraw", {})
    told = visitor.get(f"{path}/cookies").text
    history = visitor.get(f"{path}/cookies/history").text
    assert words[0] in told
    assert untrue not in told + history
    assert all(word in history for word in words)


@pytest.mark.slow
def test_tabs_that_are_opened_at_once_are_assumed_once(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    value, together = session_cookie(visitor), Barrier(8)

    def open_another(_tab: int) -> None:
        tab = Visitor(site)
        tab.client.set_cookie("session", value)
        together.wait()
        tab.get(ARTICLE)

    with ThreadPoolExecutor(8) as tabs:
        list(tabs.map(open_another, range(8)))
    assert [record.method for record in records(site)] == ["continued_use"]
