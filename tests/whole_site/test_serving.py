"""`python app.py`: the production server, and what must not bring it down."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.request import urlopen
from uuid import UUID

import pytest
from conftest import MakeSite
from registries import FILLED_IN, shipped_with
from served import ROOT, WORKERS, free_port, listening, patiently

from blueprints.site.setup import SHIPPED

pytestmark = pytest.mark.slow

STALLED = 200


def start(**settings: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
    return subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, ROOT / "app.py"],
        env=environment | settings,
        start_new_session=True,  # as a terminal gives it one
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(make_site: MakeSite, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    make_site()  # migrates the database that the server will use
    port = free_port()
    process = start(
        FLASK_PORT=str(port),
        FLASK_SECRET_KEY="k" * 32,
        FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.db",
    )
    patiently(lambda: listening(port) == WORKERS)
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


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return [int(pid) for pid in tasks.split()]


def has_ended(process: int) -> bool:
    """Whether there is no such process, or only what is left of it until its parent has looked."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def test_a_killed_worker_is_replaced_while_the_other_serves(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = server
    workers = workers_of(process)
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


def test_however_often_a_worker_is_killed_the_site_goes_on(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = server
    for _ in range(3):
        for worker in workers_of(process):
            os.kill(worker, signal.SIGKILL)
            patiently(partial(has_ended, worker))
        patiently(lambda: listening(port) == WORKERS)
        patiently(partial(answers, port))
    assert process.poll() is None


def answers(port: int) -> bool:
    """Whether the site serves; a connection that a killed worker had taken is reset."""
    try:
        return b"<h1>" in fetch(port, "/")
    except ConnectionError:
        return False


def test_the_workers_end_with_a_killed_main_process(
    server: tuple[subprocess.Popen[str], int],
) -> None:
    process, _port = server
    workers = workers_of(process)
    assert workers
    process.kill()
    process.wait()
    for worker in workers:
        patiently(partial(has_ended, worker))


def test_a_taken_port_is_refused_before_anything_is_said(
    server: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    _process, port = server
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):  # noqa: S104 - the second start ends at once
        second = start(
            FLASK_HOST=host,
            FLASK_PORT=str(port),
            FLASK_SECRET_KEY="k" * 32,
            FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.db",
        )
        out, err = second.communicate(timeout=60)
        assert (second.returncode, out) == (1, "")
        assert err == (
            f"FLASK_HOST and FLASK_PORT cannot be used, {host} port {port}: "
            "Address already in use.\n"
        )


@pytest.mark.parametrize("host", ["203.0.113.9", "no.such.name.invalid", "[::1]", "a..b"])
def test_a_host_that_cannot_be_is_refused_before_anything_is_said(
    make_site: MakeSite, tmp_path: Path, host: str
) -> None:
    make_site()
    process = start(
        FLASK_HOST=host,
        FLASK_SECRET_KEY="k" * 32,
        FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.db",
    )
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, len(err.splitlines())) == (1, "", 1)
    assert err.startswith(f"FLASK_HOST and FLASK_PORT cannot be used, {host} port 8000: ")


@pytest.mark.parametrize("seconds", [0.1, 0.4, 0.8, 1.2, 1.6, 2, 3, 5])
def test_ctrl_c_ends_the_start_without_a_traceback(tmp_path: Path, seconds: float) -> None:
    process = start(
        FLASK_PORT=str(free_port()),
        FLASK_SECRET_KEY="k" * 32,
        FLASK_INSTANCE=str(tmp_path),
    )
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers as well
    _out, err = process.communicate(timeout=30)
    assert process.returncode in {0, -signal.SIGINT, -signal.SIGTERM}
    assert err == ""


@pytest.mark.parametrize("name", ["InvestPorto", "Invista em Évora"])
def test_its_address_is_told_once_it_is_served(tmp_path: Path, name: str) -> None:
    port, site = free_port(), tmp_path / "site.toml"
    site.write_text(SHIPPED.read_text("utf-8").replace("InvestPorto", name), encoding="utf-8")
    process = start(
        FLASK_PORT=str(port),
        FLASK_SECRET_KEY="k" * 32,
        FLASK_INSTANCE=str(tmp_path),
        FLASK_SITE=str(site),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"{name} is at http://127.0.0.1:{port}/\n"
    assert b"<h1>" in fetch(port, "/")
    assert "WARNING The registry's [controller] lacks what the" in process.stdout.readline()
    process.terminate()
    process.communicate(timeout=30)


def test_the_log_of_an_outage_is_a_line_an_event_and_of_nobody(
    server: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    process, port = server
    choice = (
        "POST /cookies{} HTTP/1.1\r\nHost: localhost\r\nCookie: session={}\r\nConnection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{}"
    )
    accept = choice.format("", "", 17, "choice=accept_all").encode()
    answer = speak(port, accept).decode()
    cookie = re.findall(r"session=([^;]+);", answer)[-1]
    with closing(sqlite3.connect(tmp_path / "site.db")) as database:
        (subject,) = database.execute("SELECT subject FROM consent_records").fetchone()
        database.execute(
            "CREATE TRIGGER worst BEFORE INSERT ON consent_records"
            " BEGIN SELECT RAISE(ABORT, 'worst'); END"
        )
    assert b" 503 " in speak(port, accept)
    speak(port, choice.format("", cookie, 13, "choice=reject").encode())
    speak(port, choice.format("/withdraw", cookie, 0, "").encode())
    fetch(port, "/")
    process.terminate()
    out, err = process.communicate(timeout=30)
    lines = [*out.splitlines()[1:], *err.splitlines()]
    assert lines
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ \w", line), line
    for told in (cookie, subject, str(UUID(subject)), "given", "refused", "withdrawn", "127.0.0.1"):
        assert told not in out[out.index("\n") :] + err


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


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        (FILLED_IN, None),
        (FILLED_IN[:1], "contact"),
        (
            (*FILLED_IN, ('"Rua 1, Porto"', '"TODO"'), ('pt = "Alojamento"', 'pt = "..."')),
            "address, processors",
        ),
    ],
)
def test_on_line_it_does_not_start_before_somebody_is_responsible(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], lacking: str | None
) -> None:
    registry = tmp_path / "registry.toml"
    registry.write_text(shipped_with(*changes), encoding="utf-8")
    process = start(
        FLASK_PORT=str(free_port()),
        FLASK_INSTANCE=str(tmp_path / "instance"),
        FLASK_PREFERRED_URL_SCHEME="https",
        FLASK_CONSENT_REGISTRY=str(registry),
    )
    if lacking is None:
        assert process.stdout
        assert "InvestPorto is at" in process.stdout.readline()
        process.terminate()
    _out, err = process.communicate(timeout=30)
    if lacking is not None:
        assert process.returncode == 1
        assert err == (
            "The registry's [controller] lacks what the privacy page must say (GDPR Art. 13): "
            f"{lacking}.\n"
        )
