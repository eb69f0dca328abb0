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
from time import monotonic, sleep
from weakref import finalize

STEP_SECONDS = 0.0005  # flock knows no limit of time: a limited wait asks again and again


class Turns:
    """The locks stay open between turns; `take` is for one thread of a process at a time."""

    def __init__(self, database: Path, seconds: float) -> None:
        self._next = _LockFile(database.with_name(f"{database.name}-next"))
        self._turn = _LockFile(database.with_name(f"{database.name}-turn"))
        self._seconds = seconds

    @contextmanager
    def take(self) -> Iterator[None]:
        """Run the body while no other process does.

        Raises:
            OSError: the locks cannot be made, or it was not this process's turn in time.

        """
        until = monotonic() + self._seconds
        with ExitStack() as held:
            with self._next.locked(until):
                held.enter_context(self._turn.locked(until))
            yield


class _LockFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._close: finalize[..., _LockFile] | None = None  # also when this is forgotten
        self._descriptor = -1

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
