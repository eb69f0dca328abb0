"""The bench on which all is measured: sites on stores of their own, opponents, who sends, options.

Every site is what `python app.py` serves, with an instance folder of its own and a database that is
gone afterwards. It believes one proxy, so that each request can come from another client and the
limits of the site are never met.
"""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from uuid import uuid4

import click
import psycopg
from flask import Flask
from load import Load
from opponents import Opponent
from redis import Redis
from served import Served

from app import create_app
from blueprints.database.schema import upgrade

BARE, RAW, USUAL = "bare Flask", "raw WSGI", "the usual way"


class Bench:
    def __init__(self, options: Namespace) -> None:
        """Take what the command line says."""
        self.options = options
        self.is_quick: bool = options.quick
        self.seconds, self.rounds = (0.3, 2) if options.quick else (2.0, 5)
        self.records: int = options.records or (2_000 if options.quick else 100_000)
        self.sessions: int = options.sessions or self.records // 10
        self.minutes: float = options.minutes or (0.1 if options.quick else 2)
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self.folder = Path(self._held.enter_context(TemporaryDirectory(prefix="benchmarks-")))
        self.load = self._held.enter_context(Load())
        if self.options.redis:  # Sites share it: the keys of sessions are random.
            client = self._held.enter_context(Redis.from_url(self.options.redis))
            client.flushdb()
            self._held.callback(client.flushdb)
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @property
    def stores(self) -> list[str]:
        """Every pair of database and session store that the options allow."""
        with_servers = {
            "PostgreSQL": self.options.postgresql,
            "SQLite and Redis": self.options.redis,
            "PostgreSQL and Redis": self.options.postgresql and self.options.redis,
        }
        return ["SQLite", *[name for name, is_there in with_servers.items() if is_there]]

    @contextmanager
    def site(self, stores: str = "SQLite", uri: str | None = None) -> Iterator[Served]:
        """Serve a site; `uri` is a database that is there already."""
        with ExitStack() as held:
            settings = {"PROXY_HOPS": "1", "INSTANCE": str(self.folder / uuid4().hex)}
            if uri or "PostgreSQL" in stores:
                uri = uri or held.enter_context(database(self.options.postgresql))
                settings["SQLALCHEMY_DATABASE_URI"] = uri
            if "Redis" in stores:
                settings["REDIS_URL"] = self.options.redis
            served = Served(**settings)
            served.flask("db", "upgrade").check_returncode()
            held.callback(served.stop)
            served.start()
            yield served

    @contextmanager
    def opponent(self, kind: str, *arguments: str) -> Iterator[Served]:
        served = Opponent(kind, *arguments)
        try:
            served.start()
            yield served
        finally:
            served.stop()

    @contextmanager
    def usual(self) -> Iterator[Served]:
        folder = self.folder / uuid4().hex
        folder.mkdir()
        with self.opponent("usual", str(folder)) as served:
            yield served

    def settings(self, uri: str) -> dict[str, str]:
        """Return those of a site in this process, on a database."""
        instance = str(self.folder / "own")
        return {"SQLALCHEMY_DATABASE_URI": uri, "SECRET_KEY": "x" * 32, "INSTANCE": instance}

    def migrated(self, uri: str) -> Flask:
        """Make a site in this process, on a database with its tables."""
        with click.Context(click.Command("benchmarks"), info_name="benchmarks"):
            site = create_app(self.settings(uri))
        with site.app_context():
            upgrade()
        return site


@contextmanager
def database(server: str) -> Iterator[str]:
    """A database of its own on PostgreSQL, gone afterwards."""
    name = f"benchmark_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    base = server.rpartition("/")[0].replace("postgresql:", "postgresql+psycopg:")
    try:
        yield f"{base}/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
