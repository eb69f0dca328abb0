"""Processes that write to one SQLite file take turns by locks beside it.

SQLite lets a process that finds the file locked sleep and try again, so that chance decides who is
next, and somebody waits for seconds. Here whoever waits holds a second lock, the place behind the
one at work, and nobody overtakes them. The system frees the locks of a process that dies.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from os.path import samestat
from pathlib import Path
from threading import Lock, get_ident
from time import monotonic, sleep
from weakref import WeakValueDictionary, finalize

STEP_SECONDS = 0.0005  # flock knows no limit of time: a limited wait asks again and again


class Turns:
    """The locks stay open between turns. Who has the turn may take it once more."""

    def __init__(self, database: Path) -> None:
        self._next = _LockFile(database.with_name(f"{database.name}-next"))
        self._turn = _LockFile(database.with_name(f"{database.name}-turn"))
        self._within = Lock()  # the system knows processes, and no threads
        self._thread = 0  # which has the turn

    @property
    def were_taken(self) -> bool:
        """Whether anybody ever took one."""
        return self._turn.exists()

    @contextmanager
    def take(self, seconds: float) -> Iterator[None]:
        """Run the body while nobody else does, in this process or another.

        Raises:
            OSError: the locks cannot be made, or it was nobody's turn here within `seconds`.

        """
        if self._thread == get_ident():
            yield
            return
        until = monotonic() + seconds
        if not self._within.acquire(timeout=seconds):
            raise TimeoutError("another thread writes for too long")
        try:
            with ExitStack() as held:
                with self._next.locked(until):
                    held.enter_context(self._turn.locked(until))
                self._thread = get_ident()
                yield
        finally:
            self._thread = 0
            self._within.release()


_turns = WeakValueDictionary[Path, Turns]()


def turns_of(database: Path) -> Turns:
    """Return the one that all in this process share who take turns at this file."""
    return _turns.setdefault(database, Turns(database))


class _LockFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._close: finalize[..., _LockFile] | None = None  # also when this is forgotten
        self._descriptor = -1

    def exists(self) -> bool:
        return self._path.exists()

    @contextmanager
    def locked(self, until: float) -> Iterator[None]:
        self._open()
        _lock(self._descriptor, until)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _open(self) -> None:
        """Open the file, unless the one that is open is the one that is there."""
        with suppress(FileNotFoundError):
            if self._close and samestat(os.fstat(self._descriptor), self._path.stat()):
                return
        if self._close:
            self._close()
            self._close = None  # Its number is another file's by now, or nobody's.
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._close = finalize(self, os.close, self._descriptor)


def _lock(descriptor: int, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                raise TimeoutError("another process writes for too long") from None
            sleep(STEP_SECONDS)
        else:
            return
