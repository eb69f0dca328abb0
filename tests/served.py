"""Sites that are really served: in a thread of the test, or as `python app.py` serves them.

The latter is a process of its own, which a test may break and start again.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from wsgiref.types import WSGIApplication

from werkzeug.serving import make_server

ROOT = Path(__file__).parents[1]
WORKERS = 2
SECONDS_TO_START = 60


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def serving(site: WSGIApplication, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve the site over a real socket, and tell its address; with a certificate over TLS."""
    context = (str(certificate[0]), str(certificate[1])) if certificate else None
    server = make_server("127.0.0.1", 0, site, threaded=True, ssl_context=context)
    thread = Thread(target=server.serve_forever, args=(0.02,))  # at each stop it is waited for
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def patiently(reached: Callable[[], object]) -> None:
    """Wait until something is so; what cannot be asked yet is not."""
    for _ in range(300):
        with suppress(OSError):
            if reached():
                return
        sleep(0.1)
    raise TimeoutError("it did not come about")


def listening(port: int) -> int:
    """Count the workers that listen."""
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(
        line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines
    )


class Served:
    """A site on a port, of this checkout unless `root` is another; each keyword is a setting."""

    def __init__(self, **settings: str) -> None:
        self.root = ROOT
        self.port = free_port()
        self.environment = {
            key: value for key, value in os.environ.items() if not key.startswith("FLASK_")
        } | {f"FLASK_{key}": value for key, value in {"PORT": str(self.port), **settings}.items()}
        self.command: list[str | Path] = []  # of another program than the site
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self, **also: str) -> subprocess.Popen[bytes]:
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            self.command or [sys.executable, self.root / "app.py"],
            env=self.environment | also,
            start_new_session=True,  # Ctrl-C is for who runs this, who then ends it.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self.process

    def start(self, **also: str) -> None:
        """Start it, and wait until all workers are there.

        Raises:
            TimeoutError: they are not.

        """
        process = self.launch(**also)
        until = monotonic() + SECONDS_TO_START
        while not (len(self.workers()) == WORKERS and self.is_healthy()):
            if monotonic() > until or process.poll() is not None:
                raise TimeoutError("the site does not start")
            sleep(0.05)

    def flask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the operator with the settings of the site."""
        return subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-m", "flask", *command],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def workers(self) -> list[int]:
        """Return the processes that listen for the main one."""
        if self.process is None:
            return []
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [int(pid) for pid in children.read_text(encoding="ascii").split()]
        except OSError:
            return []

    def is_healthy(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().read() == b"ok\n"
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """Kill the main process; its workers end by themselves."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it with all that it started."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
