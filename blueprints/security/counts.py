"""Counts of what each client did within the running minute, shared by the workers of a site.

They live in Redis where it is set, else in `instance/limits.db`. Both are a few lines of our own,
because the usual library for it has no store that the processes of one machine share without a
server. A store that fails is left alone for two seconds, in which each process counts for itself:
nobody waits for longer than a second, and nothing goes uncounted.

The minute is part of what is counted, so that a clock that jumps begins a new count and locks
nobody out. What is counted is no more than a hash, and it is deleted when the next minute's first
one arrives.
"""

import logging
import sqlite3
import threading
import time
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from blinker import signal

WINDOW_SECONDS = 60
PAUSE_SECONDS = 2
REDIS_TIMEOUT_SECONDS = 1
CROWD_TIMEOUT_SECONDS = 1  # for the turn among threads
FILE_TIMEOUT_SECONDS = 0.5  # and among processes
FILE_PAGES_AT_MOST = 4096  # 16 MB, for some 300,000 clients a minute
CLIENTS_IN_MEMORY_AT_MOST = 100_000

store_failed = signal("store_failed")  # the same as in the database room

SET_UP = """
PRAGMA synchronous = OFF; -- A count that a power cut forgets is no loss.
PRAGMA journal_mode = MEMORY;
PRAGMA secure_delete = ON;
PRAGMA max_page_count = {pages};
CREATE TABLE IF NOT EXISTS counts (
    client BLOB PRIMARY KEY, minute INTEGER NOT NULL, count INTEGER NOT NULL
) WITHOUT ROWID;
"""
COUNT_ONCE_MORE = """
INSERT INTO counts VALUES (:client, :minute, 1) ON CONFLICT (client) DO UPDATE
SET count = iif(minute = :minute, count + 1, 1), minute = :minute RETURNING count
"""


class StoreFailedError(Exception):
    """The store cannot be used now, so that nobody knows how often a client was counted."""


class InRedis:
    def __init__(self, url: str) -> None:
        """Raise ImportError where the extra is missing, TypeError or ValueError for an option."""
        driver = self._driver = import_module("redis")
        self._redis = driver.Redis.from_url(
            url,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            retry=driver.retry.Retry(driver.backoff.NoBackoff(), 0),
        )
        try:
            self._redis.connection_pool.make_connection()  # An unknown option shows only here.
        except self._driver.RedisError as error:
            raise ValueError(error) from None

    def add(self, client: bytes, minute: int) -> int:
        key = f"count:{minute}:{client.hex()}"
        try:
            with self._redis.pipeline() as both:
                both.incr(key)
                both.expire(key, WINDOW_SECONDS)
                count, _ = both.execute()
        except self._driver.RedisError as error:
            raise StoreFailedError(f"Redis: {type(error).__name__}") from error
        return int(count)


class InFile:
    """One small SQLite file, kept open, which may vanish or be spoilt: then it is made anew.

    Who waits for their turn while it fails for somebody else does not ask it once more: so nobody
    waits for one failure after the other, and a crowd may take its time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()  # threads wait here; SQLite's own waiting is polling
        self._database: sqlite3.Connection | None = None
        self._number = 0  # of the file that is open, as the system has it
        self._minute = 0
        self._failures = 0

    def add(self, client: bytes, minute: int) -> int:
        failures = self._failures
        if not self._turn.acquire(timeout=CROWD_TIMEOUT_SECONDS):
            raise StoreFailedError(f"{self._path.name}: too many wait for it")
        try:
            if failures != self._failures:
                raise StoreFailedError(f"{self._path.name}: it has just failed")
            return self._add(client, minute)
        except (OSError, sqlite3.DatabaseError) as error:
            self._failures += 1
            self._close()
            if not isinstance(error, OSError | sqlite3.OperationalError):
                with suppress(OSError):  # It is spoilt, and holds nothing worth a repair.
                    self._path.unlink()
            raise StoreFailedError(f"{self._path.name}: {error}") from error
        finally:
            self._turn.release()

    def _add(self, client: bytes, minute: int) -> int:
        database = self._opened()
        if minute != self._minute:
            database.execute("DELETE FROM counts WHERE minute <> ?", (minute,))
            self._minute = minute
        row = {"client": client, "minute": minute}
        ((count,),) = database.execute(COUNT_ONCE_MORE, row).fetchall()
        return int(count)

    def _close(self) -> None:
        database, self._database = self._database, None
        if database:
            database.close()

    def _opened(self) -> sqlite3.Connection:
        """Return the connection, to the file that is there now."""
        with suppress(FileNotFoundError):
            if self._database and self._path.stat().st_ino == self._number:
                return self._database
        self._close()
        self._path.touch(mode=0o600)
        # Whoever has their turn uses it, whatever their thread.
        self._database = database = sqlite3.connect(
            self._path, FILE_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._number, self._minute = self._path.stat().st_ino, 0
        database.executescript(SET_UP.format(pages=FILE_PAGES_AT_MOST))
        return database


class InMemory:
    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._minute = 0
        self._counts: Counter[bytes] = Counter()

    def add(self, client: bytes, minute: int) -> int:
        with self._turn:
            if minute != self._minute or len(self._counts) >= CLIENTS_IN_MEMORY_AT_MOST:
                self._counts.clear()
                self._minute = minute
            self._counts[client] += 1
            return self._counts[client]


class Counts:
    def __init__(self, store: InRedis | InFile, logger: logging.Logger) -> None:
        self._store = store
        self._spare = InMemory()
        self._logger = logger
        self._ask_again_at = 0.0  # on the monotonic clock; 0 while all is well

    def add(self, client: bytes) -> int:
        """Count once more, and return how often the client was counted within this minute."""
        minute = int(time.time() // WINDOW_SECONDS)
        if time.monotonic() >= self._ask_again_at:
            try:
                count = self._store.add(client, minute)
            except StoreFailedError as error:
                store_failed.send("The limits")
                if not self._ask_again_at:
                    self._logger.error("Each process counts for itself: %s", error)
                self._ask_again_at = time.monotonic() + PAUSE_SECONDS
            else:
                self._ask_again_at = 0.0
                return count
        return self._spare.add(client, minute)
