"""The store for several machines: Redis, which forgets a session by itself when it is over.

Redis and the database do not commit together. So before the record is committed the session says
what it is to hold, beside what it holds; afterwards it holds that. Wherever this is cut off, the
session is in doubt until the log has been asked: with the record it holds the new, without it the
old, and where that was erased nothing. Whoever finds it in doubt asks; where that cannot be done,
nobody knows what it holds.

What Redis is told may arrive late, and its lock may end before who holds it. So a session is only
ever changed from what was found, and found only while the lock is held: what somebody else has
changed meanwhile stays as it is. A page view waits for no turn: then who has the turn begins again.

A Redis that begins anew may have lost what it was told last. So each session says in which run of
Redis it was stored, and one of another run is in doubt as well; what no record tells of ends.

A subject has one session, and `subject:<number>` names it: who ends it waits in its order as well.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from flask import Flask
from redis import RedisError
from redis import TimeoutError as RedisTimeoutError
from redis.exceptions import LockError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from blueprints.database import Outage, seconds_left, within, write
from blueprints.sessions.redis_server import RedisServer, means_down
from blueprints.sessions.store import (
    EXPIRES_AT,
    Content,
    Store,
    StoreUnavailableError,
    Values,
    Work,
    decode,
    encode,
    subject_of,
)

SECONDS = 1.0  # a reader does not wait longer for a store that is down
SECONDS_TO_ANSWER = 0.9  # and for one answer
SECONDS_TO_CHANGE = 2.0  # and a choice so long, in all
SECONDS_IN_TRANSACTION = 0.5  # less than the database lets a transaction stand still
SECONDS_TO_END = 24 * 60 * 60  # Redis itself forgets within a day what was to end, and was not
TRIES = 3  # to change what a page view changes at the same time
LOCK_SECONDS = 5  # more than all waits within it: a process that died holds up its visitor so long
IN_DOUBT = "in_doubt"  # two sessions, as stored: until now, and once the record is in the log
RUN = "run"  # of Redis, in which a session was stored
NONE = b""  # what is stored where there is no session
# A commit that is under way counts neither as made nor as not: PostgreSQL lets nobody else in until
# it is, however long a standby server makes it wait.
ORDER = text("SELECT pg_advisory_xact_lock(:order)")
EXCHANGE = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', unpack(KEYS)) return 1 end
redis.call('SET', KEYS[1], ARGV[2], 'EXAT', ARGV[3])
if KEYS[2] then redis.call('SET', KEYS[2], ARGV[4], 'EXAT', ARGV[3]) end
return 1
"""


