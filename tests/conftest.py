"""What all tests share: a real site on a real database file, and a browser-like visitor.

A test that needs PostgreSQL, Redis or a browser asks for its fixture. Where the machine lacks one
the test is left out and says so; with CI=true nothing may be left out and it fails instead.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from browserlike import Visitor
from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright
from redis import Redis, RedisError
from sqlalchemy import event
from werkzeug.serving import make_server

from app import create_app
from blueprints.database import db
from blueprints.database.setup import MIGRATIONS

POSTGRESQL = os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS", "redis://127.0.0.1:6379/9")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

MakeSite = Callable[..., Flask]


def leave_out(what: str) -> None:
    """Leave the test out for want of `what`, unless this is CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and in CI nothing may be left out")
    pytest.skip(f"left out: this machine has no {what}")


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    try:
        psycopg.connect(POSTGRESQL, connect_timeout=2).close()
    except psycopg.OperationalError:
        leave_out("PostgreSQL")
    return POSTGRESQL


@pytest.fixture
def postgresql_uri(postgresql_server: str) -> Iterator[str]:
    """A database of its own, gone after the test."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    base = postgresql_server.rpartition("/")[0].replace("postgresql:", "postgresql+psycopg:")
    yield f"{base}/{name}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url() -> Iterator[str]:
    client = Redis.from_url(REDIS)
    try:
        client.flushdb()
    except RedisError:
        leave_out("Redis")
    yield REDIS
    client.flushdb()
    client.close()


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = chromium_path()
    if executable is None:
        leave_out("Chromium")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        except Error as error:
            pytest.fail(f"Chromium does not start: {error}")
        yield chromium
        chromium.close()


@contextmanager
def serving(site: Flask) -> Iterator[str]:
    """Serve the site over a real socket, and tell its address."""
    server = make_server("127.0.0.1", 0, site, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Make a migrated site; each keyword is a setting."""
    sites: list[Flask] = []

    def make(**settings: Any) -> Flask:  # noqa: ANN401 - settings are of any kind
        database = f"sqlite:///{tmp_path}/site.db"
        defaults = {"SECRET_KEY": "test " * 8, "SQLALCHEMY_DATABASE_URI": database}
        site = create_app(defaults | settings)
        sites.append(site)
        with site.app_context():
            upgrade(directory=MIGRATIONS)
        return site

    yield make
    for site in sites:
        site.extensions["sealing"].wait()
        with site.app_context():
            db.engine.dispose()


# The whole journey is walked on each pair of database and session store that an operator can run.
BACKENDS = ["sqlite", "postgresql", "sqlite+redis", "postgresql+redis"]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of one such pair."""
    settings: dict[str, Any] = {}
    if "postgresql" in request.param:
        settings["SQLALCHEMY_DATABASE_URI"] = request.getfixturevalue("postgresql_uri")
    if "redis" in request.param:
        settings["REDIS_URL"] = request.getfixturevalue("redis_url")
    return settings


@pytest.fixture
def site(backend: dict[str, Any], make_site: MakeSite) -> Flask:
    return make_site(**backend)


@pytest.fixture
def visitor(site: Flask) -> Visitor:
    return Visitor(site)


def statements(site: Flask) -> list[str]:
    """Collect every statement that goes to the database from now on."""
    seen: list[str] = []
    with site.app_context():

        @event.listens_for(db.engine, "before_cursor_execute")
        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:  # noqa: ANN401
            seen.append(statement)

    return seen


@pytest.fixture
def context(browser: Browser, site: Flask) -> Iterator[BrowserContext]:
    """A new visitor's browser on the site that the test module made."""
    with serving(site) as address:
        context = browser.new_context(base_url=address)
        yield context
        context.close()
