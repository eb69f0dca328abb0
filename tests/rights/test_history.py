"""What a visitor sees of their own records, and what an operator finds about one record."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import html5lib
import pytest
import time_machine
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite, statements
from evidence import records, session_cookie
from flask import Flask
from log import decision, erase, fill, lose, run, seal, tampering
from registries import NEW_PURPOSE, shipped_with

from blueprints.consent.models import ConsentRecord
from blueprints.database import db

START = datetime(2026, 11, 1, 10, tzinfo=UTC)


def entries(page: Page) -> list[dict[str, str]]:
    """What the page says about each record: term -> words."""
    return [
        {
            text_of(term): text_of(words)
            for term, words in zip(item.iter(f"{HTML}dt"), item.iter(f"{HTML}dd"), strict=True)
        }
        for item in page.all("li", class_="state")
    ]


def test_a_visitor_sees_their_own_choices_newest_first_in_plain_words(
    site: Flask, visitor: Visitor
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        visitor.choose("accept_selected", ticks=("personalization",))
        clock.shift(timedelta(days=1))
        Visitor(site).choose("accept_all")
        visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
        clock.shift(timedelta(days=1))
        visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
        page = visitor.get("/cookies/history")
    third, second, first = entries(page)
    assert list(first)[:2] == ["Personalised content", "Personalised advertising"]
    assert first["Personalised content"] == "Accepted"
    assert first["Personalised advertising"] == "Not accepted"
    assert first["How"] == "With the button “Accept selected cookies” in the cookie notice"
    assert second["How"] == "With the button “Accept all” on the cookie settings page"
    assert second["Personalised advertising"] == "Accepted"
    assert third["Personalised advertising"] == "Consent withdrawn"
    assert third["How"] == "With the button “Withdraw consent” at the foot of the page"
    assert [time.get("datetime") for time in page.all("time")][::2] == [
        f"2026-11-0{day}T10:00:00+00:00" for day in (3, 2, 1)
    ]
    assert third["Valid until"] == "3 May 2027"
    assert second["Replaced on"] == "3 November 2026, 10:00"
    assert first["Replaced on"] == "2 November 2026, 10:00"
    assert "Valid until" not in first
    own = records(site)[0]
    assert str(own.subject) in page.text
    assert (first["Number of the record"], first["Language"]) == (str(own.id), "English")
    assert first["How this site asks"] == "Nothing optional before a choice"
    assert first["Policy version"] == records(site)[0].policy_version
    folded = text_of(page.all("li", class_="state")[0].findall(f".//{HTML}details")[-1])
    assert folded.startswith("For experts Policy version")
    now, *before = (text_of(item) for item in page.all("li", class_="state"))
    assert "This is the choice that counts now." in now
    assert "counts now" not in "".join(before)


@pytest.mark.parametrize(
    ("choice", "button"),
    [("accept_all", "Aceitar todos os cookies"), ("reject", "Rejeitar os cookies opcionais")],
)
def test_a_button_is_called_as_it_was_where_it_was_pressed(
    visitor: Visitor, choice: str, button: str
) -> None:
    visitor.choose(choice, path="/pt/")
    page = visitor.get("/cookies/history")
    (entry,) = entries(page)
    assert entry["How"] == f"With the button “{button}” in the cookie notice"
    assert text_of(page.one("span", lang="pt")) == button
    assert not visitor.get("/pt/cookies/history").one("main").findall(f".//{HTML}span[@lang]")


def test_the_notice_as_it_was_shown_is_one_click_away(site: Flask, visitor: Visitor) -> None:
    visitor.choose("reject")
    page = visitor.get("/cookies/history")
    (link,) = [a for a in page.all("a") if text_of(a) == "The notice, word for word"]
    assert link.get("href") == f"/cookies/notices/{records(site)[0].notice}"
    assert "Cookies Policy" in visitor.get(link.get("href", "")).text


def test_a_purpose_that_is_gone_is_called_as_it_was_shown(
    make_site: MakeSite, backend: dict[str, Any], tmp_path: Path
) -> None:
    registry = tmp_path / "registry.toml"
    registry.write_text(shipped_with(more=NEW_PURPOSE), encoding="utf-8")
    before = Visitor(make_site(**backend, CONSENT_REGISTRY=str(registry)))
    before.choose("accept_all")
    before.submit(before.get("/cookies").form("/cookies/withdraw"))  # which names no notice
    other_words = '"Statistics", pt = "Estatística"', '"Figures", pt = "Números"'
    registry.write_text(shipped_with(other_words, more=NEW_PURPOSE), encoding="utf-8")
    make_site(**backend, CONSENT_REGISTRY=str(registry))  # Nobody sees what it keeps.
    site = make_site(**backend)
    later = Visitor(site)
    later.client.set_cookie("session", session_cookie(before))
    number = str(records(site)[0].subject)
    for path, name, said in (
        ("/cookies/", "Statistics", ["Consent withdrawn", "Accepted"]),
        ("/pt/cookies/", "Estatística", ["Consentimento retirado", "Aceite"]),
    ):
        own = later.get(f"{path}history")
        by_number = Page(later.post(f"{path}records", {"number": number}))
        for page in (own, by_number):
            assert [entry.get(name) for entry in entries(page)] == said
            assert "statistics" not in page.text
        language = "pt" if "pt" in path else "en"
        assert f"{name} (statistics)" in run(
            site, "find", number, "--html", "--language", language
        ).output.replace("<code>", "").replace("</code>", "")
        text = run(site, "find", number, "--language", language).output
        assert re.search(rf"^  statistics +\w+\n +{name}$", text, re.MULTILINE)


def test_of_many_choices_the_newest_are_shown_and_it_says_so(
    site: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueprints.rights.views.RECORDS_AT_MOST", 2)
    visitor.choose("reject")
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    page = visitor.get("/cookies/history")
    assert [entry["Number of the record"] for entry in entries(page)] == [
        str(record.id) for record in reversed(records(site)[1:])
    ]
    assert "Only the newest 2 are shown." in page.text


def test_a_purpose_of_which_no_notice_tells_has_its_id(site: Flask) -> None:
    (subject,) = fill(site, [decision(statuses={"statistics": "given"})])
    page = Page(Visitor(site).post("/cookies/records", {"number": str(subject)}))
    assert entries(page)[0]["statistics"] == "Accepted"


def test_history_in_portuguese(visitor: Visitor) -> None:
    visitor.choose("reject", path="/pt/")
    (entry,) = entries(visitor.get("/pt/cookies/history"))
    assert entry["Publicidade personalizada"] == "Não aceite"
    assert entry["Como"] == "Com o botão «Rejeitar os cookies opcionais» no aviso de cookies"


@pytest.mark.parametrize(("hour", "words"), [(0, "às 00:05"), (1, "à 01:05"), (13, "às 13:05")])
def test_a_time_of_day_has_its_article_in_portuguese(
    visitor: Visitor, hour: int, words: str
) -> None:
    with time_machine.travel(datetime(2026, 11, 1, hour, 5, tzinfo=UTC), tick=False):
        visitor.choose("reject", path="/pt/")
        for path in ("/pt/cookies", "/pt/cookies/history"):
            assert f"1 de novembro de 2026 {words}" in visitor.get(path).text
        assert "1 November 2026, " in visitor.get("/cookies").text


def test_continued_use_is_called_what_it_is(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(CONSENT_MODEL="implied"))
    for _ in range(3):
        visitor.get("/")
    (entry,) = entries(visitor.get("/cookies/history"))
    assert entry["How"] == "You continued reading without choosing"
    assert entry["Personalised content"] == "Assumed, which is no consent"


def test_the_privacy_signal_is_shown_where_it_was_sent(site: Flask) -> None:
    visitor = Visitor(site, Sec_GPC="1")
    visitor.choose("reject")
    (entry,) = entries(visitor.get("/cookies/history"))
    assert entry["Privacy signal"] == "Your browser sent Global Privacy Control."


def test_nobody_sees_the_records_of_somebody_else(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    row = records(site)[0]
    for other in (Visitor(site), Visitor(site)):
        for guess in ("", f"?subject={row.subject}", f"?id={row.id}", f"/{row.subject}"):
            page = other.get(f"/cookies/history{guess}")
            assert str(row.subject) not in page.text
            assert entries(page) == []
        other.choose("reject")
        (entry,) = entries(other.get(f"/cookies/history?subject={row.subject}"))
        assert entry["Personalised content"] == "Not accepted"


@pytest.mark.parametrize("path", ["/cookies/history", "/pt/cookies/history"])
def test_without_a_choice_there_is_a_friendly_page(
    site: Flask, visitor: Visitor, path: str
) -> None:
    asked = statements(site)
    page = visitor.get(path)
    assert page.status == 200
    assert "We do not recognise" in page.text or "Não reconhecemos este" in page.text
    assert page.response.headers["Cache-Control"] == "no-store"
    assert page.one("meta", name="robots").get("content") == "noindex"
    assert asked == []


def test_after_erasure_there_is_nothing_to_see(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    erase(site, records(site)[0].subject)
    assert entries(visitor.get("/cookies/history")) == []


def test_history_and_receipt_are_one_look_up_by_index(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    site.extensions["sealing"].wait()
    asked = statements(site)
    for path in ("/cookies/history", "/cookies/receipt"):
        asked.clear()
        visitor.raw_get(path)
        of_records = [query for query in asked if "FROM consent_records" in query]
        assert len(of_records) == 1, path
        assert "subject = " in of_records[0]


@pytest.mark.parametrize("path", ["/cookies/history", "/cookies/receipt"])
def test_without_its_database_it_is_503_in_plain_words(
    make_site: MakeSite, redis_url: str, path: str
) -> None:
    site = make_site(REDIS_URL=redis_url)
    visitor = Visitor(site)
    visitor.choose("reject")
    site.extensions["sealing"].wait()
    lose(site, "consent_records")
    page = visitor.get(path)
    assert page.status == 503
    assert "cannot be looked up" in page.text
    assert page.response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/cookies/history", "/cookies/receipt"])
def test_without_its_session_store_it_is_503_and_not_nothing(
    make_site: MakeSite, path: str
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    lose(site, "sessions")
    assert visitor.get(path).status == 503


@pytest.fixture
def chosen(site: Flask, visitor: Visitor) -> None:
    """Somebody who chose twice, among others, all sealed."""
    Visitor(site).choose("accept_all", path="/pt/")
    visitor.choose("accept_all")
    visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
    seal(site)


@pytest.mark.usefixtures("chosen")
def test_a_record_is_found_with_its_notice_and_proof(site: Flask) -> None:
    _, first, second = records(site)
    answer = run(site, "find", str(first.id))
    assert answer.exit_code == 0
    lines = [" ".join(line.split()) for line in answer.output.splitlines()]
    assert f"Visitor {first.subject}" in lines
    assert f"Decided {first.decided_at:%Y-%m-%d %H:%M:%S} UTC" in lines
    until, replaced = (
        f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (first.expires_at, second.decided_at)
    )
    assert f"Valid until {until} (replaced on {replaced})" in lines
    assert {"personalization given", "Method banner.accept_all", "fits the record"} <= set(lines)
    assert "the proof leads from the digest to this head" in lines
    assert "heading: Cookies Policy" in lines
    assert "assumption: If you continue without choosing, only strictly" in answer.output
    others = answer.output.partition("OTHER RECORDS OF THE SAME VISITOR")[2]
    assert str(second.id) in others
    assert "Política" not in answer.output


@pytest.mark.usefixtures("chosen")
def test_a_visitor_is_found_with_all_their_records(site: Flask) -> None:
    _, first, second = records(site)
    output = run(site, "find", str(first.subject)).output
    assert re.findall(r"^RECORD (\S+)$", output, re.MULTILINE) == [str(second.id), str(first.id)]
    assert output.count("NOTICE ") == 1
    assert output.rstrip().endswith("none")


def test_a_visitor_is_found_by_the_value_of_their_cookie(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    value = session_cookie(visitor)
    by_cookie = run(site, "find", value)
    assert by_cookie.exit_code == 0
    assert value not in by_cookie.output
    (record,) = records(site)
    lines = [" ".join(line.split()) for line in by_cookie.output.splitlines()]
    assert lines.count("Language en") == 2, "of the record, and of the notice"
    assert {
        f"RECORD {record.id}",
        f"Decided {record.decided_at:%Y-%m-%d %H:%M:%S} UTC",
        "personalization given",
        "advertising given",
        "Method banner.accept_all",
        f"Notice {record.notice}",
        "heading: Cookies Policy",
    } <= set(lines)


def test_a_value_that_begins_with_a_hyphen_is_no_option(
    site: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: "-json-" + "a" * 37)
    visitor.choose("accept_all")
    by_cookie = run(site, "find", session_cookie(visitor))
    assert by_cookie.exit_code == 0
    assert str(records(site)[-1].id) in by_cookie.output


def test_a_choice_is_called_valid_as_far_as_it_counts(make_site: MakeSite, tmp_path: Path) -> None:
    site, registry = make_site(), tmp_path / "registry.toml"
    Visitor(site).choose("accept_all")
    (record,) = records(site)

    def found(of: Flask) -> str:
        return " ".join(run(of, "find", str(record.id)).output.split())

    assert "(still valid) advertising given personalization given Method" in found(site)
    data = 'personal_data = ["Preference"'
    registry.write_text(shipped_with((data, f'{data}, "Age"')), encoding="utf-8")
    database = site.config["SQLALCHEMY_DATABASE_URI"]
    more = make_site(SQLALCHEMY_DATABASE_URI=database, CONSENT_REGISTRY=str(registry))
    told = "(still valid) advertising given personalization given, asked again since Method"
    assert told in found(more)
    named = 'name = "InvestPorto"\naddress'
    registry.write_text(shipped_with((named, named.replace("Porto", "Lisboa"))), encoding="utf-8")
    other = make_site(SQLALCHEMY_DATABASE_URI=database, CONSENT_REGISTRY=str(registry))
    assert (
        "(counts no longer) advertising given, asked again since personalization given, asked"
        in found(other)
    )
    with time_machine.travel(datetime.now(UTC) + timedelta(days=200)):
        assert "(ended) advertising given personalization given Method" in found(site)
    erase(site, record.subject)
    assert "(ended)" in found(site)


@pytest.mark.usefixtures("chosen")
def test_what_is_found_as_json(site: Flask) -> None:
    _, first, second = records(site)
    found = json.loads(run(site, "find", str(first.id), "--json").output)
    (record,) = found["records"]
    assert record["id"] == str(first.id)
    assert record["decided_at"] == first.decided_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert record["digest"] == first.digest.hex()
    assert (record["fits_digest"], record["is_proven"], record["is_valid"]) == (True, True, False)
    assert record["replaced_at"] == second.decided_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert record["proof"]["seal"]["number"] == 1
    assert found["other_records"] == [str(second.id)]
    assert found["notices"][0]["id"] == first.notice
    assert found["notices"][0]["fits_number"] is True


@pytest.mark.usefixtures("chosen")
def test_what_is_found_as_a_page(site: Flask) -> None:
    _, first, _ = records(site)
    page = run(site, "find", str(first.id), "--html").output
    root = html5lib.HTMLParser(strict=True).parse(page)
    assert first.digest.hex() in page
    assert "Accept all cookies" in page
    assert not list(root.iter(f"{HTML}script"))
    assert not [element for element in root.iter() if {"src", "href"} & set(element.keys())]


def test_a_page_for_others_speaks_in_words(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all", path="/pt/")
    visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    page = run(site, "find", str(records(site)[0].subject), "--html").output
    root = html5lib.parse(page)
    said = [text_of(part) for part in root.iter(f"{HTML}div")]
    assert "Personalised advertising (advertising)given" in said
    for method in (
        "With the button at the foot of the page that takes back everything (settings.withdraw)",
        "With the button “Aceitar todos os cookies” in the cookie notice (banner.accept_all)",
    ):
        assert f"Method{method}" in said
    rows = [part for part in root.iter(f"{HTML}div") if part.find(f"{HTML}dd") is not None]
    told = [[text_of(part) for part in row] for row in rows]
    assert ["optional", "yes"] in told
    assert ["purpose", "Personalised advertising (advertising)"] in told
    assert not [value for _, value in told if value in ("None", "True", "False", "")]


@pytest.mark.parametrize(
    "forged",
    [
        "consent_records SET content = '{'",
        "consent_records SET content = '[]'",
        "consent_records SET content = x'fffe00'",
        "consent_records SET content = json_set(content, '$.statuses', 5)",
        "consent_records SET decided_at = '2020-99-99'",
        "consent_seals SET root = 'zz'",
        "consent_leaves SET digest = 't'",
        "consent_notices SET content = x'ff'",
    ],
)
def test_whatever_was_put_into_the_log_a_command_says_a_sentence(
    make_site: MakeSite, forged: str
) -> None:
    site = make_site()
    for _ in range(6):
        Visitor(site).choose("reject")
    number = str(records(site)[0].id)
    seal(site)
    with tampering(site) as connection:
        connection.exec_driver_sql(f"UPDATE {forged}")
    for command in (
        ("find", number),
        ("export", "--format", "jsonl"),
        ("report",),
        ("seal",),
        ("verify",),
    ):
        answer = run(site, *command)
        assert answer.exit_code in {0, 1, 2}
        assert answer.exception is None or isinstance(answer.exception, SystemExit), command


@pytest.mark.parametrize(
    "forged",
    [
        "consent_leaves SET digest = zeroblob(32)",
        "consent_seals SET head = root",
        "consent_seals SET sealed_at = '2026-01-01 00:00:00.000000'",
        "consent_seals SET root = 'no digits'",
        "consent_seals SET root = x'01'",
    ],
)
def test_a_proof_that_does_not_lead_to_its_head_is_shown_as_such(
    make_site: MakeSite, forged: str
) -> None:
    site = make_site()
    for _ in range(3):
        Visitor(site).choose("reject")
    seal(site)
    with tampering(site) as connection:
        connection.exec_driver_sql(f"UPDATE {forged}")
    found = run(site, "find", str(records(site)[0].id)).output
    assert "THE PROOF DOES NOT LEAD FROM THE DIGEST TO THIS HEAD" in found
    assert "the proof leads from" not in found


def test_a_notice_that_was_altered_is_shown_as_such(make_site: MakeSite) -> None:
    site = make_site()
    Visitor(site).choose("reject")
    number = str(records(site)[0].id)
    assert "fits its number" in run(site, "find", number).output
    for heading in ("Cookies", "No cookies", "Our cookies"):
        with tampering(site) as connection:
            connection.exec_driver_sql(
                "UPDATE consent_notices SET content = json_set(content, '$.banner.heading', ?)",
                (heading,),
            )
        for kind in ((), ("--html",)):
            found = run(site, "find", number, *kind).output
            assert "DOES NOT FIT ITS NUMBER" in found
            assert "fits its number" not in found
        found = run(site, "find", number, "--json").output
        assert json.loads(found)["notices"][0]["fits_number"] is False


def test_a_record_that_is_not_sealed_yet_says_so(make_site: MakeSite) -> None:
    site = make_site()
    Visitor(site).choose("reject")
    number = str(records(site)[0].id)
    assert "none yet: the next one takes this record" in run(site, "find", number).output
    assert json.loads(run(site, "find", number, "--json").output)["records"][0]["proof"] is None
    assert "Not sealed yet" in run(site, "find", number, "--html").output


@pytest.mark.usefixtures("chosen")
def test_an_erased_record_is_found_by_its_number_only(site: Flask) -> None:
    _, first, second = records(site)
    erase(site, first.subject)
    for kind in ((), ("--json",), ("--html",)):
        answer = run(site, "find", str(first.id), *kind)
        assert answer.exit_code == 0
        assert str(first.subject) not in answer.output
        assert str(second.id) not in answer.output
        assert first.digest.hex() in answer.output
        for told in (first.method, "by an act", "continued use", "Sec-GPC", "not sent"):
            assert told not in answer.output
    assert run(site, "find", str(first.subject)).exit_code == 2


@pytest.mark.usefixtures("chosen")
def test_a_record_that_was_tampered_with_is_shown_as_such(site: Flask) -> None:
    _, first, _ = records(site)
    with tampering(site) as connection:
        changed = db.update(ConsentRecord).where(ConsentRecord.id == first.id)
        forged = first.content.replace("banner.", "settings.")
        connection.execute(changed.values(content=forged))
    answer = run(site, "find", str(first.id))
    assert "DOES NOT FIT THE RECORD" in answer.output
    assert "the proof leads from the digest to this head" in answer.output


@pytest.mark.parametrize(
    "number", ["", "nonsense", "7c6b1f0e-4a5e-4b43-8a63", "../etc", "1' or 1", "\udcff"]
)
def test_what_is_no_number_is_said_in_one_sentence(make_site: MakeSite, number: str) -> None:
    answer = run(make_site(), "find", number)
    assert (answer.exit_code, answer.stdout) == (2, "")
    told = number.encode(errors="backslashreplace").decode()
    assert answer.stderr == f"Error: {told} is not the number of a record or of a visitor.\n"


def test_a_number_that_nobody_has_is_said_in_one_sentence(make_site: MakeSite) -> None:
    number = str(uuid4())
    answer = run(make_site(), "find", number)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr == f"Error: There is no record and no visitor with the number {number}.\n"