class RedisStore(Store):
    def __init__(self, app: Flask, url: str) -> None:
        """Raise ValueError when the address is not one of Redis."""
        self._app = app
        self._server = RedisServer(url, SECONDS_TO_ANSWER)
        self._redis = self._server.client
        self._outage = Outage("Redis", means_down, StoreUnavailableError)
        # Apart: one that takes nothing can often still be read.
        self._changes = Outage("Redis, for changes,", means_down, StoreUnavailableError)

    def find(self, key: str) -> bytes | None:
        with self._outages(), within(SECONDS):
            data = self._server.get(_name(key))
            self._server.ask_run()
            if not data or (IN_DOUBT.encode() not in data and self._server.run.encode() in data):
                return data
            with self._app.app_context():  # Flask may not have begun.
                _, content = self._change(key, key, lambda _connection, values: _content(values))
        return encode(content.stored) if content else None

    def replace(self, key: str, old: bytes, new: bytes) -> None:
        with self._outages(), self._changes.guard():
            self._exchange(key, old, new, None)

    def change(self, key: str | None, fresh: str, work: Work) -> tuple[Values, Content | None]:
        with self._outages(), within(SECONDS_TO_CHANGE):
            return self._change(key, fresh, work)

    def probe(self) -> None:
        super().probe()
        with self._changes.guard():  # A full Redis reads well.
            self._redis.set("probe", 0, ex=1)

    def _change(self, key: str | None, fresh: str, work: Work) -> tuple[Values, Content | None]:
        with self._in_order(key) as read:
            for _ in range(TRIES):
                found = read()
                self._server.ask_run()
                with suppress(_OvertakenError):
                    made = write(partial(self._prepare, key, fresh, found, work))
                    with suppress(RedisError):  # It is recorded; whoever finds it in doubt asks.
                        self._exchange(made.key, made.in_doubt, _stored(made.content), made.subject)
                    return made.before, made.content
            raise LockError("changed meanwhile, by who did not wait")

    def _prepare(
        self, key: str | None, fresh: str, found: bytes, work: Work, connection: Connection
    ) -> "_Change":
        """Do the work, and let the session say what it is to hold once this is committed."""
        if key and connection.dialect.name == "postgresql":
            connection.execute(ORDER, {"order": int(key[:15], 16)})
        before = self._settled(connection, found)
        if key and found and not before:  # It has ended, or Redis had forgotten: it goes.
            self._tell(key, found, NONE, next(filter(None, map(subject_of, _held(found))), None))
            found = NONE
        content = work(connection, before)
        if content:
            content = replace(content, values={**content.values, RUN: self._server.run})
        place = key if key and (before or not content) else fresh
        made = _Change(place, found, before, content)
        self._tell(made.key, made.found, made.in_doubt, made.subject)
        return made

    def _tell(self, key: str, old: bytes, new: bytes, subject: UUID | None) -> None:
        with self._changes.guard(), within(SECONDS_IN_TRANSACTION):
            if not self._exchange(key, old, new, subject):
                raise _OvertakenError

    def end_of_subject(self, subject: UUID, work: Callable[[Connection], int]) -> int:
        with self._outages():
            key: Any = self._redis.get(_subject(subject))
        outcome: list[int] = []

        def end(connection: Connection, before: Values) -> Content | None:
            outcome.append(work(connection))
            return None if subject_of(before) == subject else _content(before)

        self.change(key and key.decode(), "", end)
        return outcome[-1]

    @contextmanager
    def _in_order(self, key: str | None) -> Iterator[Callable[[], bytes]]:
        """Give what reads the session while it is this one's turn; in no session nothing stands."""
        if key is None:
            yield lambda: NONE
            return
        lock = self._redis.lock(
            f"order:{key}", LOCK_SECONDS, 0.002, blocking_timeout=min(SECONDS, seconds_left() or 0)
        )

        def read() -> bytes:
            if seconds_left() == 0:
                raise RedisTimeoutError("it has taken all the time that there is")
            found: Any = self._redis.mget(_name(key), lock.name)
            if found[1] != lock.local.token:
                raise LockError("no longer its turn")
            return found[0] or NONE

        with self._changes.guard():
            is_ours = lock.acquire()
        if not is_ours:
            raise LockError("not in time")
        try:
            yield read
        finally:
            with suppress(RedisError):  # It goes by itself.
                lock.release()

    def _exchange(self, key: str, old: bytes, new: bytes, subject: UUID | None) -> bool:
        """Store `new`, and whose it is, where `old` is stored; return whether it was."""
        keys = [_name(key), *([_subject(subject)] if subject else [])]
        ends = int(decode(new or None).get(EXPIRES_AT, 0)) + 1
        return bool(self._redis.eval(EXCHANGE, len(keys), *keys, old, new, ends, key))

    def _settled(self, connection: Connection, found: bytes) -> Values:
        """Return what a session holds, by what stands in the log: nothing, if that is later."""
        for meant in reversed(_held(found)):
            is_known = bool(subject_of(meant)) or meant.get(RUN) == self._server.run
            if meant and is_known and self.is_up_to_date(connection, meant):
                return meant
        return {}

    @contextmanager
    def _outages(self) -> Iterator[None]:
        try:
            with self._outage.guard():
                yield
        except (LockError, SQLAlchemyError) as error:
            raise StoreUnavailableError(type(error).__name__) from error


class _OvertakenError(Exception):
    """The session was changed meanwhile: nothing of this has happened."""


@dataclass(frozen=True)
class _Change:
    """What is found under a key, what it means, and what it is to hold."""

    key: str
    found: bytes
    before: Values
    content: Content | None

    @cached_property
    def in_doubt(self) -> bytes:
        both = self.before, self.content.stored if self.content else {}
        until = max((values[EXPIRES_AT] for values in both if values), default=None)
        if until is None:
            return self.found
        if self.content is None:
            until = min(until, datetime.now(UTC).timestamp() + SECONDS_TO_END)
        stored = [encode(values) if values else NONE for values in both]
        return encode({EXPIRES_AT: until, IN_DOUBT: stored})

    @property
    def subject(self) -> UUID | None:
        return subject_of(self.content.values if self.content else self.before)


def _content(values: Values) -> Content | None:
    return Content(values, datetime.fromtimestamp(values[EXPIRES_AT], UTC)) if values else None


def _stored(content: Content | None) -> bytes:
    return encode(content.stored) if content else NONE


def _held(found: bytes) -> list[Values]:
    """Return what a session may hold: two where it is in doubt."""
    doubt = decode(found or None).get(IN_DOUBT, [found])
    stored = doubt if isinstance(doubt, list) else []
    return [decode(part if isinstance(part, bytes) and part else None) for part in stored]


def _name(key: str) -> str:
    return f"session:{key}"


def _subject(subject: UUID) -> str:
    return f"subject:{subject}"
