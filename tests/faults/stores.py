"""PostgreSQL and Redis of the fault run's own, which it may kill, stop and start again."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from time import monotonic, sleep

import psycopg
from redis import Redis, RedisError
from served import free_port

SECONDS_TO_START = 60


class Store:
    """A server process with its children, in a session of its own."""

    def __init__(self, command: list[str | Path]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own server
            self._command,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = monotonic() + SECONDS_TO_START
        while not self.answers():
            if monotonic() > until or self._process.poll() is not None:
                raise TimeoutError(f"{self._command} does not start")
            sleep(0.1)

    def answers(self) -> bool:
        raise NotImplementedError

    def send(self, what: signal.Signals) -> None:
        """Send a signal to the server and all its children."""
        for pid in self._pids():
            os.kill(pid, what)

    def kill(self) -> None:
        if self._process:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
            self._process.wait()

    def _pids(self) -> list[int]:
        assert self._process is not None
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                session = (folder / "stat").read_text().rpartition(")")[2].split()[3]
            except OSError:  # It has ended meanwhile.
                continue
            if int(session) == self._process.pid:
                found.append(int(folder.name))
        return found


class PostgreSQL(Store):
    def __init__(self, folder: Path) -> None:
        """Make a cluster in the folder; root may not own one."""
        initdb = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        self._as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        if os.getuid():
            self._as_postgres = []
        else:
            shutil.chown(folder, "postgres")
        data, port = folder / "data", free_port()
        self._address = f"127.0.0.1:{port}/postgres"
        self.uri = f"postgresql+psycopg://postgres@{self._address}"
        made: list[str | Path] = [
            *self._as_postgres,
            initdb,
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
        ]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own server
        server = initdb.with_name("postgres")
        super().__init__([*self._as_postgres, server, "-D", data, "-p", str(port), "-k", folder])

    def answers(self) -> bool:
        try:
            psycopg.connect(f"postgresql://postgres@{self._address}", connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class RedisServer(Store):
    def __init__(self, folder: Path) -> None:
        """Take a Redis that keeps nothing on disk: killed, it forgets every session."""
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        super().__init__(["redis-server", "--port", str(port), "--save", "", "--dir", folder])

    def answers(self) -> bool:
        with Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False
