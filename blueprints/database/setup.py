"""Sets the database up at start: where it is, how it is opened, whether its tables are right."""

from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import click
from flask import Blueprint, Flask, current_app
from flask.blueprints import BlueprintSetupState
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError

from blueprints.database import sqlite
from blueprints.database.access import Access, write
from blueprints.database.base import db
from blueprints.database.bounds import within
from blueprints.database.engines import ENGINE_OPTIONS, check_options, prepare
from blueprints.database.migrating import DatabaseCommands
from blueprints.database.schema import NEWER, Embedded, problem, reason

EMBEDDED = "site.db"
OURS = (EMBEDDED, "secret_key", "limits.db", "migrate.lock", "static", "pictures", "compiled")
SITE_SECONDS = 1.0  # how long a visitor waits for the database
NOTHING_NEW = text("UPDATE alembic_version SET version_num = version_num")
COMMAND_SECONDS = 60.0  # and how long the operator does

blueprint = Blueprint("database", __name__, cli_group=None)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    folder = Path(app.instance_path)
    is_embedded = not app.config["SQLALCHEMY_DATABASE_URI"]
    if is_embedded:
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{EMBEDDED}"
    try:
        url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _options(url) | app.config.get(
            "SQLALCHEMY_ENGINE_OPTIONS", {}
        )
        db.init_app(app)
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"FLASK_SQLALCHEMY_DATABASE_URI needs the driver {error.name}; for postgresql+psycopg: "
            "pip install '.[postgresql]'."
        ) from None
    except (ArgumentError, ImportError, ValueError) as error:
        raise SystemExit(f"FLASK_SQLALCHEMY_DATABASE_URI cannot be used: {error}.") from None
    app.cli.add_command(DatabaseCommands(app))
    with app.app_context():
        if _is_command():  # It says itself what is wrong, or is the one that mends it.
            prepare(db.engine, COMMAND_SECONDS)
            app.extensions["database"] = Access(db.engine, None, COMMAND_SECONDS)
            app.extensions["database_is_current"] = False
        else:
            embedded = Embedded(app, folder / "migrate.lock") if is_embedded else None
            prepare(db.engine, SITE_SECONDS)
            sqlite.make_file(db.engine)
            access = app.extensions["database"] = Access(db.engine, embedded, SITE_SECONDS)
            app.extensions["database_is_current"] = _is_current(app, access)
    app.extensions["readiness"].depend_on(_why_not_ready)
    _keep_to_ourselves(folder)


def _why_not_ready() -> str | None:
    access: Access = current_app.extensions["database"]
    try:
        with access.reads.guard(), within(access.seconds):
            access.make_ready()
            wrong = problem()
        if not wrong:
            write(lambda connection: connection.execute(NOTHING_NEW))  # A full disk reads well.
    except Exception as error:  # noqa: BLE001 - whatever it is, the site is not ready
        return f"The database cannot be used: {type(error.__cause__ or error).__name__}."
    return wrong


def _options(url: URL) -> dict[str, Any]:
    check_options(url)
    is_in_memory = url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}
    waits = {} if is_in_memory else {"pool_timeout": SITE_SECONDS}  # One connection has no pool.
    return ENGINE_OPTIONS | waits


def _is_command() -> bool:
    """Whether the application is made for a command of the operator, and not to serve the site.

    FLASK_RUN_FROM_CLI does not tell: `flask run` sets it too, and a site started by a command
    inherits it.
    """
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name != "run"


def _is_current(app: Flask, access: Access) -> bool:
    """Whether the database can be used as it is; where not, the log says why."""
    try:
        with within(access.seconds):
            wrong = problem()
            if access.embedded and wrong != NEWER:
                access.embedded.make_ready(patiently=True)
                wrong = None
    except Exception as error:  # noqa: BLE001 - whatever a migration stumbled upon
        wrong = f"The database cannot be used, and no choice recorded until it can: {reason(error)}"
    if wrong:
        app.logger.error(wrong)
    return not wrong


def _keep_to_ourselves(folder: Path) -> None:
    """Close the folder, and our files in it, to everybody else on this machine.

    A folder in which others keep something, named by mistake perhaps, stays as open as it was.
    """
    with suppress(OSError):
        names = {file.name for file in folder.iterdir()}
        ours = {name for name in names if name.startswith(OURS)}
        if names == ours:
            _close(folder, 0o700)
        for name in ours:
            if (folder / name).is_file():
                _close(folder / name, 0o600)


def _close(path: Path, mode: int) -> None:
    with suppress(OSError):  # Its owner has decided already, it cannot be changed, or it is gone.
        path.chmod(mode)
