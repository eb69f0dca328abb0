"""The default store: the database, on a connection of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from blueprints.database import db
from blueprints.sessions.interface import VisitorSession, VisitorSessions
from blueprints.sessions.models import StoredSession

BATCH = 1000


class DatabaseSessions(VisitorSessions):
    outages = (SQLAlchemyError,)

    def _retrieve_session_data(self, store_id: str) -> dict[str, Any] | None:
        query = select(StoredSession.data).where(
            StoredSession.key == self._key(store_id), StoredSession.expires_at > datetime.now(UTC)
        )
        with db.engine.connect() as connection:
            data = connection.scalar(query)
        return None if data is None else self.serializer.decode(data)

    def _upsert_session(
        self, session_lifetime: timedelta, session: VisitorSession, store_id: str
    ) -> None:
        now = datetime.now(UTC)
        with db.engine.begin() as connection:
            connection.execute(
                delete(StoredSession).where(
                    (StoredSession.key == self._key(store_id)) | (StoredSession.expires_at <= now)
                )
            )
            connection.execute(
                insert(StoredSession).values(
                    key=self._key(store_id),
                    data=self.serializer.encode(session),
                    expires_at=now + session_lifetime,
                )
            )

    def _delete_session(self, store_id: str) -> None:
        with db.engine.begin() as connection:
            connection.execute(
                delete(StoredSession).where(StoredSession.key == self._key(store_id))
            )

    def _all(self) -> Iterator[tuple[str, bytes]]:
        query, after = select(StoredSession.key, StoredSession.data).order_by(StoredSession.key), ""
        while True:
            with db.engine.connect() as connection:
                rows = connection.execute(query.where(StoredSession.key > after).limit(BATCH)).all()
            if not rows:
                return
            for key, data in rows:
                yield f"{self.key_prefix}{key}", data
            after = rows[-1].key

    def _key(self, store_id: str) -> str:
        return store_id.removeprefix(self.key_prefix)
