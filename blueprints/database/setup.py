"""Sets the database up at start: where it is, how SQLite behaves, whether it is behind."""

import fcntl
import logging
import sqlite3
from pathlib import Path
from typing import Any, cast

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState
from flask_migrate import Migrate, upgrade
from sqlalchemy import event, make_url
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from blueprints.database.base import db

MIGRATIONS = str(Path(__file__).parent / "migrations")
BUSY_TIMEOUT_SECONDS = 5

blueprint = Blueprint("database", __name__, cli_group=None)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    embedded = not app.config["SQLALCHEMY_DATABASE_URI"]
    if embedded:
        Path(app.instance_path).mkdir(parents=True, exist_ok=True)
        app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///site.db"
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", {"pool_pre_ping": True})
    try:
        make_url(app.config["SQLALCHEMY_DATABASE_URI"])
        db.init_app(app)
    except (ArgumentError, ImportError) as error:
        raise SystemExit(f"FLASK_SQLALCHEMY_DATABASE_URI cannot be used: {error}") from None
    Migrate(app, db, directory=MIGRATIONS)
    with app.app_context():
        _prepare_sqlite(db.engine)
        if embedded:
            _migrate_embedded(app)
        app.extensions["database_is_current"] = embedded or _is_current(app)


def _prepare_sqlite(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}",
            "journal_mode = WAL",  # readers and a writer do not block each other
            "synchronous = FULL",  # a committed consent survives a power cut
            "foreign_keys = ON",
            "secure_delete = ON",  # what is erased is overwritten, not only unlinked
        ):
            connection.execute(f"PRAGMA {pragma}")


def _migrate_embedded(app: Flask) -> None:
    # Several worker processes start at once; the first one migrates while the others wait.
    with (Path(app.instance_path) / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_behind():
            quiet = logging.getLogger("alembic")
            level, quiet.level = quiet.level, logging.WARNING
            upgrade(directory=MIGRATIONS)
            quiet.setLevel(level)


def is_behind() -> bool:
    """Whether the database lacks a migration of this version of the site."""
    heads: Any = ScriptDirectory(MIGRATIONS).get_heads()
    with db.engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) != set(heads)


def _is_current(app: Flask) -> bool:
    """Whether the database can be used as it is; where not, the log says why."""
    try:
        if not is_behind():
            return True
        app.logger.error("The database is behind this version of the site: run 'flask db upgrade'.")
    except SQLAlchemyError as error:
        app.logger.error(
            "The database cannot be reached, so no choice can be recorded until it is back: %s",
            type(error).__name__,
        )
    return False
