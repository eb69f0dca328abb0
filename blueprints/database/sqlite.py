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
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, StaticPool, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from blueprints.database.errors import DatabaseUnavailableError

# What is noted of a connection; the last is how the file looked when it was whole.
FILE, IDENTITY, WHOLE = "file", "identity of the files", "look of the whole file"
CUT_OFF = "-cut-off"  # the end of the name of the mark beside a file
LOOKS = 20
SECONDS_BETWEEN_LOOKS = 0.01


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
            _mark(file).unlink(missing_ok=True)  # It was of another one.


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
            "cache_size = -512",  # KiB of each connection; the system keeps the pages for all
        ):
            connection.execute(f"PRAGMA {pragma}")


def _watch(engine: Engine, file: Path) -> None:
    """Open the file only where there is one, and let go of connections to one that is gone."""

    @event.listens_for(engine, "do_connect")
    def open_existing(_d: object, _e: object, cargs: list[Any], cparams: dict[str, Any]) -> None:
        cargs[:] = [f"file:{quote(str(file))}?mode=rw"]
        cparams["uri"] = True

    @event.listens_for(engine, "connect")
    def remember(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        entry.info[FILE] = str(file)
        entry.info[IDENTITY] = _identity(_look(str(file))), _identity(_look(f"{file}-wal"))
        _require_whole(file, connection)

    @event.listens_for(engine, "checkout")
    def compare(
        _connection: sqlite3.Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        if not _is_there(entry.info):
            raise DisconnectionError("the file is gone, or is another one")


def is_still_there(connection: Connection) -> bool:
    return FILE not in connection.info or _is_there(connection.info)


def _is_there(info: dict[Any, Any]) -> bool:
    """Whether a connection still has the files that are there, the log of writes among them.

    SQLite makes that log when it first needs it, and keeps it for as long as somebody has it open.
    """
    file, opened = info[FILE], info[IDENTITY]
    found, log = _look(file), _look(f"{file}-wal")
    if opened[1] is None:
        opened = info[IDENTITY] = opened[0], _identity(log)
    if found is None or (_identity(found), _identity(log)) != opened:
        return False
    if not found.st_size:
        _set(_mark(Path(file)))  # When the log of writes is gone too, it would look like a new one.
    return found.st_size > 0


def _look(file: str) -> os.stat_result | None:
    try:
        return os.stat(file)  # noqa: PTH116 - on each use of the database; pathlib takes longer
    except OSError:
        return None


def _identity(found: os.stat_result | None) -> tuple[int, int] | None:
    return found and (found.st_dev, found.st_ino)


def _require_whole(file: Path, connection: sqlite3.Connection) -> None:
    """See that the file was not cut off.

    SQLite itself sees that too late: what the file lacks may stand in the log of writes, until that
    begins anew. When it is closed, it fills the end of the file and leaves a hole; so a mark beside
    the file keeps it from use until it was read whole.

    Raises:
        DatabaseUnavailableError: it was, and is not mended yet.

    """
    mark = _mark(file)
    if _lacks_pages(file) and not _are_in_the_log(file):
        _set(mark)
        raise DatabaseUnavailableError("the file was cut off, or is no database")
    if mark.exists():
        if not _is_whole(file, connection):
            raise DatabaseUnavailableError("the file was cut off, and is not whole")
        mark.unlink(missing_ok=True)


def _require_whole_still(connection: Connection) -> None:
    """See that the file was not cut off, unless it is as it was when that was seen.

    Raises:
        DatabaseUnavailableError: it was, and is not mended yet.

    """
    info = connection.info
    found = _look(info[FILE])  # before all else: what is done to it meanwhile is seen next time
    looks = found and (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    if looks is None or looks != info.get(WHOLE) or _look(f"{info[FILE]}{CUT_OFF}"):
        info[WHOLE] = None
        _require_whole(Path(info[FILE]), driver(connection))
        info[WHOLE] = looks


def _mark(file: Path) -> Path:
    return Path(f"{file}{CUT_OFF}")


def _set(mark: Path) -> None:
    with suppress(OSError):  # On a disk that takes nothing, say.
        mark.touch(mode=0o600)


def _lacks_pages(file: Path) -> bool:
    """Whether the file is shorter than its own head says, whatever is in the log of writes.

    Somebody else, a shell of the operator perhaps, may be about to make it longer. It is opened by
    SQLite, since whoever else closes it ends the locks of this process.
    """
    if not _length(file):  # It has just been made, unless it was written to before.
        return _mark(file).exists() or Path(f"{file}-wal").exists()
    for _ in range(LOOKS):
        with closing(sqlite3.connect(f"file:{quote(str(file))}?immutable=1", uri=True)) as alone:
            try:
                alone.execute("PRAGMA page_count").fetchone()
            except sqlite3.DatabaseError:
                sleep(SECONDS_BETWEEN_LOOKS)
            else:
                return False
    return True


def _are_in_the_log(file: Path) -> bool:
    """Whether the log of writes has what the file lacks, and is still to move it there.

    It moves the head first, and may take long, or stop where the disk is full. This reads all that
    a connection sees which has read nothing yet. Where that is whole, what is left is moved.
    """
    if not _length(file):  # SQLite would delete the log of an empty file.
        return False
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)) as afresh:
        try:
            found = afresh.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.DatabaseError:
            return False
        if found == [("ok",)]:
            with suppress(sqlite3.DatabaseError):  # The disk may still be full.
                afresh.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return found == [("ok",)]


def _is_whole(file: Path, connection: sqlite3.Connection) -> bool:
    """Read all of the file, once nothing that belongs there is in the log of writes alone."""
    try:
        for _ in range(LOOKS):
            query = "PRAGMA wal_checkpoint(PASSIVE)"
            is_busy, written, moved = connection.execute(query).fetchone()
            if not is_busy and written == moved:
                break
            sleep(SECONDS_BETWEEN_LOOKS)
        else:
            return False
        found = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError:
        return False
    return found == [("ok",)] and not _lacks_pages(file)


def _length(file: Path) -> int:
    return found.st_size if (found := _look(str(file))) else 0


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
