"""A connection to PostgreSQL on which a bounded wait ends by itself, whatever the server does.

A server that hangs answers no timeout of its own, and libpq waits for ever. What ends too late is
cut off; the pool sees that the connection is broken, and opens another when it is asked again.
"""

from typing import Any, TypeVar

import psycopg
from psycopg import pq
from psycopg.abc import PQGen, PQGenConn
from sqlalchemy import Engine, ExceptionContext, event

from blueprints.database.bounds import seconds_left

T = TypeVar("T")

# Of all that libpq knows; what is stored is UTF-8, whatever the server would call it.
OPTIONS = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults()) - {
    "client_encoding"
}


def prepare(engine: Engine) -> None:
    """Open connections that can be bounded, and whose errors tell no values."""

    @event.listens_for(engine, "do_connect")
    def connect(_d: object, _e: object, cargs: list[Any], cparams: dict[str, Any]) -> object:
        return BoundedConnection.connect(*cargs, **cparams)

    @event.listens_for(engine, "handle_error")
    def tell_no_row(context: ExceptionContext) -> None:
        # The server repeats the row that it refused.
        for error in (context.original_exception, context.sqlalchemy_exception):
            if error:
                error.args = tuple(str(part).partition("\nDETAIL:")[0] for part in error.args)


class BoundedConnection(psycopg.Connection[Any]):
    """Waits no longer than `bounds.within` allows."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn["BoundedConnection"]:
        # psycopg's own limit of a connection counts in whole seconds, and not below two.
        connecting = super()._connect_gen(conninfo)
        waits_for = next(connecting)
        while True:
            ready = yield waits_for
            if seconds_left() == 0:
                raise psycopg.errors.ConnectionTimeout("the server does not answer")
            try:
                waits_for = connecting.send(ready)
            except StopIteration as end:
                connected: BoundedConnection = end.value
                return connected

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        left = seconds_left()
        try:
            return super().wait(gen, interval, timeout if left is None else left)
        except psycopg.OperationalError:
            if seconds_left() == 0:
                self.pgconn.finish()
            raise
