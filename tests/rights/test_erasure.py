"""Erasing: who decided and what is gone for good, the log stays valid, and the page says so."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import time_machine
from browserlike import Page, Visitor, text_of
from conftest import ALL_STORES, MakeSite
from evidence import REGISTRY, count_sessions, records
from flask import Flask
from log import decide, decide_often, lose, run

from blueprints.database.errors import OutcomeUnknownError
from blueprints.rights import retention
from blueprints.sessions import StoreUnavailableError

OURS_AND_THEIRS = """
[[services]]
id = "statistics"
purpose = "personalization"
name = "Statistics"
vendor = "InvestPorto"
country = "PT"
privacy = "https://stats.example.pt/privacy"

[[services.cookies]]
name = "_pk_id*"
storage = "cookie"
party = "first"
lifetime = "P13M"
purpose = { en = "Counts visits", pt = "Conta visitas" }

[[services.cookies]]
name = "reading"
storage = "localStorage"
party = "first"
lifetime = "P1M"
purpose = { en = "Where you stopped", pt = "Onde parou" }

[[services.cookies]]
name = "film"
storage = "cookie"
party = "third"
lifetime = "P1M"
purpose = { en = "Plays the film", pt = "Mostra o filme" }
"""

STAYS = ("id", "decided_at", "expires_at", "notice", "digest")
WHAT_GOES = (
    "This is then gone: what you chose, how you chose it, whether your browser sent Global Privacy "
    "Control, and the random number that stands for your browser."
)
KEPT = "Backup copies still hold what was erased"
WHAT_STAYS = "Of each record we keep its number and its place in the log, when it was valid"


def erase(visitor: Visitor, path: str = "/cookies") -> Page:
    """Follow the settings page's link to the page that asks once more, and press its button."""
    links = [link.get("href") for link in visitor.get(path).all("a")]
    assert f"{path}/erase" in links
    return Page(visitor.submit(visitor.get(f"{path}/erase").form(f"{path}/erase")))


