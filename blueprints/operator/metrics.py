"""Numbers for Prometheus on an address of their own; no visitor appears in them.

This is loaded only where FLASK_METRICS_ADDRESS is set. Each worker counts in a file of its own, in
the library's multiprocess mode, and whichever is asked adds up the files of all. A worker that
takes the place of a dead one goes on with its file, so that no count goes back, and there are no
more files than workers. Labels are the names of views and kinds, and nothing that a visitor sends.
"""

import fcntl
import os
import re
import socket
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, make_wsgi_app, values
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from blueprints.consent.methods import METHODS
from blueprints.consent.recording import choice_recorded
from blueprints.consent.visitor import last_decision
from blueprints.database.outage import store_failed
from blueprints.proof.seals import length_of_open, newest_seals, oldest_open

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # in the environment: the library's own name for it
FILE_BYTES = 1024 * 1024  # all labels take a tenth of it
SECONDS = 5  # who asks for the numbers may be silent no longer
# The stores by the names with which they say that they fail, and those that only a Redis has.
STORES = ("The database", "The database, for writing,", "The limits")
OF_REDIS = ("Redis", "Redis, for changes,")
# What the security room says of a request in its environment.
VIEW, IS_KEPT = "page_cache.view", "page_cache.is_kept"


def begin(app: Flask) -> None:
    """Count from now on in this process, and give out the numbers of all."""
    folder = Path(os.environ[FOLDER])
    try:
        number = _take_number(folder)
    except OSError as error:
        app.logger.error("Nothing is counted for Prometheus: %s", error.strerror)
        return
    values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
    _count(app)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    registry.register(OfTheLog(app))
    host, port = app.extensions["metrics_address"]
    kind = Server6 if ":" in host else Server
    server = make_server(host, port, make_wsgi_app(registry), kind, Handler)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _take_number(folder: Path) -> int:
    """Return the first number that no living process has; the system frees that of a dead one."""
    for number in count():
        descriptor = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        file = folder / f"counter_{number}.db"
        if not file.exists():
            _make_room(file)
        return number
    raise AssertionError  # There is no end of numbers.


def _make_room(file: Path) -> None:
    """Take the room beforehand: who writes to a mapped file on a full disk is killed."""
    part = file.with_suffix(".part")
    with part.open("wb") as opened:
        os.posix_fallocate(opened.fileno(), 0, FILE_BYTES)
    part.rename(file)  # Others read it from now on.


def _count(app: Flask) -> None:
    """Count what happens, from 0 on: of what is absent nobody sees a rise."""
    requests = _counter("requests", "Answers, by view and status.", "route", "status")
    kept = _counter("page_cache_hits", "Answers that were kept ready.")
    choices = _counter("choices", "Choices recorded, by kind.", "kind")
    failures = _counter("store_errors", "Failures of a store.", "store")
    application = app.wsgi_app

    def count_answer(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        def counted(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - passed on
            view = environ.get(VIEW, "static")  # No other answer comes without one.
            requests.labels(view, status[:3]).inc()
            if IS_KEPT in environ:
                kept.inc()
            return start_response(status, headers, *more)

        return application(environ, counted)

    def count_choice(_app: Flask) -> None:
        if decision := last_decision():
            choices.labels(decision.method).inc()

    def failures_of(name: str) -> Counter:
        words = re.findall(r"[a-z]+", name.lower().removeprefix("the "))
        return failures.labels("_".join(words))

    for name in STORES + (OF_REDIS if app.config["REDIS_URL"] else ()):
        failures_of(name)
    for method in METHODS:
        choices.labels(method)
    app.wsgi_app = count_answer  # type: ignore[method-assign]
    choice_recorded.connect(count_choice, app, weak=False)
    store_failed.connect(lambda name: failures_of(name).inc(), weak=False)


def _counter(name: str, told: str, *labels: str) -> Counter:
    return Counter(f"microsite_{name}", told, labels, registry=None)


class OfTheLog(Collector):
    """What is asked of the database when somebody wants to know; nothing while it cannot tell."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def collect(self) -> Iterable[Metric]:
        with self._app.app_context():
            try:
                length, oldest, seals = length_of_open(), oldest_open(), newest_seals(1)
            except SQLAlchemyError:
                return
        yield _gauge("open_records", "Records that no seal has taken yet.", length)
        if oldest:
            told = "When the first of them was decided."
            yield _gauge("oldest_open_record_timestamp_seconds", told, oldest.timestamp())
        for seal in seals:
            told = "When the log was sealed last."
            yield _gauge("last_seal_timestamp_seconds", told, seal.sealed_at.timestamp())


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"microsite_{name}", told, value=value)


class Server(WSGIServer):
    """Answers one after the other. All workers listen; the main process holds the address."""

    allow_reuse_port = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # The one between looks the host's name up, for whatever long.
        host, self.server_port, *_more = self.socket.getsockname()
        self.server_name = str(host)
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who went away meanwhile is no event."""


class Server6(Server):
    address_family = socket.AF_INET6


class Handler(WSGIRequestHandler):
    timeout = SECONDS

    def log_message(self, *_args: object) -> None:
        """Nobody needs a line for each time that somebody asked."""
