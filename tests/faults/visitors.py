"""Visitors who choose again and again, each with a browser's cookies, and what they saw."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from ipaddress import IPv4Address
from itertools import count
from threading import Event, Lock, Thread
from time import perf_counter, sleep
from typing import Self
from urllib.parse import urlencode

PARTNER = "https://partner.example"  # whose script an acceptance lets into the page
CHOICES = {
    "accept": ("/cookies", {"choice": "accept_all"}),
    "reject": ("/cookies", {"choice": "reject"}),
    "withdraw": ("/cookies/withdraw", {}),
}
SECONDS_TO_WAIT = 15
SECONDS_BETWEEN_TRIES = 0.5
NO_ANSWER, OK, UNAVAILABLE = 0, 200, 503
SECONDS_BETWEEN_READERS = 0.02

_numbers = count(2**24 * 10)


def another_address() -> str:
    """Return the address of another client for each request: limits are not tested here."""
    return str(IPv4Address(next(_numbers)))


@dataclass
class Tally:
    """What all visitors of one run saw."""

    sent: int = 0
    acknowledged: set[str] = field(default_factory=set)  # ids of records
    unanswered: int = 0
    unavailable: int = 0  # 503
    failed: int = 0  # any other answer than 200, such as 500
    wrongly_on: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


class Visitor:
    def __init__(self, number: int, port: int, tally: Tally) -> None:
        self._random = random.Random(number)  # noqa: S311 - the same choices in each run
        self._number, self._port, self._tally = number, port, tally
        self._cookies: dict[str, str] = {}
        self._must_be_off = True
        self._story: list[str] = []

    def choose(self) -> bool:
        """Press a button; return whether the choice was acknowledged."""
        name = self._random.choice(sorted(CHOICES))
        if name == "accept":  # From here on it may be on, whether an answer comes or not.
            self._must_be_off = False
        path, form = CHOICES[name]
        status, _headers, body = self._ask(path, urlencode(form))
        if status == OK:
            with self._tally.lock:
                self._tally.acknowledged.add(json.loads(body)["record"])
        if name != "accept" and status in {OK, UNAVAILABLE}:  # Unanswered, it may not have arrived.
            self._must_be_off = True
        self._story = [*self._story, f"{name} {status}"][-3:]
        return status == OK

    def look(self) -> None:
        """Load a page; note it where it lets in what was taken back."""
        status, headers, body = self._ask("/")
        is_on = PARTNER in headers.get("Content-Security-Policy", "") or PARTNER.encode() in body
        if self._must_be_off and is_on:
            story = f"visitor {self._number}: {', '.join(self._story)}, look {status}"
            with self._tally.lock:
                self._tally.wrongly_on.append(story)

    @property
    def waits_to_be_recorded(self) -> bool:
        """Whether the browser still holds what was taken back and could not be recorded."""
        return "withdrawal" in self._cookies

    def _ask(self, path: str, form: str | None = None) -> tuple[int, Message, bytes]:
        headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": another_address()}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in self._cookies.items())
        if form is not None:
            headers["Accept"] = "application/json"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        status, answer, body = ask(self._port, path, headers, form)
        self._keep(answer)
        with self._tally.lock:
            self._tally.unanswered += status == NO_ANSWER
            self._tally.unavailable += status == UNAVAILABLE
            self._tally.failed += status not in {NO_ANSWER, OK, UNAVAILABLE}
        return status, answer, body

    def _keep(self, answer: Message) -> None:
        for line in answer.get_all("Set-Cookie", []):
            for name, cookie in SimpleCookie(line).items():
                if cookie["max-age"] == "0" or "1970" in cookie["expires"]:
                    self._cookies.pop(name, None)
                else:
                    self._cookies[name] = cookie.value


def ask(
    port: int, path: str, headers: dict[str, str], form: str | None = None
) -> tuple[int, Message, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_WAIT)
    try:
        connection.request("GET" if form is None else "POST", path, form, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except (OSError, HTTPException):
        return NO_ANSWER, Message(), b""
    finally:
        connection.close()


class Crowd:
    """Visitors who make so many choices together, and look at a page after each."""

    def __init__(self, port: int, choices: int, clients: int) -> None:
        self.tally = Tally()
        self.visitors = [Visitor(number, port, self.tally) for number in range(clients)]
        self._choices, self._stopped = choices, Event()
        self._threads = [Thread(target=self._visit, args=(each,)) for each in self.visitors]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, choices: int) -> None:
        while self.tally.sent < choices and any(thread.is_alive() for thread in self._threads):
            sleep(0.02)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _visit(self, visitor: Visitor) -> None:
        while not self._stopped.is_set() and self._may_choose():
            if not visitor.choose():
                self._stopped.wait(SECONDS_BETWEEN_TRIES)
            visitor.look()

    def _may_choose(self) -> bool:
        with self.tally.lock:
            if self.tally.sent >= self._choices:
                return False
            self.tally.sent += 1
            return True


class Readers:
    """Somebody new every 20 ms, who has no cookie and reads, for as long as this is entered."""

    def __init__(self, port: int) -> None:
        self._port, self._stopped = port, Event()
        self._seconds: list[float] = []
        self.failed = 0
        self._thread = Thread(target=self._send)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    @property
    def p99_in_ms(self) -> int:
        ordered = sorted(self._seconds) or [0.0]
        return round(1000 * ordered[len(ordered) * 99 // 100])

    def _send(self) -> None:
        with ThreadPoolExecutor(50) as readers:
            while not self._stopped.wait(SECONDS_BETWEEN_READERS):
                readers.submit(self._read)

    def _read(self) -> None:
        begun = perf_counter()
        status, _headers, _body = ask(self._port, "/", {"X-Forwarded-For": another_address()})
        self._seconds.append(perf_counter() - begun)
        self.failed += status != OK
