"""A database that fails in the middle of a test, without the waits that a visitor would have."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from log import lose

from blueprints.database import db
from blueprints.database.sqlite import driver


@contextmanager
def without(site: Flask, *tables: str) -> Iterator[None]:
    """Let the database have no such tables while the body runs."""
    for table in tables:
        lose(site, table)
    yield
    with site.app_context(), db.engine.begin() as connection:
        for table in tables:
            connection.exec_driver_sql(f"ALTER TABLE lost_{table} RENAME TO {table}")
    let_the_pause_pass(site)


def wait_for_no_other(site: Flask) -> None:
    """Let the next write to SQLite fail at once, and not when a visitor has waited in vain."""
    writer = site.extensions["database"].writer
    driver(writer._open()).execute("PRAGMA busy_timeout = 0")  # noqa: SLF001 - closed as it fails


def let_the_pause_pass(site: Flask) -> None:
    """Let the site ask its stores again, as it does two seconds after a failure."""
    access = site.extensions["database"]
    for outage in (access.reads, access.writes):
        outage._until = 0.0  # noqa: SLF001 - instead of waiting
