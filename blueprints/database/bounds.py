"""How long whoever is at work may wait for the database; no bound where nobody set one.

The operator's commands read and write for long, a visitor does not wait: both use one engine, so
that the bound belongs to the work at hand and not to the connection.
"""

from contextvars import ContextVar
from time import monotonic

from sqlalchemy import Connection, String, bindparam, func, select, true

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class within:  # noqa: N801 - read as a word; as a function it takes twice as long, for each page
    """Let the body wait so long in all, however many statements it has."""

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def __enter__(self) -> None:
        self._token = _deadline.set(self._until)

    def __exit__(self, *_: object) -> None:
        _deadline.reset(self._token)


def seconds_left() -> float | None:
    deadline = _deadline.get()
    return None if deadline is None else max(0.0, deadline - monotonic())


SET_BOUNDS = select(
    *(
        func.set_config(name, bindparam("milliseconds", type_=String), true())
        for name in ("statement_timeout", "idle_in_transaction_session_timeout")
    )
)


def bind_server(connection: Connection) -> None:
    """Let PostgreSQL end this transaction by itself, a little before it is given up here.

    A server that wakes up does not commit then what was answered as not recorded.
    """
    left = seconds_left()
    if left is not None and connection.dialect.name == "postgresql":
        connection.execute(SET_BOUNDS, {"milliseconds": f"{left * 900:.0f}"})
