"""The files of an SQLite database, as far as the connections of this process have them open.

SQLite opens the index of the log of writes once for a process, and keeps it, also when it was
deleted, until the last connection is closed: each new one joins it, whatever stands at its path.
Two indexes of one log would each have places for what is next, and who goes by the one writes over
what is told by the other. So what the first connection opened counts for all, and while something
else is at one of the paths nobody joins them. Nor does the last that is closed clear up after all,
as it would: it would move into the file what its index tells of, and delete the log.
"""

import fcntl
import logging
import os
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from os.path import samestat
from pathlib import Path
from threading import Lock
from time import monotonic
from weakref import WeakSet, finalize

from blueprints.database.errors import DatabaseUnavailableError
from blueprints.database.turns import turns_of
from blueprints.database.whole_file import look, mark_as_cut_off

LATELY_SECONDS = 0.02
TURN_SECONDS = 0.25  # so long the first connection waits for whoever writes
Identity = tuple[int, int] | None  # the device and the number on it; None where there is no file

# The bytes of the file which everybody locks who has it open: see "File Locking" of SQLite. Whoever
# clears up locks them for themselves; this is a lock that one process can have against itself.
READ_LOCK = struct.pack("@hhqqi0q", fcntl.F_RDLCK, os.SEEK_SET, 0x40000002, 510, 0)

logger = logging.getLogger(__name__)


class TrackedConnection(sqlite3.Connection):
    """Known to be open until it is closed, or forgotten by whoever had it."""

    files: "OpenFiles | None" = None

    def close(self) -> None:
        super().close()
        if self.files:
            self.files.forget(self)


class OpenFiles:
    def __init__(self, file: Path, seconds: float) -> None:
        self.name = str(file)
        self.are_lost = False  # something else was found at a path: nobody goes on with these
        self._lost = Lock()
        self._turns, self._seconds = turns_of(file), seconds
        self._lock = Lock()
        self._open = WeakSet[TrackedConnection]()
        self._identities: list[Identity] = [None, None, None]
        self._is_told = False
        self._seen_until = 0.0  # on the monotonic clock
        self._log = _Held()  # open, so that no other file is given its number
        self._locked = _Held()  # the file, while its files are lost

    def forget(self, connection: TrackedConnection) -> None:
        self._open.discard(connection)

    def admit(
        self, connect: Callable[[], TrackedConnection], set_up: Callable[[TrackedConnection], None]
    ) -> TrackedConnection:
        """Open a connection and set it up, which makes it read; it is closed where that fails.

        The first of a process reads the whole log to make the index anew, if that is gone. It does
        so when no other process writes, who might still go by the index that was deleted.

        Raises:
            DatabaseUnavailableError: other files are at the paths than those that are open.

        """
        while True:
            with self._alone(takes_turn=(takes_turn := not self._open)):
                # Where the others were closed meanwhile, it is the first, and takes its turn.
                is_first = not self._open
                if takes_turn or not is_first:
                    return self._open_one(connect, set_up, is_first=is_first)

    @contextmanager
    def _alone(self, *, takes_turn: bool) -> Iterator[None]:
        with ExitStack() as held:
            if takes_turn and self._turns.were_taken:
                try:
                    held.enter_context(self._turns.take(min(self._seconds, TURN_SECONDS)))
                except TimeoutError:
                    # Who is at it for long, or hangs, has the index open that is there.
                    if not look(f"{self.name}-shm"):
                        raise DatabaseUnavailableError("another process writes") from None
                except OSError:  # Whoever cannot take turns writes nothing, but may read.
                    pass
            if not self._lock.acquire(timeout=self._seconds):
                raise DatabaseUnavailableError("another connection takes too long to open")
            held.callback(self._lock.release)
            yield

    def _open_one(
        self,
        connect: Callable[[], TrackedConnection],
        set_up: Callable[[TrackedConnection], None],
        *,
        is_first: bool,
    ) -> TrackedConnection:
        if is_first:
            self._locked.close()  # It ends the locks of each other that this process has on it.
            self._require_its_own_log()
        else:
            self._require_the_same()
        connection = connect()
        connection.files = self
        self._open.add(connection)
        try:
            set_up(connection)
            if is_first:
                self._note()
            self._require_the_same()
        except BaseException:
            connection.close()
            raise
        return connection

    def _require_the_same(self) -> None:
        file, log, index = found = self._found(look(self.name))
        if self.are_lost or found != self._identities or not file or (log and not index):
            self.lose()
            raise DatabaseUnavailableError("the file, its log or the index of that is another")

    def _require_its_own_log(self) -> None:
        """See that no other file stands where the log of writes belongs to the one before.

        SQLite would write what is in the log over it.
        """
        file, log = look(self.name), look(f"{self.name}-wal")
        before = self._identities[0]
        is_another = file and before and _identity(file) != before
        if is_another and log and self._log.is_at(log):
            if not self._is_told:
                logger.error(
                    "%s is another file than before, and the log of writes beside it is not its "
                    "own: remove %s-wal and %s-shm.",
                    *[self.name] * 3,
                )
            self._is_told = True
            raise DatabaseUnavailableError("the log of writes is that of another file")

    def _note(self) -> None:
        self._identities = self._found(look(self.name))
        self.are_lost = self._is_told = False
        self._log.open(f"{self.name}-wal")

    def lose(self) -> None:
        """Let nobody go on with what is open, until all of it is closed."""
        with self._lost:
            self.are_lost = True
            found = look(self.name)
            # Beside another file, or none, nothing is cleared up.
            if not self._locked.is_open and found and _identity(found) == self._identities[0]:
                self._locked.open(self.name)
                self._locked.lock()

    def are_there(self, *, lately: bool = False) -> bool:
        """Whether what is open is what is at the paths, and has not been emptied.

        Or was so `lately`, which is enough for what only reads.
        """
        now = monotonic()
        if lately and now < self._seen_until and not self.are_lost:
            return True
        self._seen_until = 0.0
        found = look(self.name)
        if self.are_lost or found is None or self._found(found) != self._identities:
            self.lose()
            return False
        if not found.st_size:
            # When the log of writes is gone too, it would look like new.
            mark_as_cut_off(Path(self.name))
            return False
        self._seen_until = now + LATELY_SECONDS
        return True

    def _found(self, file: os.stat_result | None) -> list[Identity]:
        """Return which files these are: the database, its log of writes, and the index of that."""
        looks = (file, look(f"{self.name}-wal"), look(f"{self.name}-shm"))
        return [each and _identity(each) for each in looks]


class _Held:
    """A file that is held open, or none."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._close: finalize[..., _Held] | None = None  # also when this is forgotten

    def open(self, name: str) -> None:
        self.close()
        with suppress(OSError):
            self._descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            self._close = finalize(self, os.close, self._descriptor)

    @property
    def is_open(self) -> bool:
        return self._descriptor is not None

    def close(self) -> None:
        if self._close:
            self._close()
        self._descriptor = self._close = None

    def is_at(self, found: os.stat_result) -> bool:
        return self._descriptor is not None and samestat(os.fstat(self._descriptor), found)

    def lock(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError, AttributeError):  # Systems other than Linux may not have it.
                fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, READ_LOCK)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
