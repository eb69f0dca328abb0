"""The two ways in which the running site uses the database: `reading` and `write`.

Neither waits for longer than a visitor would, and after a failure neither asks for a moment. Reads
and writes fail apart: a database that takes nothing can often still be read. A command of the
operator may wait for longer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from flask import current_app
from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import DBAPIError

from blueprints.database.base import db
from blueprints.database.bounds import bind_server, within
from blueprints.database.errors import DatabaseUnavailableError, OutcomeUnknownError, means_down
from blueprints.database.outage import Outage
from blueprints.database.schema import Embedded
from blueprints.database.writer import Writer

T = TypeVar("T")


class Access:
    """What one application knows about its database: where it is its own, and how long it waits."""

    def __init__(self, engine: Engine, embedded: Embedded | None, seconds: float) -> None:
        self.engine = engine
        self.embedded = embedded
        self.seconds = seconds
        self.reads = Outage("The database", means_down, DatabaseUnavailableError)
        self.writes = Outage("The database, for writing,", means_down, DatabaseUnavailableError)
        self.writer = Writer(engine, seconds) if engine.dialect.name == "sqlite" else None

    def make_ready(self) -> None:
        """Raise DatabaseUnavailableError where the embedded database cannot be used."""
        try:
            if self.embedded:
                self.embedded.make_ready()
        except Exception as error:
            if means_down(error):
                raise
            # Whatever a migration stumbled upon: the site is to be read all the same.
            raise DatabaseUnavailableError(type(error).__name__) from error


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection to read from.

    Raises:
        DatabaseUnavailableError: the database cannot be used.

    """
    access = _access()
    with access.reads.guard(), within(access.seconds):
        access.make_ready()
        with db.engine.connect() as connection:
            yield connection


def write(work: Callable[[Connection], T], *, at_leisure: bool = False) -> T:
    """Run `work` in a transaction of its own, and return what it returned once it is committed.

    `work` may run in another thread, in the context of this one: its request is this request. What
    it raises undoes all that it did. `at_leisure` is for what nobody waits for: it takes its turn
    as others do, and then as long as it needs.

    Raises:
        DatabaseUnavailableError: the database cannot be used, and nothing is written, unless it
            comes from an OutcomeUnknownError.

    """
    access = _access()
    bound = nullcontext() if at_leisure else within(access.seconds)
    with access.writes.guard(), bound:
        access.make_ready()
        if access.writer:
            return access.writer.write(work)
        with db.engine.connect() as connection:
            with connection.begin() as transaction:
                bind_server(connection)
                result = work(connection)
                _commit(transaction)
            return result


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except DBAPIError as error:
        if means_down(error):
            raise OutcomeUnknownError(type(error.orig).__name__) from error
        raise


def _access() -> Access:
    access: Access = current_app.extensions["database"]
    return access
