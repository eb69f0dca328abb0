"""Sealing: in order, in batches, by itself, and by one of several at once."""

import hashlib
import json
import os
import subprocess
import sys
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
from log import decide, decide_often, run
from sqlalchemy import select

from blueprints.consent.log.merkle import is_in
from blueprints.consent.log.seals import prove, seal_open_records
from blueprints.consent.models import ConsentLeaf, ConsentSeal
from blueprints.database import db

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_uri"))
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
    one, two, three = seals_json(site)["seals"]
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


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "٣", "9" * 40])
def test_a_wrong_number_of_a_seal_is_refused(make_site: MakeSite, before: str) -> None:
    answer = Visitor(make_site()).raw_get(f"/consent/seals.json?before={before}")
    assert answer.status_code == 400


def test_older_heads_are_a_link_away(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueprints.consent.log.views.SEALS_AT_ONCE", 2)
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


def test_after_so_many_minutes_the_next_choice_seals(make_site: MakeSite, uri: str) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=uri, CONSENT_SEAL_MINUTES=10)
    start = datetime(2026, 11, 24, 12, tzinfo=UTC)
    for minutes, number in ((0, 0), (9, 0), (11, 3), (12, 3), (22, 5)):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            Visitor(site).post("/cookies", {"choice": "reject"}).close()
            site.extensions["sealing"].wait()
        assert sum(sizes(site)) == number, minutes


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
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("alter table consent_leaves rename to gone")
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
