"""The production server: its port, its workers, its end. ON_LINE.md says why each option.

It is Granian, with four habits of its own closed: it would share a taken port in silence, leave its
workers serving when it is killed, give up when a worker dies twice in five seconds, and log without
a time. The workers are forks, so that a new one serves at once. What they are forked from never
builds the site: a connection that crosses a fork can ruin an SQLite database.
"""

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from blueprints.serving import log

SECONDS_TO_STOP = 10
HEADER_BYTES_AT_MOST = 64 * 1024  # of a request; what a browser sends is a tenth of it
SECONDS_BETWEEN_RESPAWNS = 1
M_ARENA_MAX, ARENAS = -8, 2  # of malloc.h, and how many of those threads have among them
RESOLVER = "timeout:1 attempts:1"  # A name server that says nothing takes 20 seconds otherwise.


class Server(MPServer):
    """Granian that never gives up on a site that was served, however often its workers die."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__(
            "app:create_app",  # only its name: `serve` is given the function
            address=address,
            port=port,
            log_level=LogLevels.error,
            log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {"_granian": {}}},
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=10_000, max_buffer_size=HEADER_BYTES_AT_MOST
            ),
            websockets=False,
            workers=2,
            blocking_threads=256,
            respawn_failed_workers=True,
            workers_kill_timeout=SECONDS_TO_STOP,
        )
        self.served = Event()

    def _respawn_workers(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on
        super()._respawn_workers(*args, **options)
        if self.served.is_set():
            self.respawned_wrks.clear()  # By these it would know that one died twice.
            time.sleep(SECONDS_BETWEEN_RESPAWNS)


def serve(create_app: Callable[[], Flask]) -> None:
    """Serve the site until it is told to stop.

    Raises:
        SystemExit: with one sentence, when a setting is wrong or the port is taken.

    """
    log.set_up()
    os.environ.setdefault("RES_OPTIONS", RESOLVER)  # read by the C library, resolv.conf(5)
    with suppress(AttributeError):  # which another C library than GNU's has not
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)  # Each would keep what it frees: mallopt(3).
    multiprocessing.set_start_method("fork")
    with ProcessPoolExecutor(1) as trial:  # A wrong setting stops here, before there are workers.
        name, host, port, metrics, told_at_start = trial.submit(_settings, create_app).result()
    with ExitStack() as held:
        of = "FLASK_HOST and FLASK_PORT"
        address, *_port = held.enter_context(_hold(host, port, of)).getsockname()
        if metrics:
            held.enter_context(_hold(*metrics, "FLASK_METRICS_ADDRESS"))
            # The workers count in it together; what dies with the site is not counted on.
            folder = held.enter_context(TemporaryDirectory(prefix="metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        # Ctrl-C reaches the workers too, which inherit that it waits: only this process acts on it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        Thread(target=_stop_on_interrupt, daemon=True).start()
        server = Server(address, port)
        shown = f"[{host}]" if ":" in host else host
        lines = (log.line(logging.WARNING, sentence) for sentence in told_at_start)
        told = "\n".join((f"{name} is at http://{shown}:{port}/", *lines))
        Thread(target=_tell_when_served, args=(server, told), daemon=True).start()
        server.serve(target_loader=partial(_work, create_app), wrap_loader=False)


def _settings(
    create_app: Callable[[], Flask],
) -> tuple[str, str, int, tuple[str, int] | None, list[str]]:
    Thread(target=_end_with_parent, daemon=True).start()
    app = create_app()
    if reasons := app.extensions["stops_the_start"]:
        raise SystemExit(" ".join(reasons))
    told, metrics = app.extensions["told_at_start"], app.extensions["metrics_address"]
    return app.extensions["site"].name, app.config["HOST"], app.config["PORT"], metrics, told


def _hold(host: str, port: int, settings: str) -> socket.socket:
    """Bind the address, without listening, for as long as the site runs.

    The workers each listen on it, which takes SO_REUSEPORT; but so could a second site. Set after
    binding, it lets the workers in, and another start, which binds without it, is refused.
    """
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        held = socket.socket(family, kind, protocol)
        # What a site that was just stopped left behind does not count as taken.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise SystemExit(f"{settings} cannot be used, {host} port {port}: {reason}.") from None
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return held


def _tell_when_served(server: Server, told: str) -> None:
    while not server.served.is_set():
        connection = HTTPConnection(server.bind_addr, server.bind_port, timeout=SECONDS_TO_STOP)
        try:
            connection.request("GET", "/health")
            connection.getresponse()
            server.served.set()
        except (OSError, HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    print(told, flush=True)  # noqa: T201 - for the operator


def _stop_on_interrupt() -> None:
    signal.sigwait({signal.SIGINT})
    os.kill(os.getpid(), signal.SIGTERM)


def _work(create_app: Callable[[], Flask]) -> Flask:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the parent's, until Granian sets its own
    Thread(target=_end_with_parent, daemon=True).start()
    app = create_app()
    for begin in app.extensions["when_serving"]:
        begin()
    return app


def _end_with_parent() -> None:
    """End this process, as the main one would have, when that is gone: killed, for one."""
    parent = multiprocessing.parent_process()
    while parent and os.getppid() == parent.pid:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_STOP)
    os._exit(1)
