"""A log to test with: decisions that are recorded as the site does it, commands, and raw SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import click
import pytest
from click.testing import Result
from conftest import WITHOUT
from flask import Flask
from sqlalchemy import Connection, insert
from uuid_utils.compat import uuid7

from blueprints.consent import services
from blueprints.consent.choices import (
    Choice,
    Circumstances,
    Decision,
    Model,
    Status,
    decided_statuses,
)
from blueprints.consent.models import ConsentRecord
from blueprints.consent.services import columns_of
from blueprints.database import db, write
from blueprints.proof.seals import seal_open_records

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GIVEN = {"personalization": "given", "advertising": "given"}
TABLES = ("consent_records", "consent_leaves", "consent_seals", "consent_notices")


def decide(site: Flask, at: datetime, subject: str | None = None) -> Decision:
    """Record that somebody accepted advertising, at a time."""
    notices = site.extensions["notices"]
    notice = notices.in_force["en"]
    registry, given = site.extensions["registry"], frozenset({"advertising"})
    circumstances = Circumstances(
        policy_version=registry.policy_version,
        language="en",
        model=Model.OPT_IN,
        method="banner.accept_selected",
        gpc=False,
        notice=notice.id,
    )
    nobody = Choice(dict.fromkeys(registry.optional_ids, Status.UNKNOWN), None)
    statuses = decided_statuses(nobody, given, circumstances.method)
    with site.app_context():
        notices.keep(notice, at)
        decision = services.decide(statuses, circumstances, None, at, 6)
        decision = replace(decision, subject=subject or decision.subject)
        write(lambda connection: services.record(connection, decision))
    return decision


def erase(site: Flask, subject: UUID) -> None:
    """Erase the records of somebody whose session is another matter."""
    with site.app_context():
        write(lambda connection: services.erase(connection, ConsentRecord.subject == subject))


def decide_often(site: Flask, number: int, start: datetime | None = None) -> list[Decision]:
    """Record decisions, one a second, the last of them just now."""
    start = start or datetime.now(UTC) - timedelta(seconds=number)
    return [decide(site, start + timedelta(seconds=second)) for second in range(number)]


def run(site: Flask, *command: str) -> Result:
    """Run `flask consent ...`; leave the test out where the command's wing is left out."""
    group = site.cli.commands.get("consent")
    if WITHOUT and not (isinstance(group, click.Group) and command[0] in group.commands):
        pytest.skip(f"{command[0]} is left out")
    return site.test_cli_runner().invoke(args=["consent", *command])


def under_command(name: str) -> click.Context:
    """Be inside of a command of that name, as the operator's sites are made."""
    return click.Context(click.Command(name), info_name=name)


def lose(site: Flask, table: str) -> None:
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO lost_{table}")


@contextmanager
def tampering(site: Flask) -> Iterator[Connection]:
    """Open the database as somebody who may do anything with it: nothing there stops them."""
    with site.app_context(), db.engine.connect() as connection:
        connection.detach()  # What is switched off here is switched off on this connection only.
        if db.engine.dialect.name == "postgresql":
            checks = "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c'"
            connection.exec_driver_sql("SET session_replication_role = replica")
            for table, name in connection.exec_driver_sql(checks).all():
                if table.startswith("consent"):
                    connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        else:
            found = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for pragma in ("foreign_keys = OFF", "ignore_check_constraints = ON"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            for (name,) in connection.exec_driver_sql(found).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        yield connection
        connection.commit()


def decision(**changes: Any) -> Decision:  # noqa: ANN401 - fields of any kind
    """Make a decision that accepts everything, ten days before `NOW`."""
    at = changes.get("decided_at", NOW - timedelta(days=10))
    values: dict[str, Any] = {
        "id": str(uuid7(nanoseconds=int(at.timestamp() * 1e9))),
        "subject": str(uuid4()),
        "decided_at": at,
        "expires_at": at + timedelta(days=181),
        "policy_version": "a" * 12,
        "language": "en",
        "model": "opt_in",
        "method": "banner.accept_all",
        "gpc": False,
        "statuses": GIVEN,
    }
    return Decision(**values | changes)


def fill(site: Flask, rows: list[Decision]) -> list[UUID]:
    """Put the rows into the log; each is a visitor of its own."""
    values = [columns_of(row, bytes(16)) for row in rows]
    with site.app_context(), db.engine.begin() as connection:
        connection.execute(insert(ConsentRecord), values)
    return [record["subject"] for record in values]


def seal(site: Flask) -> None:
    site.extensions["sealing"].wait()
    with site.app_context():
        seal_open_records(datetime.now(UTC), 1000)
