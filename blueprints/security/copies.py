"""Pages that are the same for everybody, kept ready to send.

A visitor without a cookie gets the same bytes as every other one, so that a page is made once a
minute and not once a visitor. Only answers that a shared cache might keep as well are kept here,
and only for addresses without a query, of which there are few. What else pages are made of may
change at any time: each room says by a version what it has now. Whoever invents hosts (where
`TRUSTED_HOSTS` is not set) or signals fills no memory, and pushes out what nobody asks for.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, g, request

from blueprints.security.compression import accepted_coding

SECONDS = 60  # so long may a page that names a time be behind
PAGES_AT_MOST = 256
BYTES_AT_MOST = 16 * 1024 * 1024

Version = Callable[[], Hashable]
Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class Copy:
    body: bytes
    coding: str | None
    csp_sources: dict[str, set[str]]
    until: float  # on the monotonic clock


class Copies:
    def __init__(self, app: Flask) -> None:
        self._kept: OrderedDict[Key, Copy] = OrderedDict()  # what was asked for last is last
        self._bytes = 0
        self._lock = Lock()
        self._versions: list[Version] = []
        app.before_request(self.find)

    def depend_on(self, version: Version) -> None:
        """Keep no page longer than this returns the same."""
        self._versions.append(version)

    def find(self) -> Response | None:
        """Answer with the copy of a page, if there is one for this visitor."""
        key = self._key() if request.method in {"GET", "HEAD"} else None
        copy = self._asked_for(key) if key else None
        if copy is None:
            return None
        g.csp_sources = copy.csp_sources
        g.is_copy = True
        response = Response(copy.body, mimetype="text/html")
        if copy.coding:
            response.headers["Content-Encoding"] = copy.coding
        return response

    def keep(self, response: Response) -> None:
        """Keep a page that is complete and that anybody may have."""
        key = self._key()
        if key is None or response.mimetype != "text/html" or g.get("is_copy"):
            return
        copy = Copy(
            response.get_data(),
            response.headers.get("Content-Encoding"),
            g.get("csp_sources", {}),
            time.monotonic() + SECONDS,
        )
        with self._lock:
            self._drop(key)
            self._kept[key] = copy
            self._bytes += len(copy.body)
            while len(self._kept) > PAGES_AT_MOST or self._bytes > BYTES_AT_MOST:
                self._drop(next(iter(self._kept)))

    def _key(self) -> Key | None:
        """Return what a page depends on; None where the request has something else to say."""
        signal = request.headers.get("Sec-GPC")
        if request.cookies or request.query_string or signal not in {None, "1"}:
            return None
        versions = tuple(version() for version in self._versions)
        return request.host, request.path, accepted_coding(), signal, versions

    def _asked_for(self, key: Key) -> Copy | None:
        with self._lock:
            copy = self._kept.get(key)
            if copy is None or copy.until < time.monotonic():
                return None
            self._kept.move_to_end(key)
            return copy

    def _drop(self, key: Key) -> None:
        if key in self._kept:
            self._bytes -= len(self._kept.pop(key).body)
