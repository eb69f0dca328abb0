"""The default store: a row of the database, changed in the transaction of the record beside it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from blueprints.database import Access, Lookup, write
from blueprints.sessions.models import StoredSession
from blueprints.sessions.store import (
    Content,
    Store,
    StoreUnavailableError,
    Values,
    Work,
    decode,
    encode,
    subject_of,
)

FIND = select(StoredSession.data).where(StoredSession.key == bindparam("key"))
ENDED_AT_ONCE = 10  # so many that are over go with each new one: more go than come


class DatabaseStore(Store):
    def __init__(self, access: Access) -> None:
        self._data_of = Lookup(access, FIND)

    def find(self, key: str) -> bytes | None:
        with _outages():
            found: bytes | None = self._data_of(key)
            return found

    def replace(self, key: str, old: bytes, new: bytes) -> None:
        unchanged = (StoredSession.key == key) & (StoredSession.data == old)
        query = update(StoredSession).where(unchanged).values(data=new)
        with _outages():
            write(lambda connection: connection.execute(query))

    def change(self, key: str | None, fresh: str, work: Work) -> tuple[Values, Content | None]:
        def change(connection: Connection) -> tuple[Values, Content | None]:
            before = decode(_locked(connection, key)) if key else {}
            content = work(connection, before)
            if content is None:
                connection.execute(delete(StoredSession).where(StoredSession.key == key))
            elif before:
                row = _row(content)
                connection.execute(
                    update(StoredSession).where(StoredSession.key == key).values(row)
                )
            else:
                connection.execute(insert(StoredSession).values(key=fresh, **_row(content)))
                _delete_ended(connection)
            return before, content

        with _outages():
            return write(change)

    def end_of_subject(self, subject: UUID, work: Callable[[Connection], int]) -> int:
        def end(connection: Connection) -> int:
            connection.execute(delete(StoredSession).where(StoredSession.subject == subject))
            return work(connection)

        with _outages():
            return write(end)


def _locked(connection: Connection, key: str) -> bytes | None:
    """Return what is stored; on PostgreSQL nobody else changes it until the transaction ends."""
    query = select(StoredSession.data).where(StoredSession.key == key).with_for_update()
    return connection.scalar(query)


def _row(content: Content) -> dict[str, Any]:
    return {
        "data": encode(content.stored),
        "expires_at": content.expires_at,
        "subject": subject_of(content.values),
    }


def _delete_ended(connection: Connection) -> None:
    ended = (
        select(StoredSession.key)
        .where(StoredSession.expires_at <= datetime.now(UTC))
        .limit(ENDED_AT_ONCE)
        .with_for_update(skip_locked=True)  # Another process is at those.
    )
    connection.execute(delete(StoredSession).where(StoredSession.key.in_(ended)))


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreUnavailableError(type(error).__name__) from error
