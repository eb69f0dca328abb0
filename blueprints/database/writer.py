"""The one writer of a process on SQLite: what waits together is committed together.

SQLite has one writer at a time, and what costs is the commit, which waits for the disk. So whoever
comes while nobody writes leads: they wait for the turn of this process, write for everybody who has
come meanwhile, as far as a visitor would wait, commit once, and hand on to the others. No thread of
its own is needed.
"""

from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import copy_context
from functools import partial
from threading import Event, Lock
from time import monotonic
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import TimeoutError  # noqa: A004 - as when a pool has no connection

from blueprints.database.errors import DatabaseUnavailableError, means_down
from blueprints.database.sqlite import (
    driver,
    file_of,
    give_up,
    is_still_there,
    reserve,
    transaction,
)
from blueprints.database.turns import turns_of

T = TypeVar("T")

READ_ONLY = "readonly database"  # as SQLite says it
JOBS_AT_ONCE = 100  # what one commit holds at most


class _Job(Generic[T]):
    """What a caller wants written, and how it went; whoever does it does it as the caller.

    So the work reads its own request and not that of the thread which runs it, if that has one.
    """

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self._work, self._context = work, copy_context()
        self._result: T
        self.error: Exception | None = DatabaseUnavailableError("nobody wrote it")
        self.leads = False
        self.woken = Event()  # it is done, or it leads

    def run(self, connection: Connection) -> None:
        self._result = self._context.run(self._work, connection)
        self.error = None

    def outcome(self) -> T:
        if self.error:
            raise self.error
        return self._result


class Writer:
    def __init__(self, engine: Engine, seconds: float) -> None:
        self._engine = engine
        self._seconds = seconds
        file = file_of(engine)
        self._turn = partial(turns_of(file).take, seconds) if file else nullcontext
        self._connection: Connection | None = None
        self._lock = Lock()
        self._queue: deque[_Job[Any]] = deque()
        self._has_leader = False
        event.listen(engine, "engine_disposed", self._let_go)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction, perhaps in another thread, and return when it is committed.

        What `work` raises undoes its own changes alone, and is raised here.

        Raises:
            Exception: the database did not take it, or not in time; nothing of it is written.

        """
        job = _Job(work)
        with self._lock:
            self._queue.append(job)
            job.leads, self._has_leader = not self._has_leader, True
        if not job.leads:
            self._wait(job)
        if job.leads:
            self._lead()
        return job.outcome()

    def _wait(self, job: _Job[Any]) -> None:
        if job.woken.wait(2 * self._seconds):
            return
        with self._lock:
            if job in self._queue and not job.leads:
                self._queue.remove(job)  # Who is told that nothing was written is told the truth.
                raise TimeoutError("the writer has no time")
        job.woken.wait()  # It has begun, and only the commit tells how it ends.

    def _lead(self) -> None:
        batch: list[_Job[Any]] = []
        try:
            with self._turn():
                self._commit(batch)
        except Exception as error:  # noqa: BLE001 - each caller gets it
            if READ_ONLY in str(error) and self._connection:
                # And so it stays for as long as anybody here has it open.
                give_up(self._connection)
                self._engine.dispose()
            self._close()
            batch = batch or self._take(len(self._queue))
            for job in batch:
                job.error = DatabaseUnavailableError(type(error).__name__)
                job.error.__cause__ = error
        finally:
            self._hand_on(batch)

    def _commit(self, batch: list[_Job[Any]]) -> None:
        """Write what waits by now; the list is filled as soon as that is known."""
        connection = self._open()
        raw = driver(connection)
        with transaction(connection):
            batch += self._take(JOBS_AT_ONCE)
            until = monotonic() + self._seconds
            for place, job in enumerate(batch):
                if place and monotonic() > until:
                    # What is done counts now; the rest waits for a turn of its own, or gives up.
                    self._give_back(batch, place)
                    break
                raw.execute("SAVEPOINT job")
                try:
                    job.run(connection)
                except Exception as error:
                    job.error = error
                    if not raw.in_transaction or means_down(error):
                        raise  # A full disk undoes everything; another failure may stay with us.
                    raw.execute("ROLLBACK TO job")
                raw.execute("RELEASE job")
        # What the commit made longer may be cut off before the next one.
        is_still_there(connection)

    def _take(self, at_most: int) -> list[_Job[Any]]:
        with self._lock:
            return [self._queue.popleft() for _ in range(min(at_most, len(self._queue)))]

    def _give_back(self, batch: list[_Job[Any]], place: int) -> None:
        with self._lock:
            self._queue.extendleft(reversed(batch[place:]))
        del batch[place:]

    def _hand_on(self, batch: list[_Job[Any]]) -> None:
        with self._lock:
            self._has_leader = bool(self._queue)
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].woken.set()
        for job in batch:
            job.woken.set()

    def _open(self) -> Connection:
        """Return the connection that is kept for writing, so that no reader is in its way."""
        if self._connection and not is_still_there(self._connection):
            self._close()
        if self._connection is None:
            self._connection = reserve(self._engine)
        return self._connection

    def _let_go(self, _engine: Engine) -> None:
        """Close the connection with all others, unless somebody writes, who looks by themselves."""
        with self._lock:
            if not self._has_leader:
                self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.close()
