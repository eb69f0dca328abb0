"""Erased means erased: no copy of what is gone waits in the files of the embedded database."""

import sqlite3
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from blueprints.database.base import db
from blueprints.database.sqlite import driver, file_of
from blueprints.database.turns import turns_of

SECONDS = 1.0


def wipe_journal() -> None:
    """Empty SQLite's journal, which still holds pages as they were before.

    While somebody reads from it, it stays, and is overwritten by what is written next. The pages
    themselves are overwritten at once (`secure_delete`). PostgreSQL overwrites by its autovacuum.
    """
    file = file_of(db.engine)
    if file is None:
        return
    # In a turn of its own: by the index of a log that was deleted it would empty that of others.
    with (
        suppress(SQLAlchemyError, sqlite3.Error, OSError),
        turns_of(file).take(SECONDS),
        db.engine.connect() as connection,
    ):
        raw = driver(connection)
        ((waits,),) = raw.execute("PRAGMA busy_timeout")
        raw.execute("PRAGMA busy_timeout = 0")  # No choice waits for this.
        try:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.execute(f"PRAGMA busy_timeout = {waits}")
