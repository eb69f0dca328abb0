"""Runs the migrations on the database of the application at hand, all of them or none.

An upgrade that fails, or is killed, leaves the database to the version of the site that ran before.
"""

from contextlib import AbstractContextManager

from alembic import context
from alembic.util import CommandError
from click import ClickException
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from blueprints.database import DatabaseUnavailableError, db
from blueprints.database.schema import NEWER, problem, reason
from blueprints.database.sqlite import make_file, reserve, transaction

is_sqlite = db.engine.dialect.name == "sqlite"


def begin(connection: Connection) -> AbstractContextManager[object]:
    return transaction(connection) if is_sqlite else connection.begin()


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        render_as_batch=True,  # SQLite alters a table by making it anew
        compare_type=True,
        # A table without a model is that of a wing that was left out: no new migration drops it.
        include_object=lambda _table, _name, kind, is_there, model: (
            kind != "table" or not is_there or model is not None
        ),
    )
    context.run_migrations()


if other := context.config.attributes.get("connection"):
    run(other)  # It is within a transaction that holds more than this.
else:
    make_file(db.engine)
    try:
        if problem() == NEWER:
            raise CommandError(NEWER)
        connection = reserve(db.engine) if is_sqlite else db.engine.connect()
        with connection, begin(connection):
            run(connection)
    except (DatabaseUnavailableError, SQLAlchemyError) as error:
        if "connection" in context.config.attributes:
            raise  # The site itself upgrades, and tries again later.
        raise ClickException(f"The database cannot be used: {reason(error)}.") from None
