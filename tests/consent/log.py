"""A log to test with: decisions that are recorded as the site does it, commands, and raw SQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from click.testing import Result
from flask import Flask
from sqlalchemy import Connection

from blueprints.consent import services
from blueprints.consent.choices import Choice, Decision, Model
from blueprints.database import db

NOBODY = Choice({}, None)
TABLES = ("consent_records", "consent_leaves", "consent_seals", "consent_notices")


def decide(site: Flask, at: datetime, subject: str | None = None) -> Decision:
    """Record that somebody accepted advertising, at a time."""
    notices = site.extensions["notices"]
    notice = notices.in_force["en"]
    act = services.Act(
        subject=subject,
        language="en",
        model=Model.OPT_IN,
        method="banner.accept_selected",
        gpc=False,
        notice=notice.id,
        at=at,
    )
    given = frozenset({"advertising"})
    with site.app_context():
        notices.keep(notice, at)
        decision = services.decide(
            site.extensions["registry"], given, NOBODY, act, lifetime_months=6
        )
        services.record(decision)
    return decision


def decide_often(site: Flask, number: int, start: datetime | None = None) -> list[Decision]:
    """Record decisions, one a second."""
    start = start or datetime.now(UTC)
    return [decide(site, start + timedelta(seconds=second)) for second in range(number)]


def run(site: Flask, *command: str) -> Result:
    """Run `flask consent ...`."""
    return site.test_cli_runner().invoke(args=["consent", *command])


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
