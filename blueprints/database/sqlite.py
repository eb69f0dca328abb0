"""SQLite as this site uses it: durable, patient, and sure that its file is still there.

A file that is deleted goes on for whoever has it open, and what they write is lost with them. So
before each use the path is compared with what was opened, and nothing but the start and an upgrade
makes a file: a command of the operator that finds none says so. Before each change the file is to
be as long as its head says: into one that was cut off nothing is written. That it was so is known
for as long as nothing has touched the file, which is rare: changes go to the log of writes.
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
from blueprints.database.whole_file import CUT_OFF, look, mark_as_cut_off, mark_of, require_whole

# What is noted of a connection; the last is how the file looked when it was whole.
FILE, IDENTITY, WHOLE = "file", "identity of the files", "look of the whole file"


def file_of(engine: Engine) -> Path | None:
    """Return the file of the database; None where it is none, in memory, or a `file:` address."""
    name = engine.url.database if engine.dialect.name == "sqlite" else None
    return None if not name or name.startswith((":memory:", "file:")) else Path(name)


def make_file(engine: Engine) -> None:
    """Make the file of the database where there is none: for the start, and for an upgrade."""
    file = file_of(engine)
    if file and not file.exists():
        with suppress(OSError):  # What is wrong is said when it is opened.
            file.touch(mode=0o600)
            mark_of(file).unlink(missing_ok=True)  # It was of another one.


def prepare(engine: Engine, seconds: float) -> None:
    """Set each connection up as it opens; it waits `seconds` for another process that writes."""
    file = file_of(engine)
    if file:
        _open_what_is_there(engine, file)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        for pragma in (
            f"busy_timeout = {seconds * 1000:.0f}",
            "journal_mode = WAL",  # readers and a writer do not block each other
            "synchronous = FULL",  # a committed consent survives a power cut
            "foreign_keys = ON",
            "secure_delete = ON",  # what is erased is overwritten, not only unlinked
            "cache_size = -512",  # KiB of each connection; the system keeps the pages for all
            "schema_version",  # To read it opens what SQLite has beside the file.
        ):
            connection.execute(f"PRAGMA {pragma}")

    if file:
        _watch(engine, file)


def _open_what_is_there(engine: Engine, file: Path) -> None:
    """Open the file only where there is one, and use it only where it is whole."""

    @event.listens_for(engine, "do_connect")
    def open_existing(_d: object, _e: object, cargs: list[Any], cparams: dict[str, Any]) -> None:
        cargs[:] = [f"file:{quote(str(file))}?mode=rw"]
        cparams["uri"] = True

    @event.listens_for(engine, "connect")
    def look_at_it(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        require_whole(file, connection)


def _watch(engine: Engine, file: Path) -> None:
    """Let go of connections to what is gone: the file, its log of writes, the index of that.

    All connections of a process share the index, also one that was deleted, until the last of them
    is closed. Two indexes of one log would each have places for what is next.
    """

    @event.listens_for(engine, "connect")
    def remember(_connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        entry.info[FILE] = str(file)
        _file, log, index = entry.info[IDENTITY] = _identities(str(file), look(str(file)))
        if log and not index:
            engine.dispose()
            raise DatabaseUnavailableError("the index of its log of writes was deleted")

    @event.listens_for(engine, "checkout")
    def compare(
        _connection: sqlite3.Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if not _is_there(entry.info):
            raise DisconnectionError("the file is gone, or is another one")


def is_still_there(connection: Connection) -> bool:
    return FILE not in connection.info or _is_there(connection.info)


def _is_there(info: dict[Any, Any]) -> bool:
    """Whether a connection still has the files that are there."""
    file = info[FILE]
    found = look(file)
    if found is None or info[IDENTITY] != _identities(file, found):
        return False
    if is_empty := not found.st_size:
        mark_as_cut_off(Path(file))  # When the log of writes is gone too, it would look like new.
    return not is_empty


def _identities(file: str, found: os.stat_result | None) -> list[tuple[int, int] | None]:
    """Return which files these are: the database, its log of writes, and the index of that."""
    looks = (found, look(f"{file}-wal"), look(f"{file}-shm"))
    return [each and (each.st_dev, each.st_ino) for each in looks]


def _require_whole_still(connection: Connection) -> None:
    """See that the file was not cut off, unless it is as it was when that was seen.

    Raises:
        DatabaseUnavailableError: it was, and is not mended yet.

    """
    info = connection.info
    found = look(info[FILE])  # before all else: what is done to it meanwhile is seen next time
    looks = found and (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if looks is None or looks != info.get(WHOLE) or look(f"{info[FILE]}{CUT_OFF}"):
        info[WHOLE] = None
        require_whole(Path(info[FILE]), driver(connection))
        info[WHOLE] = looks


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
    if FILE in connection.info:
        _require_whole_still(connection)
    with connection.begin():
        driver(connection).execute("BEGIN IMMEDIATE")
        yield


def driver(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("this is no connection to SQLite")
    return raw
