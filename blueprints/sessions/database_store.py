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

# Made once: to make one for each request takes as long as to run it.
AT_KEY = StoredSession.key == bindparam("at")
FIND = select(StoredSession.data).where(StoredSession.key == bindparam("key"))
LOCK = select(StoredSession.data).where(AT_KEY).with_for_update()
INSERT, UPDATE, DELETE = insert(StoredSession), update(StoredSession), delete(StoredSession)
CHANGE, END = UPDATE.where(AT_KEY), DELETE.where(AT_KEY)
ENDED = (
    select(StoredSession.key)
    .where(StoredSession.expires_at <= bindparam("now"))
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)  # Another process is at those.
)
DELETE_ENDED = DELETE.where(StoredSession.key.in_(ENDED))
ENDED_AT_ONCE = 10  # so many that are over go with each new one: more go than come


class DatabaseStore(Store):
    def __init__(self, access: Access) -> None:
        self._data_of = Lookup(access, FIND)

    def find(self, key: str) -> bytes | None:
        try:  # `_outages` takes a tenth as long as all of this.
            found: bytes | None = self._data_of(key)
        except SQLAlchemyError as error:
            raise StoreUnavailableError(type(error).__name__) from error
        return found

    def replace(self, key: str, old: bytes, new: bytes) -> None:
        unchanged = (StoredSession.key == key) & (StoredSession.data == old)
        query = UPDATE.where(unchanged).values(data=new)
        with _outages():
            write(lambda connection: connection.execute(query))

    def change(self, key: str | None, fresh: str, work: Work) -> tuple[Values, Content | None]:
        def change(connection: Connection) -> tuple[Values, Content | None]:
            # On PostgreSQL nobody else changes it until the transaction ends.
            before = decode(connection.scalar(LOCK, {"at": key})) if key else {}
            content = work(connection, before)
            if content is None:
                connection.execute(END, {"at": key})
            elif before:
                connection.execute(CHANGE, {"at": key, **_row(content)})
            else:
                connection.execute(INSERT, {"key": fresh, **_row(content)})
                ended = {"now": datetime.now(UTC), "at_most": ENDED_AT_ONCE}
                connection.execute(DELETE_ENDED, ended)
            return before, content

        with _outages():
            return write(change)

    def end_of_subject(self, subject: UUID, work: Callable[[Connection], int]) -> int:
        def end(connection: Connection) -> int:
            connection.execute(DELETE.where(StoredSession.subject == subject))
            return work(connection)

        with _outages():
            return write(end)


def _row(content: Content) -> dict[str, Any]:
    return {
        "data": encode(content.stored),
        "expires_at": content.expires_at,
        "subject": subject_of(content.values),
    }


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreUnavailableError(type(error).__name__) from error
