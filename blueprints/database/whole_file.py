"""Whether the file of an SQLite database was cut off.

SQLite itself sees that too late: what the file lacks may stand in the log of writes, until that
begins anew. When it is closed, it fills the end of the file and leaves a hole; so a mark beside the
file keeps it from use until it was read whole.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from time import sleep
from urllib.parse import quote

from blueprints.database.errors import DatabaseUnavailableError

CUT_OFF = "-cut-off"  # the end of the name of the mark beside a file
LOOKS = 20
SECONDS_BETWEEN_LOOKS = 0.01


def look(file: str) -> os.stat_result | None:
    try:
        return os.stat(file)  # noqa: PTH116 - on each use of the database; pathlib takes longer
    except OSError:
        return None


def require_whole(file: Path, connection: sqlite3.Connection) -> None:
    """See that the file was not cut off.

    Raises:
        DatabaseUnavailableError: it was, and is not mended yet.

    """
    if _lacks_pages(file) and not _are_in_the_log(file):
        mark_as_cut_off(file)
        raise DatabaseUnavailableError("the file was cut off, or is no database")
    if mark_of(file).exists():
        if not _is_whole(file, connection):
            raise DatabaseUnavailableError("the file was cut off, and is not whole")
        mark_of(file).unlink(missing_ok=True)


def mark_of(file: Path) -> Path:
    return Path(f"{file}{CUT_OFF}")


def mark_as_cut_off(file: Path) -> None:
    with suppress(OSError):  # On a disk that takes nothing, say.
        mark_of(file).touch(mode=0o600)


def _lacks_pages(file: Path) -> bool:
    """Whether the file is shorter than its own head says, whatever is in the log of writes.

    Somebody else, a shell of the operator perhaps, may be about to make it longer. It is opened by
    SQLite, since whoever else closes it ends the locks of this process.
    """
    if not _length(file):  # It has just been made, unless it was written to before.
        return mark_of(file).exists() or Path(f"{file}-wal").exists()
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
    found = look(str(file))
    return found.st_size if found else 0
