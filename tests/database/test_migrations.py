"""A migration that is killed, or finds the disk full, has done nothing; the next one does all."""

import re
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from alembic import command
from flask import Flask
from interrupted_upgrades import CONFIG, MOMENTS, make_rows
from sqlalchemy import text

from app import create_app
from blueprints.consent.digest import digest_of
from blueprints.consent.models import ConsentRecord
from blueprints.database import db, problem
from blueprints.database.schema import BEHIND, NEWER, upgrade
from blueprints.proof.models import ConsentOpen

ROOT = Path(__file__).parents[2]
ROWS = 1500


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql_uri"))
    return f"sqlite:///{tmp_path}/old.db"


def site_on(uri: str) -> Flask:
    return create_app({"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": uri})


def assert_whole() -> None:
    assert problem() is None
    with db.engine.connect() as connection:
        rows = list(connection.execute(db.select(ConsentRecord.__table__)).mappings())
    assert len(rows) == ROWS
    assert all(row["digest"] == digest_of(row["content"]) for row in rows)


@pytest.mark.slow
def test_an_upgrade_that_is_killed_has_done_nothing_and_the_next_does_all(uri: str) -> None:
    killed = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "tests/database/interrupted_upgrades.py", uri, str(ROWS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    left = re.findall(r"killed before statement \d+ of \d+: (\S+) (\d+)", killed.stdout)
    assert left == [("0001", str(ROWS))] * MOMENTS, killed.stdout
    with site_on(uri).app_context():
        upgrade()
        assert_whole()
        db.engine.dispose()


def test_an_upgrade_that_finds_the_disk_full_has_done_nothing(tmp_path: Path) -> None:
    site = site_on(f"sqlite:///{tmp_path}/old.db")
    with site.app_context():
        make_rows(ROWS)

        @db.event.listens_for(db.engine, "connect")  # type: ignore[untyped-decorator]
        def fill_up(connection: object, _entry: object) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()  # type: ignore[attr-defined]
            connection.execute(f"PRAGMA max_page_count = {pages + 20}")  # type: ignore[attr-defined]

        db.engine.dispose()
        answer = site.test_cli_runner().invoke(args=["db", "upgrade"])
        assert answer.output == "Error: The database cannot be used: database or disk is full.\n"
        assert answer.exit_code == 1
        assert problem() == BEHIND
        db.event.remove(db.engine, "connect", fill_up)
        db.engine.dispose()
        upgrade()
        assert_whole()
        db.engine.dispose()


@pytest.mark.needs("proof")
def test_a_database_that_is_newer_is_named_as_that(
    uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    with site_on(uri).app_context():
        upgrade()
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        db.engine.dispose()
    caplog.clear()
    site = site_on(uri)
    assert caplog.messages == [NEWER]
    answer = site.test_cli_runner().invoke(args=["consent", "seal"])
    assert (answer.exit_code, answer.output) == (2, f"Error: {NEWER}\n")
    answer = site.test_cli_runner().invoke(args=["db", "upgrade"])
    assert answer.exit_code == 1
    assert caplog.messages[-1] == f"Error: {NEWER}"
    with site.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("subcommand", ["upgrade", "current"])
def test_a_database_that_cannot_be_reached_is_said_in_one_sentence(subcommand: str) -> None:
    site = site_on("postgresql+psycopg://postgres@127.0.0.1:1/none")
    answer = site.test_cli_runner().invoke(args=["db", subcommand])
    assert answer.exit_code == 1
    (line,) = answer.output.splitlines()
    assert line.startswith("Error: The database cannot be used: connection failed: ")


@pytest.mark.slow
def test_upgrade_and_downgrade_say_nothing_about_being_behind(uri: str) -> None:
    for arguments in (["upgrade"], ["downgrade", "base"]):
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-m", "flask", "db", *arguments],
            cwd=ROOT,
            env={"FLASK_SQLALCHEMY_DATABASE_URI": uri, "FLASK_SECRET_KEY": "x" * 32},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_who_goes_back_says_where_to(uri: str) -> None:
    site = site_on(uri)
    with site.app_context():
        upgrade()
        answer = site.test_cli_runner().invoke(args=["db", "downgrade"])
        assert answer.exit_code == 2
        assert "Error: Missing argument 'REVISION'." in answer.output
        answer = site.test_cli_runner().invoke(args=["db", "downgrade", "0009"])
        assert answer.exit_code == 2
        assert "Error: Invalid value for 'REVISION': '0009' is not one of 'base'" in answer.output
        assert problem() is None
        assert site.test_cli_runner().invoke(args=["db", "downgrade", "0003"]).exit_code == 0
        assert problem() == BEHIND
        db.engine.dispose()


def test_a_choice_that_the_old_version_still_records_during_an_upgrade_is_listed_as_open(
    postgresql_uri: str,
) -> None:
    with site_on(postgresql_uri).app_context():
        command.upgrade(CONFIG, "0003")
        with db.engine.connect() as old_version:
            old_version.execute(text(RECORD_OF_0003))
            upgrading = Thread(target=upgrade_on, args=[postgresql_uri])
            upgrading.start()
            while not is_waiting_for_a_lock():
                assert upgrading.is_alive(), "the upgrade did not wait for the record"
            old_version.commit()
            upgrading.join()
        with db.engine.connect() as connection:
            listed = connection.scalars(db.select(ConsentOpen.record)).all()
            assert listed == connection.scalars(db.select(ConsentRecord.id)).all()
            assert len(listed) == 1
        db.engine.dispose()


def upgrade_on(uri: str) -> None:
    with site_on(uri).app_context():
        upgrade()
        db.engine.dispose()


def is_waiting_for_a_lock() -> bool:
    with db.engine.connect() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        waits = "AND wait_event_type = 'Lock'"
        return bool(connection.scalar(text(query + waits)))


RECORD_OF_0003 = """
INSERT INTO consent_records (id, subject, statuses, policy_version, language, model, method,
  is_consent, gpc, decided_at, expires_at, salt, digest)
VALUES ('01a20c66bee475efbf2ac38af3588981', 'd70a0a30af9c4b8d8e3cdb9a2a6d8c1f',
  '{"advertising": "given"}', 'abcdefabcdef', 'en', 'opt_in', 'banner.accept_all',
  true, false, '2026-11-24 10:00:00', '2027-05-24 10:00:00', 'salt', 'digest')
"""
