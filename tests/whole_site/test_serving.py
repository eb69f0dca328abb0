"""`python app.py`: the production server, and what must not bring it down."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from conftest import MakeSite

ROOT = Path(__file__).parents[2]
STALLED = 200


def start(**settings: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(make_site: MakeSite, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    make_site()  # migrates the database that the server will use
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(
        FLASK_PORT=str(port),
        FLASK_SECRET_KEY="k" * 32,
        FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.db",
    )
    for _ in range(300):
        try:
            fetch(port, "/health")
            break
        except OSError:
            time.sleep(0.1)
    yield process, port
    process.terminate()
    process.communicate(timeout=30)


def fetch(port: int, path: str) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return bytes(answer.read())


def speak(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        return connection.recv(65536)


def stall(port: int, request: bytes) -> list[socket.socket]:
    connections = []
    for _ in range(STALLED):
        connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        connection.sendall(request)
        connections.append(connection)
    return connections


@pytest.mark.parametrize(
    "half",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        (
            b"POST /cookies HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nchoice="
        ),
    ],
    ids=["headers", "bodies"],
)
def test_two_hundred_stalled_clients_starve_nobody(
    server: tuple[subprocess.Popen[str], int], half: bytes
) -> None:
    _process, port = server
    connections = stall(port, half)
    for _ in range(5):
        assert b"<h1>" in fetch(port, "/")
    for connection in connections:
        connection.close()


def test_a_killed_worker_is_replaced_while_the_other_serves(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = server
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    workers = [int(pid) for pid in tasks.split()]
    assert len(workers) >= 2
    os.kill(workers[-1], signal.SIGKILL)
    resets = 0
    for _ in range(20):
        try:
            assert b"<h1>" in fetch(port, "/")
        except ConnectionResetError:
            resets += 1  # the one request that the killed worker had already taken
    assert resets <= 1
    assert process.poll() is None


def test_a_body_without_a_length_is_refused(server: tuple[subprocess.Popen[str], int]) -> None:
    _process, port = server
    head = (
        b"POST /cookies HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
    )
    body = b"\r\nd\r\nchoice=reject\r\n0\r\n\r\n"
    assert speak(port, head + body).startswith(b"HTTP/1.1 411 ")
    smuggled = speak(port, head + b"Content-Length: 4\r\n" + body)
    assert re.match(rb"HTTP/1\.1 4(00|11) ", smuggled)


def test_no_host_or_two_hosts_are_refused(server: tuple[subprocess.Popen[str], int]) -> None:
    _process, port = server
    for hosts in (b"", b"Host: a\r\nHost: b\r\n"):
        request = b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n"
        assert speak(port, request).startswith(b"HTTP/1.1 400 ")


def test_it_stops_when_asked_even_with_stalled_clients(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = server
    head = b"POST /cookies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nc"
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(head)
    process.terminate()
    assert process.wait(timeout=30) == 0
    connection.close()


@pytest.mark.parametrize(
    ("setting", "value"), [("PORT", "eighty"), ("PROXY_HOPS", "-1"), ("CONSENT_MODEL", "none")]
)
def test_a_wrong_setting_ends_the_start_with_one_sentence(
    tmp_path: Path, setting: str, value: str
) -> None:
    process = start(
        **{f"FLASK_{setting}": value},
        FLASK_SECRET_KEY="k" * 32,
        FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/x.db",
    )
    _out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    sentence = [line for line in err.splitlines() if "behind this version" not in line]
    assert len(sentence) == 1
    assert sentence[0].startswith(f"FLASK_{setting} must be ")
