"""SQLite as this site uses it: durable, patient, and sure that its file is still there.

A file that is deleted goes on for whoever has it open, and what they write is lost with them. So
before each use the path is compared with what was opened, and nothing but the start and an upgrade
makes a file: a command of the operator that finds none says so. A file that lacks pages was cut
off. One that has become shorter and lacks none was packed or put back by somebody: it is read once
whether it is whole.
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
WATCH = "watch over the file"
NEVER = 2**62  # longer than a file can be: it is read whole before it is used again
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
    watch = _Watch(file)

    @event.listens_for(engine, "do_connect")
    def open_existing(_d: object, _e: object, cargs: list[Any], cparams: dict[str, Any]) -> None:
        cargs[:] = [f"file:{quote(str(file))}?mode=rw"]
        cparams["uri"] = True

    @event.listens_for(engine, "connect")
    def admit(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        watch.admit(connection, entry.info)

    @event.listens_for(engine, "checkout")
    def compare(
        _connection: sqlite3.Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if not watch.has(entry.info):
            raise DisconnectionError("the file is gone, or is another one")


def is_still_there(connection: Connection) -> bool:
    """Whether a connection that is kept has the file that is there, as long as it ever was."""
    watch: _Watch | None = connection.info.get(WATCH)
    return watch is None or watch.has(connection.info, for_writing=True)


class _Watch:
    """What is known of a file: which one it is, and how long it has been.

    The length stands in a file beside it as well, for other processes and the next start: what is
    missing in the file may stand in the log of writes until that begins anew, so that SQLite itself
    sees too late that the file was cut off.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._note = Path(f"{file}-length")
        self._inode = 0
        self._longest = 0

    def admit(self, connection: sqlite3.Connection, info: dict[Any, Any]) -> None:
        """Look at the file that a connection has just opened.

        Raises:
            DatabaseUnavailableError: it was cut off, or has become shorter and is not whole.

        """
        info[WATCH] = self
        info[IDENTITY] = _identities(self._file)
        self._learn()
        length = _length(self._file)
        is_shorter = length < self._longest
        # The log of writes may hold new pages, but what was in the file once is to be there still.
        elsewhere = 0 if is_shorter else _length(Path(f"{self._file}-wal"))
        is_cut_off = length + elsewhere < _bytes_needed(connection)
        if is_cut_off or (is_shorter and not (length and _is_whole(connection))):
            self._keep(NEVER)
            raise DatabaseUnavailableError("the file was cut off")
        self._keep(length)

    def has(self, info: dict[Any, Any], *, for_writing: bool = False) -> bool:
        """Whether a connection still has the files that are there, the log of writes among them.

        SQLite makes that log when it first needs it, and keeps it while somebody has it open.
        """
        opened, now = info[IDENTITY], _identities(self._file)
        if opened[1] is None:
            info[IDENTITY] = opened[0], now[1]
        length = _length(self._file)
        if for_writing or length > self._longest:
            self._learn()
        if length > self._longest:
            self._keep(length)
        return now[0] is not None and now == info[IDENTITY] and length >= self._longest

    def _learn(self) -> None:
        """Take over what other processes saw."""
        identity = _identity(str(self._file))
        inode = identity[1] if identity else 0
        if inode != self._inode:
            self._inode, self._longest = inode, 0
        with suppress(OSError, ValueError):
            noted, longest = map(int, self._note.read_text("ascii").split())
            if noted == inode:
                self._longest = max(self._longest, longest)

    def _keep(self, length: int) -> None:
        """Know a length from now on, and tell it in one write of always the same size."""
        if length == self._longest:
            return
        self._longest = length
        with suppress(OSError):  # On a full disk, say; then this process knows it alone.
            descriptor = os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.write(descriptor, f"{self._inode:20} {length:20}\n".encode("ascii"))
            os.close(descriptor)


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
