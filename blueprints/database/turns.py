"""Processes that write to one SQLite file take turns by locks beside it.

SQLite lets a process that finds the file locked sleep and try again, so that chance decides who is
next, and somebody waits for seconds. Here whoever waits holds a second lock, the place behind the
one at work, and nobody overtakes them. The system frees the locks of a process that dies.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

STEP_SECONDS = 0.0005  # flock knows no limit of time: a limited wait asks again and again


class Turns:
    def __init__(self, database: Path, seconds: float) -> None:
        self._next = database.with_name(f"{database.name}-next")
        self._turn = database.with_name(f"{database.name}-turn")
        self._seconds = seconds

    @contextmanager
    def take(self) -> Iterator[None]:
        """Run the body while no other process does.

        Raises:
            OSError: the locks cannot be made, or it was not this process's turn in time.

        """
        until = monotonic() + self._seconds
        with _open(self._turn) as turn:
            with _open(self._next) as place:
                _lock(place, until)
                _lock(turn, until)
            yield


@contextmanager
def _open(path: Path) -> Iterator[int]:
    """Open a lock file; closing it frees the lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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
