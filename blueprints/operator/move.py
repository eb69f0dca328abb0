"""`flask consent move`: the whole database goes to another one, from SQLite to PostgreSQL or back.

Everything happens in one transaction of the target, its migrations and the check of the log
included: it takes the whole, verified, or stays empty, also where this is killed. Meanwhile the
site can write nothing into the database that is left, and so nothing is left behind.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext
from sqlalchemy import (
    Connection,
    Engine,
    delete,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from blueprints.consent.commands import BadInputError, counted, database, progress
from blueprints.consent.models import ConsentRecord
from blueprints.database import db, reason
from blueprints.database.engines import open_other
from blueprints.database.schema import upgrade
from blueprints.database.sqlite import file_of, make_file, reserve, transaction
from blueprints.proof.models import ConsentOpen, ConsentSeal
from blueprints.proof.verifier import Count, TamperedError, verify_log
from blueprints.sessions.models import StoredSession

OPEN = ConsentOpen.__tablename__
ROWS_AT_ONCE = 1000
SECONDS = 60.0  # so long is waited for whoever writes
# Each after those that it names; what is open comes last, when every record is there.
TABLES = sorted(db.metadata.sorted_tables, key=lambda table: table.name == OPEN)


@click.command
@click.option("--to", "address", required=True, metavar="URL", help="An empty database.")
@with_appcontext
def move(address: str) -> None:
    """Copy the whole database into an empty one, such as postgresql+psycopg://user@host/name.

    Stop the site before, and start it afterwards with FLASK_SQLALCHEMY_DATABASE_URI set to the new
    one. What is there is verified before it is committed; where the log is not intact the command
    ends with status 1, and whatever goes wrong, nothing is moved. The old database stays as it is.
    """
    target = _engine(address)
    file = file_of(target)
    was_there = file is None or file.exists()
    is_moved = False
    try:
        make_file(target)
        with database(), _telling(), _writing(target) as connection:
            if inspect(connection).get_table_names():
                raise BadInputError("Nothing was moved: the new database is not empty.")
            upgrade(connection)
            with _writing(db.engine) as source:
                if source.dialect.name == "postgresql":
                    source.execute(text(f"LOCK TABLE {', '.join(map(str, TABLES))} IN SHARE MODE"))
                count, sessions = _moved(source, connection)
        is_moved = True
    except TamperedError as error:
        click.echo(f"Nothing was moved. Not intact. {error}")
        sys.exit(1)
    finally:
        target.dispose()
        if file and not (is_moved or was_there):
            for part in ("", "-wal", "-shm"):
                file.with_name(file.name + part).unlink(missing_ok=True)
    records = counted(count.sealed + count.open, "record", "records")
    seals = counted(count.seals, "seal", "seals")
    click.echo(
        f"Moved and verified {records} ({count.open:,} open) in {seals}, "
        f"and {counted(sessions, 'session', 'sessions')}."
    )
    click.echo("Start the site with FLASK_SQLALCHEMY_DATABASE_URI set to the new database.")


def _engine(address: str) -> Engine:
    """Open what is to take everything.

    Raises:
        BadInputError: it can be no database for that.

    """
    try:
        url = make_url(address)
        if url.get_backend_name() not in {"postgresql", "sqlite"}:
            raise BadInputError("A site moves to PostgreSQL or SQLite only.")
        target = open_other(url, SECONDS)
    except ModuleNotFoundError as error:
        raise BadInputError(
            f"The address needs the driver {error.name}; for postgresql+psycopg: "
            "pip install '.[postgresql]'."
        ) from None
    except (ArgumentError, ImportError, ValueError):
        raise BadInputError("The address of the new database cannot be used.") from None
    if target.dialect.name == "sqlite" and file_of(target) is None:
        raise BadInputError("What is in memory only is no database to move to.")
    return target


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that holds the tables as well, and during which SQLite takes no other."""
    if engine.dialect.name == "sqlite":
        with reserve(engine) as connection, transaction(connection):
            yield connection
    else:
        with engine.begin() as connection:
            yield connection


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise BadInputError(f"Nothing was moved: {reason(error)}.") from None
    except (TypeError, ValueError):  # No column of the old database could be read as what it is.
        raise BadInputError(
            "Nothing was moved: a row holds what is never written; run 'flask consent verify'."
        ) from None


def _moved(source: Connection, target: Connection) -> tuple[Count, int]:
    """Copy everything and check it; return what it is, and how many sessions."""
    counting = {table.name: select(func.count()).select_from(table) for table in TABLES}
    lengths = {name: source.scalar(query) or 0 for name, query in counting.items()}
    with progress(sum(lengths.values()), "Moving") as bar:
        for table in TABLES:
            if table.name == OPEN:
                # The new database has listed each record as open: the list is that of the old one.
                target.execute(delete(table))
            rows = source.execute(select(table).execution_options(yield_per=ROWS_AT_ONCE))
            for batch in rows.mappings().partitions():
                target.execute(insert(table), [dict(row) for row in batch])
                bar.update(len(batch))
    with progress(lengths[ConsentRecord.__tablename__], "Verifying") as bar:
        count = verify_log(_last_head(source), bar.update, target)
    return count, lengths[StoredSession.__tablename__]


def _last_head(connection: Connection) -> dict[int, str]:
    """Return the head by which it shows that the end of the log has come along."""
    last = select(ConsentSeal.number, ConsentSeal.head).order_by(ConsentSeal.number.desc())
    row = connection.execute(last.limit(1)).one_or_none()
    return {row.number: row.head} if row else {}
