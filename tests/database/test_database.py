"""The database at start, its migrations, and what it refuses by itself."""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from conftest import MakeSite
from flask import Flask
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from app import create_app
from blueprints.consent.digest import digest_of
from blueprints.consent.models import ConsentNotice, ConsentRecord
from blueprints.database import UTCDateTime, db, setup, wipe_journal
from blueprints.database.schema import MIGRATIONS, upgrade
from blueprints.proof.models import ConsentLeaf, ConsentOpen, ConsentSeal
from blueprints.sessions.models import StoredSession

ROOT = Path(__file__).parents[2]
CONFIG = Config(f"{MIGRATIONS}/alembic.ini")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    """A site on a database without any table."""
    uri = f"sqlite:///{tmp_path}/empty.db"
    if request.param == "postgresql":
        uri = request.getfixturevalue("postgresql_uri")
    return create_app({"SECRET_KEY": "test " * 8, "SQLALCHEMY_DATABASE_URI": uri})


def test_from_nothing_to_head_equals_the_models_and_back_leaves_nothing(empty: Flask) -> None:
    with empty.app_context():
        upgrade()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, db.metadata) == []
        command.downgrade(CONFIG, "base")
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
        db.engine.dispose()


def test_each_step_runs_on_a_database_with_rows(empty: Flask) -> None:
    with empty.app_context():
        revisions = [step.revision for step in ScriptDirectory(MIGRATIONS).walk_revisions()]
        for revision in reversed(revisions):
            command.upgrade(CONFIG, revision)
            with db.engine.begin() as connection:
                insert_rows_of(revision, connection)
        with db.engine.connect() as connection:
            query = db.select(ConsentRecord.__table__).order_by(ConsentRecord.id)
            old, new, erased = connection.execute(query).mappings()
        said = json.loads(old["content"])
        assert (said["statuses"], said["notice"]) == ({"advertising": "given"}, None)
        assert old["digest"] == digest_of(old["content"]), "the digest is over what the row had"
        assert new["notice"] == NOTICE["id"]
        assert (erased["subject"], erased["content"]) == (None, None)
        assert erased["digest"] == ERASED["digest"]
        with db.engine.connect() as connection:
            assert connection.scalars(db.select(ConsentOpen.record).order_by("record")).all() == [
                old["id"],
                erased["id"],
            ]
            subjects = connection.scalars(db.select(StoredSession.subject)).all()
            assert len(subjects) == len(SESSIONS)
            assert [subject for subject in subjects if subject] == [GOOD["subject"]]
        command.downgrade(CONFIG, "0003")
        for statement in (
            "UPDATE consent_records SET language = 'pt'",
            "DELETE FROM consent_records",
        ):
            with pytest.raises(DBAPIError, match="never changed"), db.engine.begin() as connection:
                connection.exec_driver_sql(statement)
        command.downgrade(CONFIG, "0001")
        with db.engine.connect() as connection:
            count = connection.exec_driver_sql("select count(*) from consent_records").scalar()
        assert count == 2
        db.engine.dispose()


def insert_rows_of(revision: str, connection: Connection) -> None:
    """Put a row into each table that the step made or changed."""
    if revision == "0001":
        connection.exec_driver_sql(RECORD_OF_0001)
    elif revision == "0002":
        connection.execute(db.insert(ConsentNotice).values(NOTICE))
        connection.execute(db.insert(AS_BEFORE_0005), OLD | {"notice": NOTICE["id"]})
    elif revision == "0003":
        seal = {"number": 1, "first": 0, "size": 1, "root": "r", "head": "h"}
        seal["sealed_at"] = NOTICE["kept_at"]
        connection.execute(db.insert(ConsentSeal).values(seal))
        leaf = {"position": 0, "seal": 1, "record": GOOD["id"], "digest": GOOD["digest"]}
        connection.execute(db.insert(ConsentLeaf).values(leaf))
        connection.execute(db.insert(AS_BEFORE_0005), OLD | ERASED)
        erase = (
            "UPDATE consent_records SET subject = NULL, statuses = NULL, salt = NULL WHERE id = "
        )
        connection.exec_driver_sql(f"{erase}'{ERASED['id'].hex}'")
        sessions = "INSERT INTO sessions (key, data, expires_at) VALUES (:key, :data, :expires_at)"
        connection.execute(db.text(sessions), SESSIONS)


