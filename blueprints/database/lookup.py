"""One value by its key, asked of the driver itself: what each page of a returning visitor costs.

SQLAlchemy takes ten times as long to build such a statement, to check a connection and to read the
row as SQLite to find it. So the statement is written once, and goes over connections that are kept
for it: opened and bounded as all others are, and no more of them than a pool would have.
"""

from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine, Select, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from blueprints.database.access import Access
from blueprints.database.bounds import within
from blueprints.database.errors import DatabaseUnavailableError
from blueprints.database.sqlite import is_still_there, reserve

Kept = tuple[Connection, Any]  # and a cursor of its driver, which takes as long to make as to run
CONNECTIONS_AT_MOST = 15  # as many as the engine's own pool has


class Lookup:
    """Runs a statement with one parameter, `key`, and returns the first value of its row."""

    def __init__(self, access: Access, statement: Select[Any]) -> None:
        self._access, self._dialect = access, access.engine.dialect
        compiled = statement.compile(dialect=self._dialect)
        self._sql, self._is_positional = str(compiled), compiled.positional
        self._kept: list[Kept] = []
        self._turns = SimpleQueue[None]()  # as a semaphore, which takes ten times as long
        for _ in range(CONNECTIONS_AT_MOST):
            self._turns.put(None)
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
            try:
                self._turns.get(timeout=access.seconds)
            except Empty:
                raise NoConnectionError("too many look something up") from None
            try:
                return self._ask(key)
            finally:
                self._turns.put(None)

    def _ask(self, key: str) -> Any:  # noqa: ANN401
        try:
            return self._run(*self._kept.pop(), key)
        except IndexError:  # None is kept.
            pass
        except DisconnectionError:
            # So are the others. While one of them has a log of writes that is gone, SQLite reads
            # nothing else: closed one by one, they would prolong the outage by as many pauses.
            self._access.engine.dispose()
        connection = self._open()
        raw: Any = connection.connection.dbapi_connection
        try:
            return self._run(connection, raw.cursor(), key)
        except DisconnectionError as error:
            raise DatabaseUnavailableError("the connection was lost") from error

    def _close(self, _engine: Engine) -> None:
        with suppress(IndexError):  # Another thread may take the last.
            while self._kept:
                connection, _cursor = self._kept.pop()
                connection.close()

    def _open(self) -> Connection:
        engine = self._access.engine
        if self._dialect.name == "sqlite":
            return reserve(engine)
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        return connection

    def _run(self, connection: Connection, cursor: Any, key: str) -> Any:  # noqa: ANN401
        """Run the statement and keep the connection, or close it where that fails.

        Raises:
            DisconnectionError: it was lost before; a new one may do.
            DatabaseUnavailableError: the database failed.

        """
        if not is_still_there(connection, lately=True):
            connection.close()
            raise DisconnectionError("the file is gone, or is another one")
        try:
            cursor.execute(self._sql, (key,) if self._is_positional else {"key": key})
            row = cursor.fetchone()
        except Exception as error:
            raw = connection.connection.dbapi_connection
            connection.close()
            if not isinstance(error, self._dialect.loaded_dbapi.Error):
                raise
            kind = (
                DisconnectionError
                if self._dialect.is_disconnect(error, raw, None)
                else DatabaseUnavailableError
            )
            raise kind(type(error).__name__) from error
        self._kept.append((connection, cursor))
        return row and row[0]
