"""The store for several machines: Redis, which forgets a session by itself when it is over.

Redis and the database do not commit together. So before the record is committed the session says
what it is to hold, beside what it holds; afterwards it holds that. Wherever this is cut off, the
session is in doubt until the log has been asked: with the record it holds the new, without it the
old. Whoever finds it in doubt asks; where that cannot be done, nobody knows what it holds.

A subject has one session, and `subject:<number>` names it: who ends it waits in its order as well.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import LockError
from redis.retry import Retry
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from blueprints.database import Outage, write
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

SECONDS = 1  # a reader does not wait longer for a store that is down
LOCK_SECONDS = 5  # more than all waits within it: a process that died holds up its visitor so long
IN_DOUBT = "in_doubt"  # what the session is to hold, once the record of it is in the log
REPLACE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') end
"""


class RedisStore(Store):
    def __init__(self, url: str) -> None:
        """Raise ValueError when the address is not one of Redis."""
        self._redis = Redis.from_url(
            url,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._outage = Outage("Redis", _means_down, StoreUnavailableError)
        # Apart, since it is asked within the other: one waits in a transaction, and not each.
        self._changes = Outage("Redis, for changes,", _means_down, StoreUnavailableError)

    def find(self, key: str) -> bytes | None:
        with self._outages():
            data = self._get(key)
        if data is None or IN_DOUBT.encode() not in data:
            return data
        _, content = self.change(key, key, lambda _connection, values: _content(values))
        return encode(content.stored) if content else None

    def replace(self, key: str, old: bytes, new: bytes) -> None:
        with self._outages():
            self._redis.eval(REPLACE, 1, _name(key), old, new)

    def change(self, key: str | None, fresh: str, work: Work) -> tuple[Values, Content | None]:
        with self._outages(), self._in_order(key):
            found = decode(self._get(key) if key else None)

            def change(connection: Connection) -> tuple[Values, Content | None]:
                before = self._settled(connection, found)
                content = work(connection, before)
                with self._changes.guard():
                    if content is None:
                        self._redis.delete(_name(key))
                    else:
                        self._announce(key if before else fresh, before, content)
                return before, content

            try:
                before, content = write(change)
            except BaseException:
                if found:  # What was to end has not ended.
                    with suppress(RedisError):
                        self._redis.set(_name(key), encode(found), exat=_ends(found), nx=True)
                raise
            if content is not None:
                with suppress(RedisError):  # It is recorded, and whoever finds it in doubt asks.
                    self._put(key if before else fresh, content)
            return before, content

    def end_of_subject(self, subject: UUID, work: Callable[[Connection], int]) -> int:
        with self._outages():
            key: Any = self._redis.get(_subject(subject))
            with self._in_order(key and key.decode()):
                if key:
                    self._redis.delete(_name(key.decode()))
                return write(work)

    @contextmanager
    def _in_order(self, key: str | None) -> Iterator[None]:
        if key is None:
            yield
            return
        lock = self._redis.lock(
            f"order:{key}", timeout=LOCK_SECONDS, blocking_timeout=SECONDS, sleep=0.002
        )
        if not lock.acquire():
            raise LockError("not in time")
        try:
            yield
        finally:
            with suppress(RedisError):  # It goes by itself.
                lock.release()

    def _get(self, key: str) -> bytes | None:
        data: Any = self._redis.get(_name(key))
        return data  # type: ignore[no-any-return]  # bytes: nothing is decoded by this client

    def _put(self, key: str | None, content: Content) -> None:
        self._redis.set(_name(key), encode(content.stored), exat=_ends(content.stored))

    def _announce(self, key: str | None, before: Values, content: Content) -> None:
        after = content.stored
        until = before.get(EXPIRES_AT, after[EXPIRES_AT])
        values = {**before, EXPIRES_AT: until, IN_DOUBT: after}
        with self._redis.pipeline() as together:
            together.set(_name(key), encode(values), exat=max(_ends(values), _ends(after)))
            if subject := subject_of(content.values):
                together.set(_subject(subject), str(key), exat=_ends(after))
            together.execute()

    def _settled(self, connection: Connection, found: Values) -> Values:
        """Return what the session holds, by what stands in the log."""
        if IN_DOUBT not in found:
            return found
        after: Values = found[IN_DOUBT]
        if self.is_recorded(connection, after):
            return after
        before = {name: value for name, value in found.items() if name != IN_DOUBT}
        return before if before.keys() > {EXPIRES_AT} else {}

    @contextmanager
    def _outages(self) -> Iterator[None]:
        try:
            with self._outage.guard():
                yield
        except (LockError, SQLAlchemyError) as error:
            raise StoreUnavailableError(type(error).__name__) from error


def _content(values: Values) -> Content | None:
    return Content(values, datetime.fromtimestamp(values[EXPIRES_AT], UTC)) if values else None


def _name(key: str | None) -> str:
    return f"session:{key}"


def _subject(subject: UUID) -> str:
    return f"subject:{subject}"


def _ends(values: Mapping[str, Any]) -> int:
    return int(values[EXPIRES_AT]) + 1


def _means_down(error: Exception) -> bool:
    # A lock that was not had in time is one visitor's crowd, and no outage.
    return isinstance(error, RedisError) and not isinstance(error, LockError)
