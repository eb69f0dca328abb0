"""`flask consent backup`: a copy of the embedded database while the site runs.

What was committed last stands beside SQLite's file, in its journal, so that a copy of the file
alone loses it. SQLite's own backup (https://www.sqlite.org/backup.html) takes both.
"""

import os
import shlex
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import URL, create_engine

from blueprints.consent.commands import BadInputError, counted, database
from blueprints.database import db
from blueprints.database.sqlite import driver
from blueprints.proof.verifier import TamperedError, verify_log


@click.command
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Copy the whole database into FILE, which must not exist, and verify the log in the copy.

    The site may go on meanwhile. FILE appears only when its log is intact; else the command ends
    with status 1. PostgreSQL brings a command of its own: this one copies nothing then, and prints
    that.
    """
    with suppress(OSError):  # of a name that cannot be: it is told below
        if file.exists():
            raise BadInputError(f"{file} exists already: nothing was copied.")
    if db.engine.dialect.name != "sqlite":
        of = db.engine.url
        # Without the password, which pg_dump asks for, or has from PGPASSWORD or ~/.pgpass.
        url = URL.create("postgresql", of.username, None, of.host, of.port, of.database, of.query)
        click.echo("Nothing is copied yet. PostgreSQL has a command for that; run:", err=True)
        to = f"--file={shlex.quote(str(file))}"
        click.echo(f"pg_dump --format=custom {to} {shlex.quote(str(url))}")
        return
    copy = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with database():
            _copy_to(copy)
            records = _count_verified(copy)
        file.hardlink_to(copy)  # Refused where somebody else has made it meanwhile.
    except TamperedError as error:
        click.echo(f"No backup was kept. Not intact. {error}")
        sys.exit(1)
    except (OSError, sqlite3.Error) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise BadInputError(f"{file} cannot be written: {told}.") from None
    finally:
        with suppress(OSError):
            copy.unlink(missing_ok=True)
    click.echo(f"Copied and verified {counted(records, 'record', 'records')}: {file}")


def _copy_to(copy: Path) -> None:
    copy.touch(mode=0o600, exist_ok=False)
    with db.engine.connect() as source, closing(sqlite3.connect(copy)) as target:
        driver(source).backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # All of it stands in this one file.


def _count_verified(copy: Path) -> int:
    engine = create_engine(URL.create("sqlite", database=str(copy)))
    try:
        count = verify_log({}, lambda _number: None, engine)
    finally:
        engine.dispose()
    return count.sealed + count.open
