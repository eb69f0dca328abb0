"""Sealing: in order, in batches, by itself, and by one of several at once."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import rfc8785
import time_machine
from browserlike import Visitor
from conftest import MakeSite
from evidence import records
from flask import Flask
from generate import write
from log import decide, decide_often, lose, run
from sqlalchemy import Connection, event, select

from blueprints.database import db
from blueprints.proof import raw_log
from blueprints.proof.merkle import is_in
from blueprints.proof.models import ConsentLeaf, ConsentSeal
from blueprints.proof.seals import prove, seal_open_records

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("migrated_postgresql_uri"))
    shutil.copy(migrated_file, tmp_path / "site.db")
    return f"sqlite:///{tmp_path}/site.db"


def sizes(site: Flask) -> list[int]:
    with site.app_context(), db.engine.connect() as connection:
        return list(connection.scalars(select(ConsentSeal.size).order_by(ConsentSeal.number)))


def sealed(site: Flask) -> list[Any]:
    with site.app_context(), db.engine.connect() as connection:
        query = select(ConsentLeaf.__table__).order_by(ConsentLeaf.position)
        return list(connection.execute(query))


def seals_json(site: Flask, query: str = "") -> dict[str, Any]:
    answer = Visitor(site).raw_get(f"/consent/seals.json{query}")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_backlog_is_sealed_in_batches_each_record_once_and_in_order(
    make_site: MakeSite, uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_BATCH=4)
    decisions = decide_often(site, 10)
    result = run(site, "seal")
    assert result.exit_code == 0
    assert result.output.startswith("Sealed 10 records.\nHead of seal 3, ")
    assert sizes(site) == [4, 4, 2]
    leaves = sealed(site)
    assert [leaf.position for leaf in leaves] == list(range(10))
    assert [str(leaf.record) for leaf in leaves] == [decision.id for decision in decisions]
    assert run(site, "seal").output == "No record is open.\n"
    assert run(site, "verify").exit_code == 0


@pytest.mark.parametrize("days", [-400, -2, 2, 400])
def test_a_clock_that_was_wrong_leaves_no_record_behind(
    make_site: MakeSite, uri: str, days: int
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    for at in (timedelta(), timedelta(days=days), timedelta(minutes=10)):
        with time_machine.travel(NOON + at):
            Visitor(site).post("/cookies", {"choice": "reject"}).close()
            assert run(site, "seal").output.startswith("Sealed 1 record.\n")
    assert sizes(site) == [1, 1, 1]
    verified = run(site, "verify")
    assert verified.exit_code == 0
    assert verified.output.startswith("Intact: 3 records (0 open, 0 erased) in 3 seals.\n")
    assert "Sealed late" not in verified.output, "each was sealed at its own time"


def test_records_of_several_machines_need_not_come_in_the_order_of_time(
    make_site: MakeSite, uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    now = datetime.now(UTC)
    for seconds in ((30, 10), (20, 5)):
        for second in seconds:
            decide(site, now - timedelta(seconds=second))
        run(site, "seal")
    assert sizes(site) == [2, 2]
    assert run(site, "verify").exit_code == 0


def test_a_record_dated_later_than_now_waits_for_its_time(make_site: MakeSite, uri: str) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    with time_machine.travel(NOON, tick=False):
        for hours in (-1, 1, 3):
            decide(site, NOON + timedelta(hours=hours))
        first, waits, _head = run(site, "seal").output.splitlines()
        later = "dated later than now and can be sealed from 2026-11-24 15:00:00 UTC on."
        assert (first, waits) == ("Sealed 1 record.", f"2 records are {later}")
        assert run(site, "seal").output == f"2 records are {later}\n"
        assert run(site, "verify").output.startswith("Intact: 3 records (2 open, 0 erased)")
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        assert run(site, "seal").output.startswith("Sealed 2 records.\nHead")
        assert run(site, "seal").output == "No record is open.\n"
    assert run(site, "verify").exit_code == 0


def test_what_is_open_is_found_without_reading_the_log(make_site: MakeSite, uri: str) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    write(site, 3000, seal=True)  # and no ANALYZE: what the database believes may be out of date
    decide_often(site, 3)
    asked: list[tuple[str, Any]] = []
    with site.app_context():

        @event.listens_for(db.engine, "before_cursor_execute")
        def note(_c: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:  # noqa: ANN401
            asked.append((statement, values))

        assert run(site, "seal").output.startswith("Sealed 3 records.\n")
        about = [one for one in asked if "consent_open" in one[0]]
        assert len(about) > 3, "it is counted, found, struck off, and counted again"
        with db.engine.connect() as connection:
            for statement, values in about:
                one = values[0] if isinstance(values, list) else values
                assert scans(connection, statement, one) <= {"consent_open"}
            everything = "SELECT count(content) FROM consent_records"
            assert scans(connection, everything, ()) == {"consent_records"}


def scans(connection: Connection, statement: str, values: Any) -> set[str]:  # noqa: ANN401 - of the driver
    """Return the tables that the statement reads from end to end."""
    if connection.dialect.name == "sqlite":
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        steps = [row[-1].split() for row in plan]
        return {words[1] for words in steps if words[0] == "SCAN" and "consent" in words[1]}
    explain = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)
    return set(read_whole(explain.scalar_one()[0]["Plan"]))


def read_whole(node: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in node and node["Node Type"] != "ModifyTable" and "Index Cond" not in node:
        yield node["Relation Name"]
    for inner in node.get("Plans", []):
        yield from read_whole(inner)


def test_a_log_of_more_seals_than_are_read_at_once_is_read_whole(
    make_site: MakeSite, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_log, "CHUNK", 2)
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_BATCH=1)
    decide_often(site, 5)
    run(site, "seal")
    intact = "Intact: 5 records (0 open, 0 erased) in 5 seals.\n"
    assert run(site, "verify").output.startswith(intact)


def test_every_record_can_be_proven_against_the_published_root(
    make_site: MakeSite, uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_BATCH=7)
    decide_often(site, 10)
    run(site, "seal")
    published = {seal["number"]: seal for seal in seals_json(site)["seals"]}
    for record in records(site):
        with site.app_context():
            proof = prove(record.id)
        assert proof is not None
        seal = published[proof.seal.number]
        root = bytes.fromhex(seal["root"])
        assert is_in(record.digest, proof.index, seal["size"], proof.path, root)


def test_the_heads_are_public_chained_and_the_same_for_everybody(
    make_site: MakeSite, uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    assert seals_json(site) == {"seals": [], "older": None}
    for _ in range(3):
        decide_often(site, 2)
        run(site, "seal")
    published = seals_json(site)
    assert published["older"] is None
    one, two, three = published["seals"]
    assert (one["previous"], two["previous"], three["previous"]) == (None, one["head"], two["head"])
    assert [seal["total"] for seal in (one, two, three)] == [2, 4, 6]
    for seal in (one, two, three):
        content = {key: value for key, value in seal.items() if key != "head"}
        assert sha256(rfc8785.dumps(content)) == seal["head"], "anybody can compute it"
    visitor = Visitor(site)
    answer = visitor.raw_get("/consent/seals.json")
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    again = visitor.raw_get("/consent/seals.json", If_None_Match=answer.headers["ETag"])
    assert again.status_code == 304
    assert seals_json(site, "?before=3")["seals"] == [one, two]


def test_where_the_seals_cannot_be_looked_up_nobody_is_told_that_there_are_none(
    make_site: MakeSite,
) -> None:
    site = make_site()
    lose(site, "consent_seals")
    answer = Visitor(site).raw_get("/consent/seals.json")
    assert answer.status_code == 503
    assert "public" not in answer.headers["Cache-Control"]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "٣", "9" * 10, "9" * 40])
def test_a_wrong_number_of_a_seal_is_refused(make_site: MakeSite, before: str) -> None:
    answer = Visitor(make_site()).raw_get(f"/consent/seals.json?before={before}")
    assert answer.status_code == 400


def test_older_heads_are_a_link_away(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueprints.proof.views.SEALS_AT_ONCE", 2)
    site = make_site(CONSENT_SEAL_BATCH=1)
    decide_often(site, 5)
    run(site, "seal")
    numbers, query = [], ""
    while True:
        page = seals_json(site, query)
        numbers += [[seal["number"] for seal in page["seals"]]]
        if page["older"] is None:
            break
        query = page["older"].removeprefix("/consent/seals.json")
    assert numbers == [[4, 5], [2, 3], [1]]


def test_of_two_sealers_at_once_one_wins_and_the_other_does_nothing(
    make_site: MakeSite, uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    for _ in range(5):
        decide_often(site, 20)
        barrier = Barrier(4)

        def seal(barrier: Barrier = barrier) -> bool:
            barrier.wait()
            with site.app_context():
                return seal_open_records(datetime.now(UTC), 1000) is not None

        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(lambda _: seal(), range(4)))
        assert sum(won) == 1
    assert sizes(site) == [20] * 5
    assert run(site, "verify").exit_code == 0


@pytest.mark.slow
def test_two_commands_at_once_seal_each_record_once(make_site: MakeSite, uri: str) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    decide_often(site, 60)
    environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
    environment |= {"FLASK_SQLALCHEMY_DATABASE_URI": uri, "FLASK_SECRET_KEY": "x" * 32}
    environment["FLASK_CONSENT_SEAL_BATCH"] = "3"
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "flask", "consent", "seal"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for command in commands:
        _out, err = command.communicate(timeout=60)
        assert (command.returncode, err) == (0, "")
    run(site, "seal")
    assert len(sealed(site)) == 60
    assert run(site, "verify").exit_code == 0


def test_after_so_many_choices_the_site_seals_by_itself(make_site: MakeSite, uri: str) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_RECORDS=3)
    for number in range(7):
        Visitor(site).post("/cookies", {"choice": "reject"}).close()
        site.extensions["sealing"].wait()
        assert sum(sizes(site)) == (number + 1) // 3 * 3
    assert run(site, "verify").exit_code == 0


def test_what_is_due_is_sealed_to_the_last_record_however_many_batches_that_takes(
    make_site: MakeSite, uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_RECORDS=2, CONSENT_SEAL_BATCH=2)
    decide_often(site, 6)
    Visitor(site).post("/cookies", {"choice": "reject"}).close()
    site.extensions["sealing"].wait()
    assert sizes(site) == [2, 2, 2], "one record is open, and not due"


def test_after_so_many_minutes_the_next_choice_seals(make_site: MakeSite, uri: str) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_MINUTES=10)
    for minutes, number in ((0, 0), (9, 0), (11, 3), (12, 3), (22, 5)):
        with time_machine.travel(NOON + timedelta(minutes=minutes), tick=False):
            Visitor(site).post("/cookies", {"choice": "reject"}).close()
            site.extensions["sealing"].wait()
        assert sum(sizes(site)) == number, minutes


def test_a_clock_set_back_does_not_put_off_the_next_seal(make_site: MakeSite, uri: str) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_MINUTES=10)
    for at, number in ((timedelta(days=2), 0), (timedelta(), 0), (timedelta(minutes=11), 2)):
        with time_machine.travel(NOON + at, tick=False):
            Visitor(site).post("/cookies", {"choice": "reject"}).close()
            site.extensions["sealing"].wait()
        assert sum(sizes(site)) == number, at
    with time_machine.travel(NOON + timedelta(days=2), tick=False):
        assert run(site, "seal").output.startswith("Sealed 1 record.\n"), "the one that waited"


def test_what_was_open_before_the_start_is_sealed_after_the_first_choice(
    make_site: MakeSite, uri: str
) -> None:
    decide(make_site(SQLALCHEMY_DATABASE_URI=uri), datetime.now(UTC) - timedelta(hours=2))
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    Visitor(site).post("/cookies", {"choice": "reject"}).close()
    site.extensions["sealing"].wait()
    assert sizes(site) == [2]


def test_continued_use_is_counted_as_well(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied", CONSENT_SEAL_RECORDS=1)
    visitor = Visitor(site)
    visitor.raw_get("/")
    visitor.raw_get("/")
    site.extensions["sealing"].wait()
    assert sizes(site) == [1]


def test_a_log_that_cannot_be_sealed_costs_nobody_their_choice(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(CONSENT_SEAL_RECORDS=1)
    lose(site, "consent_leaves")
    answer = Visitor(site).post("/cookies", {"choice": "reject"})
    answer.close()
    site.extensions["sealing"].wait()
    assert answer.status_code == 303
    assert len(records(site)) == 1
    assert "The log could not be sealed: OperationalError" in caplog.text


def test_the_heads_file_is_read_and_a_wrong_one_is_named(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site()
    decide_often(site, 3)
    run(site, "seal")
    heads = seals_json(site)
    one = heads["seals"][0]
    good: tuple[Any, ...] = (heads, one, [one], {"number": 1, "head": one["head"]})
    for content in good:
        assert said(site, tmp_path, json.dumps(content))[0] == 0
    bad = {
        "": "is not JSON.",
        "\xff": "is not JSON.",
        "[" * 100_000: "is not JSON.",
        " " * 6_000_000: "is larger than any file of heads.",
        "3": "holds no seal.",
        "{}": "holds something that is no seal with its number and head.",
        '{"seals": []}': "holds no seal.",
        json.dumps({"number": "1", "head": one["head"]}): "holds something that is no seal",
        '{"number": 1, "head": "abc"}': "holds something that is no seal",
        json.dumps(one | {"size": 4}): "was altered: the head of its seal 1 does not fit.",
        json.dumps(one | {"size": 2**60}): "was altered: the head of its seal 1 does not fit.",
    }
    for text, says in bad.items():
        code, output = said(site, tmp_path, text)
        assert (code, output.count("\n")) == (2, 1)
        assert says in output
    missing = run(site, "verify", "--head", str(tmp_path / "none.json"))
    assert missing.exit_code == 2
    assert missing.stderr.endswith("cannot be read: No such file or directory.\n")
    other = run(site, "verify", "--head", str(tmp_path))
    assert other.exit_code == 2


def said(site: Flask, folder: Path, text: str) -> tuple[int, str]:
    file = folder / "heads.json"
    file.write_text(text, encoding="latin-1")
    result = run(site, "verify", "--head", str(file))
    return result.exit_code, result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["seal"], ["verify"], ["purge"], ["erase", "0b1c0c2e-2f0a-4a57-9a2d-6a1f5d3c9e10"]]
)
def test_on_a_database_that_is_behind_or_away_a_command_says_so(
    tmp_path: Path, command: list[str]
) -> None:
    for uri, says in (
        (f"sqlite:///{tmp_path}/behind.db", "The database is behind this version of the site"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", "The database cannot be used"),
    ):
        environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
        environment |= {"FLASK_SQLALCHEMY_DATABASE_URI": uri, "FLASK_SECRET_KEY": "x" * 32}
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-m", "flask", "consent", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"Error: {says}")


@pytest.mark.parametrize("command", ["seal", "verify", "erase", "purge"])
def test_every_command_explains_itself(make_site: MakeSite, command: str) -> None:
    result = run(make_site(), command, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


@pytest.mark.stores("sqlite", "postgresql")
def test_who_goes_back_and_comes_again_has_the_log_of_before(site: Flask, tmp_path: Path) -> None:
    """OPERATING.md promises it of revision 0003, and says of 0001 what is gone."""
    erased, *_others = decide_often(site, 4)
    run(site, "erase", str(erased.subject))
    assert run(site, "seal").exit_code == 0
    kept = tmp_path / "heads.json"
    kept.write_bytes(Visitor(site).raw_get("/consent/seals.json").data)
    command = site.test_cli_runner()
    for revision, code, says in (
        ("0003", 0, "Intact: 5 records (1 open, 1 erased) in 1 seal."),
        ("0001", 1, "Not intact. Seal 1, whose head was kept, is not in the log"),
    ):
        for step in (["downgrade", revision], ["upgrade"]):
            assert command.invoke(args=["db", *step]).exit_code == 0
        if revision == "0003":
            decide(site, datetime.now(UTC))
        verified = run(site, "verify", "--head", str(kept))
        assert (verified.exit_code, says in verified.output) == (code, True), verified.output
    assert len(records(site)) == 4, "what was erased has no place in 0001"
