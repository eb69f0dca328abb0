"""Whether the tables are those of this version of the site, and how the embedded ones become so."""

import fcntl
import logging
from importlib import import_module
from pathlib import Path
from threading import Lock

from flask import Flask
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from blueprints.database.base import db
from blueprints.database.errors import DatabaseUnavailableError
from blueprints.database.sqlite import file_of, make_file

MIGRATIONS = str(Path(__file__).parent / "migrations")
# Each step is called by its number; Alembic, which knows them as well, is large.
STEPS = sorted(file.stem.partition("_")[0] for file in Path(MIGRATIONS).glob("versions/0*.py"))
REVISIONS = text("SELECT version_num FROM alembic_version")
IS_BEHIND = "The database is behind this version of the site"
BEHIND = f"{IS_BEHIND}: run 'flask db upgrade'."
NEWER = "The database is newer than this version of the site: run the version that upgraded it."


def problem() -> str | None:
    """Say in one sentence what is wrong with the tables; None where nothing is."""
    file = file_of(db.engine)
    if file and not file.exists():
        where = f"there is no file {file} yet (FLASK_INSTANCE can name another folder)"
        return f"{IS_BEHIND}: {where}; 'flask db upgrade' makes one."
    with db.engine.connect() as connection:
        is_migrated = inspect(connection).has_table("alembic_version")
        found = set(connection.scalars(REVISIONS)) if is_migrated else set()
    if not found <= set(STEPS):
        return NEWER
    return None if found == {STEPS[-1]} else BEHIND


def reason(error: Exception) -> str:
    """Say why the database failed, in its own words, which have no value of a statement."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).partition("\n")[0] or type(cause).__name__


class Embedded:
    """The database of a site that was given none: made and migrated here, by whoever is first.

    Where that fails, at the start or later, it is tried again when the database is asked next.
    """

    def __init__(self, app: Flask, lock: Path) -> None:
        self._app = app
        self._lock_file = lock
        self._lock = Lock()
        self._is_ready = False

    def make_ready(self, *, patiently: bool = False) -> None:
        """Migrate what is not migrated yet; `patiently` waits for another process that does so.

        Raises:
            Exception: the file or its content cannot be used; no step was left half done.

        """
        if self._is_ready:
            return
        with self._lock, self._app.app_context(), self._lock_file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if patiently else fcntl.LOCK_EX | fcntl.LOCK_NB)
            make_file(db.engine)
            found = problem()
            if found == NEWER:
                raise DatabaseUnavailableError(NEWER)
            if found:
                upgrade()
            self._is_ready = True


def upgrade(connection: Connection | None = None) -> None:
    """Migrate the site's database, or another one in the transaction of this connection."""
    config = import_module("alembic.config").Config(f"{MIGRATIONS}/alembic.ini")
    config.attributes["connection"] = connection
    quiet = logging.getLogger("alembic")
    level, quiet.level = quiet.level, logging.WARNING
    try:
        import_module("alembic.command").upgrade(config, "heads")
    finally:
        quiet.level = level