RECORD_OF_0001 = """
INSERT INTO consent_records (id, subject, statuses, policy_version, language, model, method,
  is_consent, gpc, decided_at, expires_at)
VALUES ('01a20c66bee475efbf2ac38af3588981', 'd70a0a30af9c4b8d8e3cdb9a2a6d8c1f',
  '{"advertising": "given"}', 'abcdefabcdef', 'en', 'opt_in', 'banner.accept_all',
  true, false, '2026-11-24 10:00:00', '2027-05-24 10:00:00')
"""
NOTICE: dict[str, Any] = {
    "id": "a" * 64,
    "content": "{}",
    "policy_version": "0" * 12,
    "language": "en",
    "model": "opt_in",
    "kept_at": datetime(2026, 11, 24, tzinfo=UTC),
}
GOOD: dict[str, Any] = {
    "id": UUID("01a20c66-bee4-75ef-bf2a-c38af3588982"),
    "subject": uuid4(),
    "decided_at": datetime(2026, 1, 1, tzinfo=UTC),
    "expires_at": datetime(2026, 7, 1, tzinfo=UTC),
    "content": "{}",
    "digest": b"d" * 32,
}
# As a record was kept until 0005: each of its values in a column.
OLD: dict[str, Any] = {
    **{name: value for name, value in GOOD.items() if name != "content"},
    "statuses": {},
    "policy_version": "0" * 12,
    "language": "en",
    "model": "opt_in",
    "method": "banner.reject",
    "is_consent": True,
    "gpc": False,
    "salt": b"s" * 16,
}
AS_BEFORE_0005 = db.table(
    "consent_records",
    *(db.column(name, db.Uuid()) for name in ("id", "subject")),
    *(db.column(name, UTCDateTime()) for name in ("decided_at", "expires_at")),
    *(db.column(name) for name in (*OLD.keys() - GOOD.keys() - {"statuses"}, "notice", "digest")),
    db.column("statuses", db.JSON()),
)
# Erased by 0003, which left how it was answered.
ERASED: dict[str, Any] = {
    "id": UUID("01a20c66-bee4-75ef-bf2a-c38af3588983"),
    "subject": uuid4(),
    "digest": b"e" * 32,
    "notice": NOTICE["id"],
}
SESSIONS = [
    {"key": f"{number:064x}", "data": data, "expires_at": NOTICE["kept_at"]}
    for number, data in enumerate(
        [
            *([msgspec.msgpack.encode({"csrf_token": "x"})] * 1500),
            msgspec.msgpack.encode({"decision": {"subject": str(GOOD["subject"])}}),
            msgspec.msgpack.encode({"decision": {"subject": 7}}),
            msgspec.msgpack.encode({"decision": None}),
            msgspec.msgpack.encode([1]),
            b"no msgpack",
            b"",
        ]
    )
]


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"subject": None},
        {"content": None},
        {"digest": None},
        {"notice": "f" * 64},
    ],
)
def test_the_database_refuses_a_bad_record(site: Flask, wrong: dict[str, object]) -> None:
    with site.app_context(), pytest.raises(IntegrityError), db.engine.begin() as connection:
        connection.execute(db.insert(ConsentRecord).values(GOOD | wrong))


def test_a_time_without_a_zone_is_refused(make_site: MakeSite) -> None:
    with make_site().app_context(), db.engine.connect() as connection:
        naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the very thing that is refused
        query = db.select(ConsentRecord).where(ConsentRecord.decided_at > naive)
        with pytest.raises(StatementError, match="without a zone"):
            connection.execute(query)


def test_sqlite_is_durable_and_patient(make_site: MakeSite) -> None:
    with make_site().app_context(), db.engine.connect() as connection:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("secure_delete", 1),
            ("busy_timeout", setup.SITE_SECONDS * 1000),
        ):
            assert connection.exec_driver_sql(f"pragma {pragma}").scalar() == value


def test_sqlite_is_as_patient_after_what_waits_for_nobody(make_site: MakeSite) -> None:
    with make_site().app_context():
        with db.engine.connect() as connection:
            before = connection.connection.dbapi_connection
        wipe_journal()
        with db.engine.connect() as connection:
            assert connection.connection.dbapi_connection is before
            waits = connection.exec_driver_sql("pragma busy_timeout").scalar()
    assert waits == setup.SITE_SECONDS * 1000


def test_a_database_that_is_behind_is_said_in_one_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        create_app(
            {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/b.db", "SECRET_KEY": "x" * 32}
        )
    (line,) = caplog.messages
    assert line == "The database is behind this version of the site: run 'flask db upgrade'."


def test_a_database_that_is_away_is_said_in_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        create_app(
            {
                "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://nobody@127.0.0.1:1/none",
                "SECRET_KEY": "x" * 32,
            }
        )
    (line,) = caplog.messages
    assert line.startswith("The database cannot be used, and no choice recorded until it can: ")


@pytest.mark.slow
def test_the_embedded_database_makes_itself_even_when_many_start_at_once(tmp_path: Path) -> None:
    code = (
        "import app; site = app.create_app(); "
        "print(site.test_client().post('/cookies', data={'choice': 'reject'}).status_code)"
    )
    environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
    environment["FLASK_INSTANCE"] = str(tmp_path)
    starts = [
        subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for start in starts:
        out, err = start.communicate(timeout=60)
        assert (out, err) == ("303\n", "")
    assert sorted(path.name for path in tmp_path.iterdir() if ".db-" not in path.name) == [
        "limits.db",
        "migrate.lock",
        "secret_key",
        "site.db",
        "static",
    ]
    assert len(list((tmp_path / "static").iterdir())) == 1, "half a copy of the files was left"
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
