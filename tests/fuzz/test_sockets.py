"""Nothing that is sent over a socket ends the server or a worker, or is answered with 500.

Requests of `inputs.py` in one go, cut off, or with their line, headers or end spoilt.
"""

import re
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import MakeSite
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from inputs import NASTY, Requests, raw
from served import Served
from site_to_fuzz import BEHIND_A_PROXY, requests_to, settings_of_a_full_site
from tries import Tries

pytestmark = pytest.mark.slow

SECONDS_OF_SILENCE = 0.2
SECONDS_TO_END = 2
SPOILT = [b"\0", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"\xff", b":", b"\r\n ", b"HTTP/9.9"]
SPOILT += [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"a" * 9000]
SPOILT += [
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n",
    b"a: b\r\n" * 99,
]
LAST = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
FAILED = re.compile(rb"^HTTP/1\.[01] 5\d\d ", re.MULTILINE)


@st.composite
def bytes_sent(draw: DrawFn, requests: Requests) -> bytes:
    together = draw(st.lists(requests.strategy, min_size=1, max_size=3))
    sent = b"".join(one.on_the_wire() for one in together)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, min(len(sent), 400)))
        spoilt = draw(st.sampled_from([*SPOILT, *map(raw, NASTY)]))
        sent = sent[:at] + spoilt + sent[at + draw(st.integers(0, 3)) :]
    is_cut_off = draw(st.integers(0, 9)) == 0
    return sent[: draw(st.integers(0, len(sent)))] if is_cut_off else sent + LAST


def said_to(port: int, sent: bytes) -> bytes:
    """Return all that the server says until it ends the connection; silence is told to go on.

    Raises:
        TimeoutError: it does not end the connection although nothing more comes.

    """
    said = b""
    connection = socket.create_connection(("127.0.0.1", port), SECONDS_TO_END)
    with connection, suppress(ConnectionError):  # It may end it before it has read all.
        connection.sendall(sent)
        connection.settimeout(SECONDS_OF_SILENCE)
        with suppress(TimeoutError):
            while part := connection.recv(65536):
                said += part
            return said
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(SECONDS_TO_END)
        while part := connection.recv(65536):
            said += part
    return said


def test_nothing_that_is_sent_ends_the_server(
    make_site: MakeSite, tmp_path: Path, tries: Tries
) -> None:
    settings = settings_of_a_full_site(tmp_path)
    requests = requests_to(make_site(**settings, **BEHIND_A_PROXY))
    database = f"sqlite:///{tmp_path}/site.db"
    served = Served(**settings, PROXY_HOPS="1", SQLALCHEMY_DATABASE_URI=database)

    @tries(0.1)
    @given(bytes_sent(requests))
    def try_it(sent: bytes) -> None:
        try:
            said = said_to(served.port, sent)
        except TimeoutError:  # A busy machine is slow once; what hangs, hangs again.
            said = said_to(served.port, sent)
        assert not FAILED.search(said)
        assert served.workers() == workers, "a worker has died"

    try:
        served.start()
        workers = served.workers()
        try_it()
        assert served.is_healthy()
        assert served.workers() == workers
    finally:
        served.stop()
