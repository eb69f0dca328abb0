"""The store for several machines: Redis, which forgets a session by itself when it is over.

Redis and the database do not commit together, so a change goes the safe way round: what the session
is to hold is put aside first, then the session goes, then the record is committed, then what was
put aside becomes the session. Wherever that is cut off, nothing is on that is not recorded.

A subject has one session, and `subject:<number>` names it: who ends it waits in its order as well.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
LOCK_SECONDS = 10  # a process that died holds up its visitor no longer
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

    def find(self, key: str) -> bytes | None:
        with self._outages():
            return self._get(key)

    def replace(self, key: str, old: bytes, new: bytes) -> None:
        with self._outages():
            self._redis.eval(REPLACE, 1, _name(key), old, new)

    def change(self, key: str | None, fresh: str, work: Work) -> tuple[Values, Content | None]:
        with self._outages(), self._in_order(key):
            data = self._get(key) if key else None
            before = decode(data)
            aside = f"aside:{fresh}"

            def change(connection: Connection) -> Content | None:
                content = work(connection, before)
                if content is not None:
                    self._put_aside(aside, key if before else fresh, content)
                if before:
                    self._redis.delete(_name(key))
                return content

            try:
                content = write(change)
            except BaseException:
                if before:
                    self._put(_name(key), before)
                raise
            if content is not None:
                self._turn_into_session(aside, _name(key if before else fresh), content)
            return before, content

    def end_of_subject(self, subject: UUID, work: Callable[[Connection], int]) -> int:
        with self._outages():
            key: Any = self._redis.get(_subject(subject))
            with self._in_order(key and key.decode()):
                if key:
                    self._redis.delete(_name(key.decode()))
                return write(work)

    def _in_order(self, key: str | None) -> AbstractContextManager[Any]:
        if key is None:
            return nullcontext()
        lock: AbstractContextManager[Any] = self._redis.lock(
            f"order:{key}", timeout=LOCK_SECONDS, blocking_timeout=SECONDS, sleep=0.002
        )
        return lock

    def _get(self, key: str) -> bytes | None:
        data: Any = self._redis.get(_name(key))
        return data  # type: ignore[no-any-return]  # bytes: nothing is decoded by this client

    def _put(self, name: str, values: Mapping[str, Any]) -> None:
        self._redis.set(name, encode(values), exat=_ends(values))

    def _put_aside(self, aside: str, key: str | None, content: Content) -> None:
        with self._redis.pipeline() as together:
            together.set(aside, encode(content.stored), ex=LOCK_SECONDS)
            if subject := subject_of(content.values):
                together.set(_subject(subject), str(key), exat=_ends(content.stored))
            together.execute()

    def _turn_into_session(self, aside: str, name: str, content: Content) -> None:
        with self._redis.pipeline() as together:
            together.rename(aside, name)
            together.expireat(name, _ends(content.stored))
            together.execute()

    @contextmanager
    def _outages(self) -> Iterator[None]:
        try:
            with self._outage.guard():
                yield
        except (LockError, SQLAlchemyError) as error:
            raise StoreUnavailableError(type(error).__name__) from error


def _name(key: str | None) -> str:
    return f"session:{key}"


def _subject(subject: UUID) -> str:
    return f"subject:{subject}"


def _ends(values: Mapping[str, Any]) -> int:
    return int(values[EXPIRES_AT]) + 1


def _means_down(error: Exception) -> bool:
    # A lock that was not had in time is one visitor's crowd, and no outage.
    return isinstance(error, RedisError) and not isinstance(error, LockError)
