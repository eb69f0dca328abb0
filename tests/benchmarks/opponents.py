"""What the site is compared with, on the same server with the same options.

raw      WSGI that sends constant bytes: nothing on this server is faster
bare     Flask that sends constant bytes: what every Flask site costs
usual    a cookie consent as it is usually written: usual_way.py

Run as a program it is told which, its port, how many bytes to send (`usual`: the folder of its
database), and which modules to import first.
"""

import multiprocessing
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from flask import Flask
from served import Served

from blueprints.serving.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

TYPE = "text/html; charset=utf-8"


class Opponent(Served):
    """One of them, as a process of its own."""

    def __init__(self, kind: str, *more: str) -> None:
        super().__init__()
        program = Path(__file__).with_name("usual_way.py" if kind == "usual" else "opponents.py")
        self.command = [sys.executable, program, kind, str(self.port), *more]


def raw(size: str) -> Any:  # noqa: ANN401 - whatever the server takes
    body = b"x" * int(size)
    headers = [("Content-Type", TYPE), ("Content-Length", size)]
    health = [("Content-Type", "text/plain"), ("Content-Length", "3")]

    def application(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        if environ["PATH_INFO"] == "/health":
            start_response("200 OK", health)
            return [b"ok\n"]
        start_response("200 OK", headers)
        return [body]

    return application


def bare(size: str) -> Flask:
    body = b"x" * int(size)
    app = Flask("bare", static_folder=None)

    @app.get("/")
    def page() -> tuple[bytes, dict[str, str]]:
        return body, {"Content-Type": TYPE}

    @app.get("/health")
    def health() -> str:
        return "ok\n"

    return app


def serve(kinds: Mapping[str, Callable[[str], Any]]) -> None:
    """Serve the kind that the command line names, as the site is served."""
    kind, port, argument, *modules = sys.argv[1:]
    for module in modules:
        import_module(module)
    multiprocessing.set_start_method("fork")
    server = Server("127.0.0.1", int(port))
    server.serve(target_loader=partial(kinds[kind], argument), wrap_loader=False)


if __name__ == "__main__":
    serve({"raw": raw, "bare": bare})
