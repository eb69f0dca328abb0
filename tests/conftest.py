"""What all tests share: a real site on a real database file, and a browser-like visitor.

A test that needs PostgreSQL, Redis or a browser asks for its fixture. Where the machine lacks one
the test is left out and says so; with CI=true nothing may be left out and it fails instead.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any, NoReturn
from uuid import uuid4

import psycopg
import pytest
from browserlike import Visitor
from flask import Flask
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from partner import Partner, partner_server
from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright
from redis import Redis, RedisError
from served import free_port, serving
from sqlalchemy import event
from time_machine import travel
from tries import TRIES_OF_A_RUN, Tries

import app
from app import create_app
from blueprints.database import db, setup
from blueprints.database.schema import upgrade

POSTGRESQL = os.environ.get("TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
# Each process of a run has a Redis database of its own: the named one, or one of those after it.
REDIS, _slash, _number = os.environ.get("TEST_REDIS", "redis://127.0.0.1:6379/9").rpartition("/")
REDIS += f"/{int(_number) + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw'))}"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# A test machine may be busy for longer than a reader waits on line, and that is no outage.
PATIENT_SECONDS = 4

# The wings that are left out of this run: tests/whole_site/test_wings.py.
WITHOUT = os.environ.get("WITHOUT", "").split()
collect_ignore = WITHOUT  # their own tests

# Each pair of database and session store that an operator can run, and those in which each of the
# four stands once.
ALL_STORES = ("sqlite", "postgresql", "sqlite+redis", "postgresql+redis")
STORES = ("sqlite", "postgresql+redis")

# Fixtures and parameters by which a test asks for one.
OF_A_SERVER = {"browser", "postgresql", "postgresql_server", "redis", "redis_url", "redis_server"}

MakeSite = Callable[..., Flask]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, default=TRIES_OF_A_RUN, help="How often tests/fuzz tries.")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        if mark.args[0] in WITHOUT:
            pytest.skip(f"{mark.args[0]} is left out")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Call slow what wants a server or a browser; what is slow by itself says so.

    Of the others the first example of each is the first answer that somebody new waits for.
    """
    begun = set[str]()
    for item in items:
        wanted = {*getattr(item, "fixturenames", ()), *re.findall(r"\w+", item.nodeid)}
        if wanted & OF_A_SERVER:
            item.add_marker(pytest.mark.slow)
        test = item.nodeid.partition("[")[0]
        if test not in begun and not item.get_closest_marker("slow"):
            begun.add(test)
            item.add_marker(pytest.mark.first)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of a `site` on the pairs of stores that its mark names, `STORES` if none."""
    if "backend" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("stores")
        metafunc.parametrize("backend", mark.args if mark else STORES, indirect=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once for each reason how many tests were left out."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, number in Counter(report.longrepr[2] for report in skipped).items():
        terminalreporter.line(f"{number} tests {reason.removeprefix('Skipped: ')}")


def leave_out(what: str) -> NoReturn:
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
def whole_minute() -> Iterator[None]:
    """A minute that has just begun: the limits count anew at its end."""
    with travel(datetime.now(UTC).replace(second=0)):
        yield


@pytest.fixture
def postgresql_uri(postgresql_server: str) -> Iterator[str]:
    """A database of its own, gone after the test."""
    with database_on(postgresql_server) as uri:
        yield uri


@pytest.fixture(scope="session")
def migrated_postgresql(
    postgresql_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The name of a database as the migrations leave it, for others to begin as a copy."""
    folder = tmp_path_factory.mktemp("migrated_postgresql")
    with database_on(postgresql_server) as uri:
        settings = {"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": uri}
        site = create_app(settings | {"INSTANCE": str(folder)})
        with site.app_context():
            upgrade()
            db.engine.dispose()
        yield uri.rpartition("/")[2]


@pytest.fixture
def migrated_postgresql_uri(postgresql_server: str, migrated_postgresql: str) -> Iterator[str]:
    with database_on(postgresql_server, f"TEMPLATE {migrated_postgresql}") as uri:
        yield uri


