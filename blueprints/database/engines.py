"""Engines of this site, each opened with the same care: the site's own, and another to move to."""

from typing import Any

from sqlalchemy import URL, Engine, create_engine

from blueprints.database import sqlite

try:
    from blueprints.database import postgresql
except ImportError:  # The extra is not installed; then an address of PostgreSQL stops the start.
    postgresql = None  # type: ignore[assignment]

ENGINE_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # an error tells nobody's choice
    "pool_pre_ping": True,
}


def prepare(engine: Engine, seconds: float) -> None:
    """Make each connection durable, and let it wait so long for others that write."""
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine, seconds)
    elif engine.dialect.driver == "psycopg":
        postgresql.prepare(engine)


def open_other(url: URL, seconds: float) -> Engine:
    """Open a database that is not the site's.

    Raises:
        ImportError: the driver is not installed, or there is none of that name.
        ArgumentError: the address is none.

    """
    engine = create_engine(url, **ENGINE_OPTIONS)
    prepare(engine, seconds)
    return engine
