"""What was shown is kept to the word, named by its SHA-256, and can be fetched years later."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite, statements
from evidence import REGISTRY, records, session_cookie
from flask import Flask, request
from log import lose, tampering, under_command
from sqlalchemy import Connection, insert, select

from blueprints.consent import notice_store
from blueprints.consent.models import ConsentNotice
from blueprints.database import db, write

RECEIPT_OF_VERSION_1 = Path(__file__).parents[1] / "rights/receipt_of_version_1.jsonld"


def kept(site: Flask) -> dict[str, str]:
    with site.app_context(), db.engine.connect() as connection:
        query = select(ConsentNotice.id, ConsentNotice.content)
        return {row.id: row.content for row in connection.execute(query)}


def with_registry(make_site: MakeSite, old: str, new: str) -> Flask:
    text = REGISTRY.read_text(encoding="utf-8")
    assert old in text
    return make_site(registry=text.replace(old, new))


def test_a_record_names_the_notice_with_every_word_of_the_banner(
    site: Flask, visitor: Visitor
) -> None:
    banner = visitor.get("/").banner
    assert banner is not None
    visitor.choose("reject")
    (record,) = records(site)
    content = kept(site)[record.notice]
    assert hashlib.sha256(content.encode()).hexdigest() == record.notice
    notice = site.extensions["notices"].in_force["en"]
    assert rfc8785.dumps(notice.content).decode() == content
    shown = text_of(banner)
    for part, words in notice.content["banner"].items():
        assert part == "buttons" or words in shown
    links = [text_of(part) for kind in ("a", "summary") for part in banner.iter(HTML + kind)]
    assert links == [
        notice.content["banner"][part] for part in ("privacy", "change_settings", "details")
    ]
    for button in notice.content["banner"]["buttons"]:
        assert button in shown
    settings = text_of(visitor.get("/cookies").form("/cookies"))
    for button in notice.content["settings"]["buttons"]:
        assert button in settings
    for purpose in notice.content["purposes"]:
        assert not purpose["optional"] or purpose["description"] in shown
        assert not purpose["optional"] or purpose["short"] in shown


def test_each_language_and_model_has_a_notice_of_its_own(make_site: MakeSite) -> None:
    ids = set()
    for model in ("opt_in", "implied"):
        in_force = make_site(CONSENT_MODEL=model).extensions["notices"].in_force
        assert set(in_force) == {"en", "pt"}
        ids |= {notice.id for notice in in_force.values()}
    assert len(ids) == 4


@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_a_notice_has_each_button_that_was_to_be_seen_and_no_other(
    make_site: MakeSite, model: str
) -> None:
    site = make_site(CONSENT_MODEL=model)
    content = site.extensions["notices"].in_force["en"].content
    pages = {"banner": Visitor(site).get("/"), "settings": Visitor(site).get("/cookies")}
    for part, page in pages.items():
        buttons = [text_of(button) for button in page.form("/cookies").iter(f"{HTML}button")]
        assert sorted(buttons) == sorted(content[part]["buttons"])


def test_a_kept_notice_is_shown_after_the_words_have_changed(make_site: MakeSite) -> None:
    before = make_site()
    visitor = Visitor(before)
    visitor.choose("reject", path="/pt/")
    name = records(before)[0].notice
    after = with_registry(make_site, "Guardar o tamanho do texto", "Lembrar o tamanho")
    for path in (f"/pt/cookies/notices/{name}", f"/cookies/notices/{name}"):
        page = Visitor(after).get(path)
        assert page.status == 200
        assert "Guardar o tamanho do texto" in page.text
        assert "Lembrar o tamanho" not in text_of(page.one("main"))
        assert name in page.text
        assert "Quem o cria" in page.text, "the labels are in the language of the notice"
        content = before.extensions["notices"].in_force["pt"].content
        for text in texts(content):
            assert text in page.text or text in NOT_SHOWN
        assert page.one("meta", name="robots").get("content") == "noindex"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Personal data used: preferences, location, shoe size."),
        ("pt", "Dados pessoais utilizados: preferências, localização, shoe size."),
    ],
)
def test_which_personal_data_a_purpose_uses_is_said_before_a_choice_and_kept(
    make_site: MakeSite, language: str, told: str
) -> None:
    site = with_registry(make_site, '["Preference"]', '["Preference", "Location", "ShoeSize"]')
    visitor, start = Visitor(site), {"en": "/", "pt": "/pt/"}[language]
    for path in ("cookies", {"en": "privacy", "pt": "privacidade"}[language]):
        assert told in visitor.get(start + path).text
    visitor.choose("reject", path=start)
    after = Visitor(make_site())
    assert told not in after.get(f"{start}cookies").text
    assert told in after.get(f"{start}cookies/notices/{records(site)[0].notice}").text


def test_a_notice_of_an_older_version_of_the_site_is_still_shown(site: Flask) -> None:
    receipt = json.loads(RECEIPT_OF_VERSION_1.read_text(encoding="utf-8"))
    content = rfc8785.dumps(receipt["site:noticeContent"]).decode()
    name = hashlib.sha256(content.encode()).hexdigest()
    with site.app_context(), db.engine.begin() as connection:
        connection.execute(
            insert(ConsentNotice).values(
                id=name,
                content=content,
                policy_version=receipt["site:policyVersion"],
                language="pt",
                model="opt_in",
                kept_at=datetime(2026, 11, 24, tzinfo=UTC),
            )
        )
    page = Visitor(site).get(f"/cookies/notices/{name}")
    assert page.status == 200
    for words in receipt["site:noticeContent"]["banner"].values():
        assert isinstance(words, list) or words in page.text


NOT_SHOWN = {
    "opt_in",
    "pt",
    *("P6M", "P13M", "P180D", "P90D"),
    "first",
    *("choice", "reading", "partner-messages"),
    "necessary",
    "personalization",
    "advertising",
    # The terms of W3C DPV, which a receipt is written in.
    *("Purpose", "ServicePersonalisation", "PersonalisedAdvertising"),
    *("Preference", "BrowsingBehaviour"),
}


def texts(content: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Every text of a notice."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            yield from texts(part)


@pytest.mark.parametrize("name", ["0" * 64, "x", "é", "0" * 1500, "%00"])
def test_an_unknown_notice_is_not_found(site: Flask, name: str) -> None:
    assert Visitor(site).raw_get(f"/cookies/notices/{name}").status_code == 404


def test_without_its_database_the_notice_in_force_is_shown_and_an_older_one_is_503(
    make_site: MakeSite,
) -> None:
    site = make_site()
    lose(site, "consent_notices")
    name = site.extensions["notices"].in_force["en"].id
    assert Visitor(site).get(f"/cookies/notices/{name}").status == 200
    page = Page(Visitor(site).raw_get("/cookies/notices/" + "0" * 64))
    assert page.status == 503
    assert "Our records cannot be reached." in page.text


def test_a_change_of_wording_makes_a_new_notice_and_does_not_ask_again(make_site: MakeSite) -> None:
    before = make_site()
    visitor = Visitor(before)
    visitor.choose("reject")
    after = with_registry(make_site, "Keep your text size", "Remember your text size")
    returning = Visitor(after)
    returning.client.set_cookie("session", session_cookie(visitor))
    assert returning.get("/").banner is None
    returning.submit(returning.get("/cookies").form("/cookies"), "accept_all")
    old, new = records(after)
    assert old.notice != new.notice
    assert old.policy_version == new.policy_version
    assert {old.notice, new.notice} <= set(kept(after))


def test_notices_are_kept_at_the_start_where_the_database_is_current(make_site: MakeSite) -> None:
    make_site()  # makes the database
    site = make_site()
    assert set(kept(site)) == {notice.id for notice in site.extensions["notices"].in_force.values()}


@pytest.mark.parametrize(
    ("command", "number"), [(None, 2), ("run", 2), ("report", 0)], ids=["app.py", "run", "report"]
)
def test_who_serves_keeps_the_notices_and_a_command_keeps_none(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, command: str | None, number: int
) -> None:
    # `flask run` sets it, and what a command starts inherits it.
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    with under_command(command) if command else nullcontext():
        site = make_site()
    assert len(kept(site)) == number


@pytest.mark.needs("proof")
def test_a_choice_is_one_insert_once_the_notice_is_kept(make_site: MakeSite) -> None:
    site = make_site(REDIS_URL=None)
    Visitor(site).post("/cookies", {"choice": "reject"}).close()
    site.extensions["sealing"].wait()  # It looks once after the start.
    seen = statements(site)
    Visitor(site).post("/cookies", {"choice": "reject"}).close()
    assert [line for line in seen if "sessions" not in line] == [
        line for line in seen if line.startswith("INSERT INTO consent_records")
    ]
    assert len([line for line in seen if "consent_records" in line]) == 1


def test_after_a_backup_without_the_notice_has_been_put_back_it_is_kept_anew(site: Flask) -> None:
    sent = {"choice": "reject", "notice": site.extensions["notices"].in_force["en"].id}
    with tampering(site) as connection:
        connection.exec_driver_sql("DELETE FROM consent_notices")
    statuses = [Visitor(site).post("/cookies", sent).status_code for _ in range(2)]
    assert statuses == [503, 303]
    assert sent["notice"] in kept(site)


def test_a_notice_that_another_process_keeps_at_the_same_moment_is_kept_once(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices = site.extensions["notices"]
    with tampering(site) as connection:
        connection.exec_driver_sql("DELETE FROM consent_notices")
    notices.forget()

    def after_another(work: Callable[[Connection], object]) -> object:
        monkeypatch.setattr(notice_store, "write", write)
        write(work)
        return write(work)

    monkeypatch.setattr(notice_store, "write", after_another)
    sent = {"choice": "reject", "notice": notices.in_force["en"].id}
    assert Visitor(site).post("/cookies", sent).status_code == 303
    assert set(kept(site)) == {sent["notice"]}


def test_a_session_from_before_notices_were_kept_still_counts(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    sessions = site.extensions["sessions"]
    with site.test_request_context("/", headers={"Cookie": f"session={session_cookie(visitor)}"}):
        values = sessions.open_session(site, request)
        decision = dict(values["decision"])
        del decision["notice"]
        values["decision"] = decision
        sessions.save_session(site, values, site.response_class())
    page = visitor.get("/cookies")
    assert [box.get("value") for box in page.all("input", checked="")] == [
        "personalization",
        "advertising",
    ]
    assert visitor.submit(page.form("/cookies/withdraw")).status_code == 303
    assert len({record.subject for record in records(site)}) == 1


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [("Keep your text size", "Remember your text size", 303), ('"P6M"', '"P5M"', 400)],
)
def test_a_page_that_was_open_while_the_site_changed_counts_only_if_its_substance_stayed(
    make_site: MakeSite, old: str, new: str, status: int
) -> None:
    before = make_site()
    Visitor(before).choose("reject")  # so that the notice is kept
    form = Visitor(before).get("/").banner
    after = with_registry(make_site, old, new)
    answer = Visitor(after).submit(form, "accept_all")
    assert answer.status_code == status
    if status == 303:
        assert records(after)[1].notice == before.extensions["notices"].in_force["en"].id
    else:
        assert "has changed since you opened the page" in Page(answer).text
        assert len(records(after)) == 1
    refusal = Visitor(after).submit(form, "reject")
    assert refusal.status_code == 303, "a refusal needs no reading"


def test_a_notice_that_never_was_cannot_be_accepted(site: Flask) -> None:
    for notice in ("0" * 64, "f" * 64, "nonsense", "\x00"):
        sent = {"choice": "accept_all", "notice": notice}
        answer = Visitor(site).post("/cookies", sent, Accept="application/json")
        assert answer.status_code == 400
        assert (answer.json or {})["error"] == "outdated"
    assert records(site) == []


def test_what_an_outdated_choice_takes_back_is_off_and_the_page_says_so(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    sent = {"choice": "accept_selected", "purposes": "personalization", "notice": "0" * 64}
    answer = Page(visitor.post("/cookies", sent))
    assert answer.status == 400
    assert "What you took back is off, and this is recorded" in answer.text
    assert visitor.get("/cookies").all("input", checked="") == []
    assert records(site)[-1].statuses["advertising"] == "withdrawn"


@pytest.mark.needs("rights")
@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/cookies", {"choice": "accept_all"}),
        ("/cookies", {"choice": "reject", "notice": ""}),
        ("/cookies/withdraw", {}),
    ],
)
def test_where_no_notice_is_named_none_is_recorded(
    site: Flask, path: str, sent: dict[str, str]
) -> None:
    visitor = Visitor(site)
    assert visitor.post(path, sent).status_code == 303
    assert records(site)[-1].notice is None
    assert "What you were shown" not in visitor.get("/cookies/history").text
    assert visitor.raw_get("/cookies/receipt").status_code == 200
