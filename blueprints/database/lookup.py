"""One value by its key, asked of the driver itself: what each page of a returning visitor costs.

SQLAlchemy takes ten times as long to build such a statement, to check a connection and to read the
row as SQLite to find it. So the statement is written once, and goes over connections that are kept
for it: opened and bounded as all others are, and no more of them than a pool would have.
"""

from collections.abc import Iterator
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import Connection, Engine, Select, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from blueprints.database.access import Access
from blueprints.database.bounds import within
from blueprints.database.errors import DatabaseUnavailableError
from blueprints.database.sqlite import is_still_there, reserve

CONNECTIONS_AT_MOST = 15  # as many as the engine's own pool has


class Lookup:
    """Runs a statement with one parameter, `key`, and returns the first value of its row."""

    def __init__(self, access: Access, statement: Select[Any]) -> None:
        self._access, self._dialect = access, access.engine.dialect
        compiled = statement.compile(dialect=self._dialect)
        self._sql, self._is_positional = str(compiled), compiled.positional
        self._kept: list[Connection] = []
        self._turns = BoundedSemaphore(CONNECTIONS_AT_MOST)
        event.listen(access.engine, "engine_disposed", self._close)

    def __call__(self, key: str) -> Any:  # noqa: ANN401 - whatever the column holds
        """Return what the row of the key has; None where there is none.

        Raises:
            DatabaseUnavailableError: the database cannot be used.
            NoConnectionError: too many ask at the same time.

        """
        access = self._access
        with access.reads.guard(), within(access.seconds):
            access.make_ready()
            if not self._turns.acquire(timeout=access.seconds):
                raise NoConnectionError("too many look something up")
            try:
                return self._ask(key)
            finally:
                self._turns.release()

    def _ask(self, key: str) -> Any:  # noqa: ANN401
        lost = None
        for connection in self._connections():
            try:
                value = self._run(connection, key)
            except DisconnectionError as error:
                lost = error
                continue
            self._kept.append(connection)
            return value
        raise DatabaseUnavailableError("the connection was lost") from lost

    def _connections(self) -> Iterator[Connection]:
        """Yield one that was kept, if there is any, and one that is new."""
        with suppress(IndexError):
            kept = self._kept.pop()
            if is_still_there(kept):
                yield kept
            else:
                kept.close()
        yield self._open()

    def _close(self, _engine: Engine) -> None:
        while self._kept:
            self._kept.pop().close()

    def _open(self) -> Connection:
        engine = self._access.engine
        if self._dialect.name == "sqlite":
            return reserve(engine)
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        return connection

    def _run(self, connection: Connection, key: str) -> Any:  # noqa: ANN401
        """Run the statement, and close the connection where that fails.

        Raises:
            DisconnectionError: it was lost before; a new one may do.
            DatabaseUnavailableError: the database failed.

        """
        raw: Any = connection.connection.dbapi_connection
        try:
            cursor = raw.cursor()
            cursor.execute(self._sql, (key,) if self._is_positional else {"key": key})
            row = cursor.fetchone()
            cursor.close()
        except Exception as error:
            connection.close()
            if not isinstance(error, self._dialect.loaded_dbapi.Error):
                raise
            kind = (
                DisconnectionError
                if self._dialect.is_disconnect(error, raw, None)
                else DatabaseUnavailableError
            )
            raise kind(type(error).__name__) from error
        return row and row[0]
