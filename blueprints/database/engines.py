"""Engines of this site, each opened with the same care: the site's own, and another to move to."""

from collections.abc import Container
from importlib import import_module
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.exc import ArgumentError

from blueprints.database import sqlite

ENGINE_OPTIONS: dict[str, Any] = {
    "hide_parameters": True,  # an error tells nobody's choice
    "pool_pre_ping": True,
}


def prepare(engine: Engine, seconds: float) -> None:
    """Make each connection durable, and let it wait so long for others that write."""
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine, seconds)
    elif engine.dialect.driver == "psycopg":
        _postgresql().prepare(engine)


def _postgresql() -> ModuleType:
    """Return what only a site on PostgreSQL loads.

    Raises:
        ImportError: the extra is not installed.

    """
    return import_module("blueprints.database.postgresql")


def check_options(url: URL) -> None:
    """Let only options of libpq follow the `?` of an address, and those of a `file:` of SQLite.

    Those of the drivers would change what a transaction is, or do nothing here.

    Raises:
        ArgumentError: there is another one.
        ImportError: the driver that knows them is not installed.

    """
    known: Container[str] = ()
    if url.get_driver_name() == "psycopg":
        known = _postgresql().OPTIONS
    elif url.get_backend_name() != "sqlite" or (url.database or "").startswith("file:"):
        known = url.query
    for option in url.query:
        if option not in known:
            raise ArgumentError(f"it has no option {option}")


def open_other(url: URL, seconds: float) -> Engine:
    """Open a database that is not the site's.

    Raises:
        ImportError: the driver is not installed, or there is none of that name.
        ArgumentError: the address is none.

    """
    check_options(url)
    engine = create_engine(url, **ENGINE_OPTIONS)
    prepare(engine, seconds)
    return engine
