"""Sends requests as fast as they are answered: one at a time on each connection, which is kept.

Two processes share the connections, so that they can ask for more than any server here answers; how
busy they were is told with each result. Where a request has `%ADDRESS%` another address of a client
stands there each time, as in each form: the limits of the site are not what is measured.
"""

import random
import re
import select
import socket
from array import array
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import chain, repeat
from multiprocessing import get_context
from time import perf_counter, process_time
from typing import Self

PROCESSES = 2
CLIENTS = 16
SECONDS_TO_WAIT = 10
HOST = "localhost"
ADDRESS = b"%ADDRESS%"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HUNG_UP = 0


def request(path: str, *, method: str = "GET", body: str = "", **headers: str) -> bytes:
    """Write a request; `accept_encoding="br"` is a header."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    if method == "POST":
        lines += ["Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Site: same-origin"]
        lines += [f"X-Forwarded-For: {ADDRESS.decode()}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


@dataclass(frozen=True)
class Job:
    """What is sent, in turn and from the beginning again, and what is right for an answer."""

    port: int
    requests: Sequence[bytes]
    status: int = 200


@dataclass(frozen=True)
class Answers:
    seconds: Sequence[float]  # that each took, sorted
    elapsed: float
    failed: Counter[int]  # by the status that was answered instead, or HUNG_UP
    busy: float  # share of the time in which the busiest process that sent was at work

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        return self.seconds[int(share * (len(self.seconds) - 1))] if self.seconds else float("nan")


class Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS_TO_WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._received = b""

    def send(self, message: bytes) -> None:
        self.sent_at = perf_counter()
        self.socket.sendall(message)

    def receive(self) -> int | None:
        """Return the status of the answer, `HUNG_UP`, or None while a part is still to come."""
        try:
            part = self.socket.recv(1 << 16)
        except OSError:
            part = b""
        if not part:
            return HUNG_UP
        self._received += part
        end = self._received.find(b"\r\n\r\n") + 4
        length = LENGTH.search(self._received, 0, end)
        if end < 4 or len(self._received) < end + (int(length[1]) if length else 0):
            return None
        status = int(self._received[9:12])
        self._received = b""
        return status


class Sender:
    """One of the processes: its connections, and what became of its requests."""

    def __init__(self, job: Job, seconds: float) -> None:
        self._job, self._until = job, perf_counter() + seconds
        self._messages = chain.from_iterable(repeat(job.requests))
        self._dice = random.Random()  # noqa: S311 - nothing secret
        self._poll = select.epoll()
        self._waiting: dict[int, Connection] = {}
        self.taken, self.failed = array("d"), Counter[int]()

    def connect(self) -> None:
        connection = Connection(self._job.port)
        self._waiting[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)
        connection.send(self._message())

    def run(self) -> None:
        """Send until the time is over; what was sent last is still waited for."""
        while self._waiting:
            ready = self._poll.poll(SECONDS_TO_WAIT)
            if not ready:
                self.failed[HUNG_UP] += len(self._waiting)
                return
            for file, _event in ready:
                connection = self._waiting[file]
                status = connection.receive()
                if status is not None:
                    self._note(connection, status)

    def _note(self, connection: Connection, status: int) -> None:
        now = perf_counter()
        if status == self._job.status:
            self.taken.append(now - connection.sent_at)
        else:
            self.failed[status] += 1
        if status != HUNG_UP and now < self._until:
            connection.send(self._message())
            return
        del self._waiting[connection.socket.fileno()]
        connection.socket.close()
        if now < self._until:
            self.connect()

    def _message(self) -> bytes:
        message = next(self._messages)
        if ADDRESS not in message:
            return message
        address = str(IPv4Address(10 << 24 | self._dice.getrandbits(24)))
        return message.replace(ADDRESS, address.encode())


def drive(job: Job, clients: int, seconds: float) -> tuple[bytes, float, Counter[int], float]:
    begun, worked = perf_counter(), process_time()
    sender = Sender(job, seconds)
    for _ in range(clients):
        sender.connect()
    sender.run()
    elapsed = perf_counter() - begun
    return sender.taken.tobytes(), elapsed, sender.failed, (process_time() - worked) / elapsed


class Load:
    """The processes that send, kept for the whole run."""

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(PROCESSES, get_context("spawn"))
        list(self._pool.map(abs, range(PROCESSES)))
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def run(self, job: Job, seconds: float, clients: int = CLIENTS) -> Answers:
        processes = min(PROCESSES, clients)
        share = clients // processes
        asked = [self._pool.submit(drive, job, share, seconds) for _ in range(processes)]
        done = [each.result() for each in asked]
        taken = array("d")
        for seconds_of_one, *_rest in done:
            taken.frombytes(seconds_of_one)
        return Answers(
            sorted(taken),
            max(elapsed for _, elapsed, _, _ in done),
            sum((failed for _, _, failed, _ in done), Counter[int]()),
            max(busy for _, _, _, busy in done),
        )
