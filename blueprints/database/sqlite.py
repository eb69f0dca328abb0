"""SQLite as this site uses it: durable, patient, and sure that its file is still there.

A file that is deleted goes on for whoever has it open, and what they write is lost with them. So
before each change, and for what only reads fifty times a second, the path is compared with what was
opened, and nothing but the start and an upgrade makes a file: a command of the operator that finds
none says so. Before each change the file is to be as long as its head says: into one that was cut
off nothing is written. That it was so is known for as long as nothing has touched the file, which
is rare: changes go to the log of writes.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import Connection, Dialect, Engine, StaticPool, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from blueprints.database.open_files import OpenFiles, TrackedConnection
from blueprints.database.whole_file import CUT_OFF, look, mark_of, require_whole

# What is noted of a connection: the files that it has open, and how its file looked when whole.
FILES, WHOLE = "files", "look of the whole file"


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
    pragmas = (
        f"busy_timeout = {seconds * 1000:.0f}",
        "journal_mode = WAL",  # readers and a writer do not block each other
        "synchronous = FULL",  # a committed consent survives a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is overwritten, not only unlinked
        "cache_size = -512",  # KiB of each connection; the system keeps the pages for all
        "schema_version",  # To read it opens what SQLite has beside the file.
    )

    def set_up(connection: sqlite3.Connection, _entry: object = None) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    if file := file_of(engine):
        _watch(engine, OpenFiles(file, seconds), set_up)
    else:
        event.listen(engine, "connect", set_up)


def _watch(engine: Engine, files: OpenFiles, set_up: Callable[[sqlite3.Connection], None]) -> None:
    """Open the file only where there is one, use only what is whole, let go of what is gone."""
    file = Path(files.name)

    def look_at_it_and_set_up(connection: sqlite3.Connection) -> None:
        require_whole(file, connection)
        set_up(connection)

    @event.listens_for(engine, "do_connect")
    def open_existing(
        dialect: Dialect, entry: ConnectionPoolEntry, _args: list[Any], options: dict[str, Any]
    ) -> TrackedConnection:
        address = f"file:{quote(files.name)}?mode=rw"
        of_ours: dict[str, Any] = {**options, "uri": True, "factory": TrackedConnection}
        connect = partial(dialect.connect, address, **of_ours)
        try:
            connection = files.admit(cast("Any", connect), look_at_it_and_set_up)
        except Exception:
            if files.are_lost:
                engine.dispose()
            raise
        entry.info[FILES] = files
        return connection

    @event.listens_for(engine, "checkout")
    def compare(
        _connection: sqlite3.Connection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if not files.are_there():
            raise DisconnectionError("the file is gone, or is another one")

    @event.listens_for(engine, "checkin")
    def let_go(_connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        if files.are_lost:  # The pool which it came from may be gone by now, and would keep it.
            entry.invalidate()


def is_still_there(connection: Connection, *, lately: bool = False) -> bool:
    files: OpenFiles | None = connection.info.get(FILES)
    return files is None or files.are_there(lately=lately)


def give_up(connection: Connection) -> None:
    """Let nobody in this process go on with what they have open of the file."""
    files: OpenFiles | None = connection.info.get(FILES)
    if files:
        files.lose()


def _require_whole_still(connection: Connection) -> None:
    """See that the file was not cut off, unless it is as it was when that was seen.

    Raises:
        DatabaseUnavailableError: it was, and is not mended yet.

    """
    info, name = connection.info, connection.info[FILES].name
    found = look(name)  # before all else: what is done to it meanwhile is seen next time
    looks = found and (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if looks is None or looks != info.get(WHOLE) or look(f"{name}{CUT_OFF}"):
        info[WHOLE] = None
        require_whole(Path(name), driver(connection))
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
    if FILES in connection.info:
        _require_whole_still(connection)
    with connection.begin():
        driver(connection).execute("BEGIN IMMEDIATE")
        yield


def driver(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("this is no connection to SQLite")
    return raw