@pytest.mark.stores(*ALL_STORES)
def test_erasing_removes_who_and_what_and_keeps_the_digest(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    other = Visitor(site)
    other.choose("reject")
    before = records(site)
    assert run(site, "seal").exit_code == 0
    page = erase(visitor)
    assert page.status == 200
    assert "2 records of your choices were erased." in page.text
    assert WHAT_STAYS in page.text
    after = records(site)
    for old, new in zip(before[:2], after[:2], strict=True):
        stays = {name: value for name, value in vars(old).items() if name in STAYS}
        kept = dict.fromkeys(vars(old)) | stays
        assert vars(new) == kept, "what goes is gone, and all the rest is as it was"
    assert after[2] == before[2], "nobody else is touched"
    verified = run(site, "verify")
    assert verified.exit_code == 0
    assert verified.output.startswith("Intact: 3 records (0 open, 2 erased) in 1 seal.")


def test_every_page_that_speaks_of_erasing_says_what_goes_and_what_stays(
    site: Flask, visitor: Visitor
) -> None:
    assert f"{WHAT_GOES} {WHAT_STAYS}" in visitor.get("/privacy").text
    assert f"{KEPT}, for 30 days at most." in visitor.get("/privacy").text
    assert "De cada registo ficam o seu número" in visitor.get("/pt/privacidade").text
    assert site


def test_the_pages_say_for_how_many_days_backups_are_kept(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(CONSENT_BACKUP_DAYS=90))
    visitor.choose("accept_all")
    for path in ("/privacy", "/cookies/erase"):
        assert f"{KEPT}, for 90 days at most." in visitor.get(path).text
    assert "o que foi apagado, durante 90 dias, no máximo." in visitor.get("/pt/privacidade").text


def test_the_notice_that_stays_tells_a_choice_only_where_the_page_says_so(
    make_site: MakeSite,
) -> None:
    site = make_site()
    for button in ("accept_all", "accept_selected", "reject"):
        visitor = Visitor(site)
        visitor.choose(button)
    visitor.post("/cookies/withdraw", {})
    *of_the_notice, withdrawn = (record.notice for record in records(site))
    assert len(set(of_the_notice)) == 1
    assert withdrawn is None
    told = "the notice of the button “Always allow” belongs to no other, and a record without a"
    assert told in visitor.get("/cookies/erase").text
    told = "o aviso do botão «Permitir sempre» não pertence a mais nenhum, e um registo sem aviso"
    assert told in visitor.get("/pt/privacidade").text


@pytest.mark.stores(*ALL_STORES)
def test_after_erasing_the_visitor_is_a_stranger(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    subject = records(site)[0].subject
    other = Visitor(site)
    other.choose("accept_all")
    before = count_sessions(site)
    page = erase(visitor)
    assert page.response.headers["Cache-Control"] == "no-store"
    assert visitor.cookies == set()
    assert count_sessions(site) == max(0, before - 1)  # In Redis, none is counted.
    assert other.get("/").banner is None, "nobody else's session has ended"
    assert visitor.get("/").banner is not None
    assert visitor.get("/cookies").all("a", href="/cookies/erase") == []
    assert visitor.get("/cookies/erase").all("form", action="/cookies/erase") == []
    visitor.choose("reject")
    assert subject not in {record.subject for record in records(site)}


def test_asking_once_more_changes_nothing(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    before = records(site)
    assert visitor.get("/cookies/erase").one("form", action="/cookies/erase") is not None
    assert records(site) == before


def test_in_portuguese_the_page_says_it_in_portuguese(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    visitor.choose("reject", path="/pt/")
    page = erase(visitor, "/pt/cookies")
    assert page.path == "/pt/cookies/erase"
    assert "Foi apagado 1 registo das suas escolhas." in page.text
    assert "De cada registo ficam o seu número e o seu lugar no livro de registos" in page.text


def test_a_client_that_asks_for_json_gets_json(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    visitor.choose("reject")
    for number in (1, 0):  # who is a stranger the second time
        answer = visitor.post("/cookies/erase", {}, Accept="application/json")
        assert answer.json == {"erased": True, "records": number, "cookies": []}


def test_every_cookie_of_ours_that_the_browser_sent_is_expired(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(registry=REGISTRY.read_text(encoding="utf-8") + OURS_AND_THEIRS))
    visitor.choose("accept_all")
    visitor.client.set_cookie("_pk_id.1.1fff", "x")
    visitor.client.set_cookie("not_ours", "x")
    visitor.client.set_cookie("film", "x")  # stored here, whoever is said to set it
    page = erase(visitor)
    assert "The cookie _pk_id.1.1fff in your browser." in page.text
    assert "The cookie film in your browser." in page.text
    assert page.response.headers["Clear-Site-Data"] == '"storage"'
    assert visitor.cookies == {"not_ours"}


def test_without_a_choice_there_is_nothing_to_erase(site: Flask, visitor: Visitor) -> None:
    other = Visitor(site)
    other.choose("reject")
    page = Page(visitor.post("/cookies/erase", {}))
    assert page.status == 200
    assert text_of(page.one("h1")) == "Nothing was erased"
    assert "is erased" not in page.text
    assert "Clear-Site-Data" not in page.response.headers
    assert records(site)[0].subject is not None


def test_where_only_cookies_were_deleted_the_page_says_no_more(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(registry=REGISTRY.read_text(encoding="utf-8") + OURS_AND_THEIRS))
    visitor.client.set_cookie("_pk_id.1.1fff", "x")
    page = Page(visitor.post("/cookies/erase", {}))
    assert text_of(page.one("h1")) == "Only cookies were deleted"
    assert "The cookie _pk_id.1.1fff in your browser." in page.text
    assert "Nothing was erased" not in page.text


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        ({"subject": "d70a0a30-af9c-4b8d-8e3c-db9a2a6d8c1f"}, {}, 400),
        ({}, {"Sec_Fetch_Site": "cross-site"}, 403),
        ({}, {"Sec_Fetch_Site": "", "Origin": "null"}, 403),
    ],
)
def test_nobody_can_make_a_visitor_erase(
    make_site: MakeSite, sent: dict[str, str], headers: dict[str, str], status: int
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    page = Page(visitor.post("/cookies/erase", sent, **headers))
    assert page.status == status
    assert records(site)[0].subject is not None
    assert visitor.cookies == {"session"}


def test_without_its_database_nothing_is_erased_and_the_page_says_so(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    form = visitor.get("/cookies/erase").form("/cookies/erase")
    lose(site, "consent_records")
    assert Page(visitor.submit(form)).status == 503
    assert visitor.cookies == {"session"}, "they can try again"


@pytest.mark.parametrize(
    ("path", "way"), [("/cookies/erase", "change"), ("/cookies/records", "end_of_subject")]
)
def test_where_the_database_does_not_say_it_nobody_is_told_that_nothing_was_erased(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, path: str, way: str
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    sessions, number = site.extensions["sessions"], str(records(site)[0].subject)
    erase_it = getattr(sessions, way)

    def say_nothing(*given: object) -> None:
        erase_it(*given)
        raise StoreUnavailableError from OutcomeUnknownError()

    monkeypatch.setattr(sessions, way, say_nothing)
    sent = {"number": number, "erase": "yes"} if way == "end_of_subject" else {}
    asking = visitor if way == "change" else Visitor(site)
    page = Page(asking.post(path, sent))
    assert page.status == 503
    assert "We do not know yet whether your records were erased." in page.text
    assert "Nothing was erased" not in page.text


WAYS: dict[str, Callable[[Flask, Visitor, str], object]] = {
    "in their browser": lambda _site, visitor, _number: erase(visitor),
    "by number": lambda site, _visitor, number: Visitor(site).post(
        "/cookies/records", {"number": number, "erase": "yes"}
    ),
    "by the operator": lambda site, _visitor, number: run(site, "erase", number),
    "by time": lambda site, _visitor, _number: purge_in(site, years=5),
}


@pytest.mark.parametrize("way", WAYS)
def test_erased_bytes_are_not_left_in_the_database_file(
    make_site: MakeSite, tmp_path: Path, way: str
) -> None:
    site = make_site()
    visitor = Visitor(site)
    for _ in range(10):  # What is written first into the journal is overwritten soonest.
        Visitor(site).post("/cookies", {"choice": "reject"})
    visitor.choose("accept_all")
    record = records(site)[-1]
    traces = {record.salt.encode()}
    if way != "by time":  # Then the session, which has ended, goes with the next one.
        traces |= {record.subject.hex.encode(), str(record.subject).encode()}
    assert found_in(tmp_path, record.salt.encode())
    WAYS[way](site, visitor, str(record.subject))
    assert records(site)[-1].subject is None
    for trace in traces:
        assert not found_in(tmp_path, trace)


def purge_in(site: Flask, years: int) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=366 * years), tick=False):
        assert run(site, "purge").output == "Erased 11 records.\n"


def found_in(folder: Path, trace: bytes) -> bool:
    return any(trace in file.read_bytes() for file in folder.glob("site.db*"))


@pytest.mark.stores(*ALL_STORES)
def test_the_operator_erases_a_subject_by_number(site: Flask) -> None:
    visitor, other = Visitor(site), Visitor(site)
    visitor.choose("accept_all")
    (record,) = records(site)
    other.choose("accept_all")
    result = run(site, "erase", str(record.subject))
    assert (result.exit_code, result.output) == (0, f"Erased 1 record of {record.subject}.\n")
    assert [each.subject is None for each in records(site)] == [True, False]
    assert visitor.get("/").banner is not None, "the session that held the choice is gone too"
    assert other.get("/").banner is None, "nobody else's session has ended"
    assert run(site, "verify").exit_code == 0


@pytest.mark.parametrize(
    "subject", ["", "nonsense", "1" * 5000, "00000000-0000-0000-0000-00000000"]
)
def test_what_is_no_number_of_a_visitor_is_refused(make_site: MakeSite, subject: str) -> None:
    site = make_site()
    result = run(site, "erase", subject)
    assert result.exit_code == 2
    assert result.stderr.endswith("is not the number of a visitor.\n")


def test_an_unknown_subject_is_refused(make_site: MakeSite) -> None:
    unknown = uuid4()
    result = run(make_site(), "erase", str(unknown))
    assert result.exit_code == 2
    assert result.stderr == f"Error: There is no record of {unknown}: nothing was erased.\n"


def test_nothing_is_kept_of_an_address_or_a_device(make_site: MakeSite) -> None:
    site = make_site(PROXY_HOPS=1)
    tells = {"X_Forwarded_For": "192.0.2.77", "User_Agent": "Device/7.5", "Accept_Language": "xx"}
    Visitor(site, **tells).choose("accept_all")
    database = Path(site.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))
    found = [*database.parent.glob(f"{database.name}*"), *Path(site.instance_path).rglob("*")]
    kept = b"".join(file.read_bytes() for file in found if file.is_file())
    assert b"banner.accept_all" in kept
    for told in (b"192.0.2", b"Device", b'"xx"'):
        assert told not in kept


@pytest.mark.stores(*ALL_STORES)
def test_records_past_their_retention_are_purged_and_the_others_stay(site: Flask) -> None:
    now = datetime.now(UTC)
    years = timedelta(days=366)
    old = [decide(site, now - 4 * years), decide(site, now - 3.6 * years)]
    new = [decide(site, now - 3.4 * years), decide(site, now)]  # valid for half a year
    assert run(site, "seal").exit_code == 0
    dry = run(site, "purge", "--dry-run")
    assert (dry.exit_code, dry.output) == (0, "Would erase 2 records.\n")
    assert len([record for record in records(site) if record.subject]) == 4
    done = run(site, "purge")
    assert (done.exit_code, done.output) == (0, "Erased 2 records.\n")
    left = {str(record.id): record.subject for record in records(site)}
    assert [left[decision.id] for decision in old] == [None, None]
    assert [left[decision.id] for decision in new] == [UUID(d.subject) for d in new]
    assert run(site, "verify").exit_code == 0
    assert run(site, "purge").output == "Erased 0 records.\n"


def test_more_than_a_batch_is_purged(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    site = make_site()
    decide_often(site, 5, datetime.now(UTC) - timedelta(days=9999))
    decide(site, datetime.now(UTC))
    assert run(site, "purge").output == "Erased 5 records.\n"
    assert run(site, "purge", "--dry-run").output == "Would erase 0 records.\n"


def test_a_refusal_with_nothing_accepted_before_is_kept_while_it_is_valid(site: Flask) -> None:
    choices = {
        "refused": ["reject"],
        "accepted": ["accept_all"],
        "refused, then accepted": ["reject", "accept_all"],
        "accepted, withdrawn, refused": ["accept_all", "reject", "reject"],
    }
    subjects = {}
    for story, buttons in choices.items():
        visitor = Visitor(site)
        for button in buttons:
            visitor.submit(visitor.get("/cookies").form("/cookies"), button)
        subjects[story] = records(site)[-1].subject
    assert run(site, "purge").output == "Erased 0 records.\n"
    with time_machine.travel(datetime.now(UTC) + timedelta(days=300), tick=False):
        Visitor(site).choose("reject")  # still valid then
        assert run(site, "purge", "--dry-run").output == "Would erase 2 records.\n"
        assert run(site, "purge").output == "Erased 2 records.\n"
        assert run(site, "purge").output == "Erased 0 records.\n"
    kept = Counter(record.subject for record in records(site))
    assert {story: kept[subject] for story, subject in subjects.items()} == {
        "refused": 0,
        "accepted": 1,
        "refused, then accepted": 1,
        "accepted, withdrawn, refused": 3,
    }


@pytest.mark.parametrize(
    ("choice", "end"),
    [
        ("reject", datetime(2026, 7, 15, 12, tzinfo=UTC)),
        ("accept_all", datetime(2029, 7, 15, 12, tzinfo=UTC)),
    ],
)
def test_a_record_goes_at_the_moment_at_which_its_time_is_over(
    make_site: MakeSite, choice: str, end: datetime
) -> None:
    site = make_site()
    with time_machine.travel(datetime(2026, 1, 15, 12, tzinfo=UTC), tick=False) as clock:
        Visitor(site).choose(choice)
        for late, number in ((timedelta(seconds=-1), "0 records"), (timedelta(0), "1 record")):
            clock.move_to(end + late)
            assert run(site, "purge").output == f"Erased {number}.\n"


def test_a_dry_run_counts_the_refusal_that_goes_with_the_last_acceptance_before_it(
    site: Flask,
) -> None:
    visitor = Visitor(site)
    with time_machine.travel(datetime(2022, 1, 15, tzinfo=UTC), tick=False) as clock:
        visitor.choose("accept_all")
        for month in (3, 7):  # withdrawn, valid until September; refused, until January
            clock.move_to(datetime(2022, month, 15, tzinfo=UTC))
            visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
        clock.move_to(datetime(2025, 10, 1, tzinfo=UTC))
        assert run(site, "purge", "--dry-run").output == "Would erase 3 records.\n"
        assert run(site, "purge").output == "Erased 3 records.\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/privacy", "A refusal without an acceptance before it is kept only while it is valid"),
        ("/pt/privacidade", "Uma recusa sem aceitação anterior só é guardada enquanto for válida"),
    ],
)
def test_the_privacy_page_says_how_long_a_refusal_is_kept(
    site: Flask, path: str, reason: str
) -> None:
    assert reason in Visitor(site).get(path).text


def test_retention_is_a_setting(make_site: MakeSite) -> None:
    site = make_site(CONSENT_RETENTION_YEARS=1)
    decide(site, datetime.now(UTC) - timedelta(days=600))
    assert run(site, "purge").output == "Erased 1 record.\n"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("CONSENT_RETENTION_YEARS", 0),
        ("CONSENT_RETENTION_YEARS", 11),
        ("CONSENT_BACKUP_DAYS", 1),
        ("CONSENT_BACKUP_DAYS", 366),
        ("CONSENT_SEAL_RECORDS", "often"),
        ("CONSENT_SEAL_RECORDS", 0),
        ("CONSENT_SEAL_RECORDS", 1_000_001),
        ("CONSENT_SEAL_MINUTES", 0),
        ("CONSENT_SEAL_MINUTES", 10_081),
        ("CONSENT_SEAL_BATCH", 0),
        ("CONSENT_SEAL_BATCH", 10_001),
    ],
)
def test_a_wrong_setting_stops_the_start(make_site: MakeSite, setting: str, value: object) -> None:
    with pytest.raises(SystemExit, match=f"^FLASK_{setting} must be a number of .* from [12] to"):
        make_site(**{setting: value})


@pytest.mark.parametrize(
    "settings",
    [
        {
            "CONSENT_RETENTION_YEARS": 1,
            "CONSENT_BACKUP_DAYS": 2,
            "CONSENT_SEAL_RECORDS": 1,
            "CONSENT_SEAL_MINUTES": 1,
            "CONSENT_SEAL_BATCH": 1,
        },
        {
            "CONSENT_RETENTION_YEARS": 10,
            "CONSENT_BACKUP_DAYS": 365,
            "CONSENT_SEAL_RECORDS": 1_000_000,
            "CONSENT_SEAL_MINUTES": 10_080,
            "CONSENT_SEAL_BATCH": 10_000,
        },
    ],
    ids=["least", "most"],
)
def test_the_site_starts_with_the_least_and_the_most_that_readme_allows(
    make_site: MakeSite, settings: dict[str, int]
) -> None:
    assert Visitor(make_site(**settings)).get("/").status == 200
