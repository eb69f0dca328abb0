"""Erased means erased: no copy of what is gone waits in the files of the embedded database."""

from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from blueprints.database.base import db


def wipe_journal() -> None:
    """Empty SQLite's journal, which still holds pages as they were before.

    While somebody reads from it, it stays, and is overwritten by what is written next. The pages
    themselves are overwritten at once (`secure_delete`). PostgreSQL overwrites by its autovacuum.
    """
    if db.engine.dialect.name != "sqlite":
        return
    with suppress(SQLAlchemyError), db.engine.connect() as connection:
        connection.detach()
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")  # No choice waits for this.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
