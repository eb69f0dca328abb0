"""Visitors: what their browser gets and keeps, and sends again while something is measured."""

import re
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from ipaddress import IPv4Address
from itertools import count
from urllib.parse import urlencode

from load import HOST, request

CODING = "br"
NOTICE = re.compile(r'name="notice" value="([0-9a-f]{64})"')
TOKEN = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"')
_addresses = count(2**24 * 11)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def size(self) -> str:
        return f"{len(self.body):,} {self.headers.get('content-encoding', '')}".strip()


class Visitor:
    """One who keeps cookies, and comes from an address of their own."""

    def __init__(self, port: int, cookies: str = "") -> None:
        self._port, self._cookies = port, SimpleCookie(cookies)
        self._address = str(IPv4Address(next(_addresses)))

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={found.value}" for name, found in self._cookies.items())

    def ask(
        self, path: str = "/", form: dict[str, str | list[str]] | None = None, coding: str = CODING
    ) -> Answer:
        headers = {"Host": HOST, "X-Forwarded-For": self._address, "Accept-Encoding": coding}
        if self._cookies:
            headers["Cookie"] = self.cookies
        body = None
        if form is not None:
            body = urlencode(form, doseq=True)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Sec-Fetch-Site"] = "same-origin"
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("GET" if form is None else "POST", path, body, headers)
        answer = connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self._cookies.load(value)
        for name in [name for name, found in self._cookies.items() if not found.value]:
            del self._cookies[name]
        told = {name.lower(): value for name, value in answer.getheaders()}
        found = Answer(answer.status, told, answer.read())
        connection.close()
        return found

    def choose(self, choice: str) -> None:
        """Press a button of the banner, and read on; `accept_selected` accepts one purpose."""
        page = self.ask(coding="identity").body.decode()
        form: dict[str, str | list[str]] = {"choice": choice, "next": "/"}
        if token := TOKEN.search(page):
            form["csrf_token"] = token[1]
        if notice := NOTICE.search(page):
            form["notice"] = notice[1]
        if choice == "accept_selected":
            form["purposes"] = ["personalization"]
        status = self.ask("/cookies", form).status
        assert status == 303, f"{choice}: {status}"
        self.ask()  # with what was said after the choice


def returning(port: int, choice: str, number: int) -> list[Visitor]:
    """Return so many who have chosen so."""
    visitors = [Visitor(port) for _ in range(number)]
    for visitor in visitors:
        visitor.choose(choice)
    return visitors


def with_sessions(port: int, numbers: list[str]) -> list[Visitor]:
    """Return those to whom the generator gave a session, once they have opened a page."""
    visitors = [Visitor(port, f"session={number}") for number in numbers]
    for visitor in visitors:
        visitor.ask()
    return visitors


def cookies_of(visitors: list[Visitor]) -> list[str]:
    return [visitor.cookies for visitor in visitors]


def read(cookies: list[str], path: str = "/") -> list[bytes]:
    """Write what visitors with these cookies send to read a page."""
    return [request(path, accept_encoding=CODING, cookie=cookie) for cookie in cookies]


def chooses(port: int, choice: str = "accept_all") -> bytes:
    """Write what the banner sends for somebody who has not chosen yet."""
    notice = NOTICE.search(Visitor(port).ask(coding="identity").body.decode())
    assert notice, "there is no banner"
    form = {"choice": choice, "next": "/", "notice": notice[1]}
    return request("/cookies", method="POST", body=urlencode(form))