@contextmanager
def database_on(server: str, like: str = "") -> Iterator[str]:
    """Make a database, and tell its address."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {like}")
    base = server.rpartition("/")[0].replace("postgresql:", "postgresql+psycopg:")
    yield f"{base}/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
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


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[tuple[str, Redis]]:
    """A Redis of the test's own, which it may break, and a client of it."""
    if shutil.which("redis-server") is None:
        leave_out("Redis")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own
        client = Redis(port=port)
        while True:
            try:
                client.ping()
                break
            except RedisError:
                sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0", client
        client.close()
        process.kill()


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


@pytest.fixture(scope="session", autouse=True)
def wings() -> None:
    app.BLUEPRINTS = tuple(room for room in app.BLUEPRINTS if room.name not in WITHOUT)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database as the migrations leave it, for each site to begin with a copy."""
    folder = tmp_path_factory.mktemp("migrated")
    file = folder / "site.db"
    settings = {"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}"}
    site = create_app(settings | {"INSTANCE": str(folder)})
    with site.app_context():
        upgrade()
        db.engine.dispose()
    return file


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for what all sites write, so that each file is compressed but once."""
    return str(tmp_path_factory.mktemp("instance"))


@pytest.fixture
def make_site(
    tmp_path: Path,
    migrated_file: Path,
    compiled_templates: BytecodeCache,
    instance: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MakeSite]:
    """Make a migrated site; each keyword is a setting, but `registry`, the text of one."""
    monkeypatch.setattr(setup, "SITE_SECONDS", PATIENT_SECONDS)
    sites: list[Flask] = []

    def make(registry: str = "", **settings: Any) -> Flask:  # noqa: ANN401 - settings are of any kind
        if registry:
            settings["CONSENT_REGISTRY"] = str(tmp_path / "registry.toml")
            (tmp_path / "registry.toml").write_text(registry, encoding="utf-8")
        file = tmp_path / "site.db"
        if not file.exists() and "SQLALCHEMY_DATABASE_URI" not in settings:
            shutil.copy(migrated_file, file)
        # A secret of its own, so that what is counted for 127.0.0.1 is not another test's.
        defaults = {
            "SECRET_KEY": f"test {tmp_path}",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}",
            "INSTANCE": instance,
            # A page that asks for a purpose which is not declared fails; a fault is still a page.
            "TESTING": True,
            "PROPAGATE_EXCEPTIONS": False,
        }
        site = create_app(defaults | settings)
        site.jinja_env.bytecode_cache = compiled_templates
        sites.append(site)
        with site.app_context():
            if not site.extensions["database_is_current"]:
                upgrade()
        return site

    yield make
    for site in sites:
        if "sealing" in site.extensions:
            site.extensions["sealing"].wait()
        with site.app_context():
            db.engine.dispose()


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of one pair of stores: see pytest_generate_tests."""
    settings: dict[str, Any] = {}
    if "postgresql" in request.param:
        settings["SQLALCHEMY_DATABASE_URI"] = request.getfixturevalue("migrated_postgresql_uri")
    if "redis" in request.param:
        settings["REDIS_URL"] = request.getfixturevalue("redis_url")
    return settings


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a test module sets for its site, in a fixture of its own of this name."""
    return {}


@pytest.fixture
def site(backend: dict[str, Any], settings: dict[str, Any], make_site: MakeSite) -> Flask:
    return make_site(**backend, **settings)


@pytest.fixture
def visitor(site: Flask) -> Visitor:
    return Visitor(site)


@pytest.fixture
def partner() -> Iterator[Partner]:
    with partner_server() as server:
        yield server


@pytest.fixture
def tries(pytestconfig: pytest.Config) -> Tries:
    return Tries(pytestconfig.getoption("fuzz"))


def statements(site: Flask) -> list[str]:
    """Collect every statement that goes to the database from now on."""
    seen: list[str] = []
    store: Any = site.extensions["sessions"]._store  # noqa: SLF001 - it asks the driver itself
    if look_up := getattr(store, "_data_of", None):

        def ask(key: str) -> object:
            seen.append("SELECT sessions.data")
            return look_up(key)

        store._data_of = ask  # noqa: SLF001
    with site.app_context():

        @event.listens_for(db.engine, "before_cursor_execute")
        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:  # noqa: ANN401
            seen.append(statement)

    return seen


@pytest.fixture
def address(site: Flask) -> Iterator[str]:
    """Where the site of the test is really served."""
    with serving(site) as address:
        yield address


@pytest.fixture
def context(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A new visitor's browser on that site."""
    context = browser.new_context(base_url=address)
    yield context
    context.close()
