"""SQLite as this site uses it: durable, patient, and sure that its file is still there.

A file that is deleted goes on for whoever has it open, and what they write is lost with them. So
before each use the path is compared with what was opened, and nothing but the start and an upgrade
makes a file: a command of the operator that finds none says so. A file that lacks pages was cut
off. One that has become shorter and lacks none was packed by somebody: it is read once whether it
is whole.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, StaticPool, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from blueprints.database.errors import DatabaseUnavailableError

IDENTITY = "identity of the files"
LENGTH = "length of the file"
Identity = tuple[int, int]


def file_of(engine: Engine) -> Path | None:
    """Return the file of the database; None where it is in memory or has a `file:` address."""
    name = engine.url.database
    return None if not name or name.startswith((":memory:", "file:")) else Path(name)


def make_file(engine: Engine) -> None:
    """Make the file of the database where there is none: for the start, and for an upgrade."""
    file = file_of(engine) if engine.dialect.name == "sqlite" else None
    if file:
        with suppress(OSError):  # What is wrong is said when it is opened.
            file.touch(mode=0o600)


def prepare(engine: Engine, seconds: float) -> None:
    """Set each connection up as it opens; it waits `seconds` for another process that writes."""
    if file := file_of(engine):
        _watch(engine, file)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        for pragma in (
            f"busy_timeout = {seconds * 1000:.0f}",
            "journal_mode = WAL",  # readers and a writer do not block each other
            "synchronous = FULL",  # a committed consent survives a power cut
            "foreign_keys = ON",
            "secure_delete = ON",  # what is erased is overwritten, not only unlinked
        ):
            connection.execute(f"PRAGMA {pragma}")


def _watch(engine: Engine, file: Path) -> None:
    """Open the file only where there is one, and let go of connections to one that is gone."""

    @event.listens_for(engine, "do_connect")
    def open_existing(_d: object, _e: object, cargs: list[Any], cparams: dict[str, Any]) -> None:
        cargs[:] = [f"file:{quote(str(file))}?mode=rw"]
        cparams["uri"] = True

    last: tuple[Identity | None, int] = None, 0

    @event.listens_for(engine, "connect")
    def remember(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        nonlocal last
        identity, _ = entry.info[IDENTITY] = _identities(file)
        length = entry.info[LENGTH] = _length(file)
        is_shorter = identity == last[0] and length < last[1]
        # The log of writes may hold new pages, but what was in the file once is to be there still.
        elsewhere = 0 if is_shorter else _length(Path(f"{file}-wal"))
        is_cut_off = length + elsewhere < _bytes_needed(connection)
        if is_cut_off or (is_shorter and not (length and _is_whole(connection))):
            raise DatabaseUnavailableError("the file was cut off")
        last = identity, length

    @event.listens_for(engine, "checkout")
    def compare(
        _connection: sqlite3.Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if not _is_there(file, entry.info):
            raise DisconnectionError("the file is gone, or is another one")


def is_still_there(connection: Connection) -> bool:
    file = file_of(connection.engine)
    return file is None or _is_there(file, connection.info)


def _is_there(file: Path, info: dict[Any, Any]) -> bool:
    """Whether a connection still has the files that are there, the log of writes among them.

    SQLite makes that log when it first needs it, and keeps it for as long as somebody has it open.
    """
    opened, now = info[IDENTITY], _identities(file)
    if opened[1] is None:
        info[IDENTITY] = opened[0], now[1]
    length = _length(file)
    is_cut_off = length < info[LENGTH]
    info[LENGTH] = length
    return now[0] is not None and now == info[IDENTITY] and not is_cut_off


def _identities(file: Path) -> tuple[Identity | None, Identity | None]:
    return _identity(str(file)), _identity(f"{file}-wal")


def _identity(file: str) -> Identity | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - on each use of the database; pathlib takes longer
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _bytes_needed(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages * size)


def _is_whole(connection: sqlite3.Connection) -> bool:
    try:
        return connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def _length(file: Path) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116 - as above
    except OSError:
        return 0


def reserve(engine: Engine) -> Connection:
    """Open a connection outside of the pool, for `transaction`."""
    connection = engine.connect()
    if not isinstance(engine.pool, StaticPool):  # What is in memory has this one connection.
        connection.detach()
    driver(connection).isolation_level = None
    return connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Run the body in a transaction that holds from its first statement, whatever that is.

    The driver by itself begins one before the first change of a row only, so that a change of the
    tables would be committed at once and never undone.
    """
    with connection.begin():
        driver(connection).execute("BEGIN IMMEDIATE")
        yield


def driver(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("this is no connection to SQLite")
    return raw
