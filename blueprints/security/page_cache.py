"""Pages kept ready to send: each is made once for everybody in one state, not once a visitor.

A page holds no secret and nothing of one visitor. It depends on its address, the host, the coding
and the privacy signal; and, where the browser sent cookies, on a small state that the rooms tell:
what is given, how the reader likes to read. Where a room cannot tell it, the page is one of its own
and never kept; so is one with a query. Cookies that an answer sets belong to no page: they are told
anew each time. What else pages are made of may change at any time: each room says by a version what
it has now. Whoever invents hosts (where `TRUSTED_HOSTS` is not set), signals or states fills no
memory, and pushes out what nobody asks for.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, g, request

from blueprints.security.compression import accepted_coding

SECONDS = 60  # so long may a page that names a time be behind
PAGES_AT_MOST = 1024
BYTES_AT_MOST = 16 * 1024 * 1024

Version = Callable[[], Hashable]
# What a page depends on besides, in the request at hand; None where it is for one visitor alone.
State = Callable[[], Hashable | None]
Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class CachedPage:
    body: bytes
    coding: str | None
    csp_sources: dict[str, set[str]]
    until: float  # on the monotonic clock


class PageCache:
    def __init__(self, app: Flask) -> None:
        self._pages: OrderedDict[Key, CachedPage] = OrderedDict()  # what was asked for last is last
        self._bytes = 0
        self._lock = Lock()
        self._versions: list[Version] = []
        self._state: State = lambda: None
        app.before_request(self._find_for_anybody)

    def depend_on(self, version: Version) -> None:
        """Keep no page longer than this returns the same."""
        self._versions.append(version)

    def vary_on(self, app: Flask, state: State) -> None:
        """Keep pages for visitors with cookies as well, by their state.

        Such a page is looked for when the rooms that are set up before have seen the request.
        """
        self._state = state
        app.before_request(self._find_for_state)

    def keep(self, response: Response) -> None:
        """Keep a page that is complete, if the request at hand is one whose page is kept."""
        key: Key | None = g.get("page_key")
        if key is None or response.mimetype != "text/html" or g.get("is_cached"):
            return
        page = CachedPage(
            response.get_data(),
            response.headers.get("Content-Encoding"),
            _copied(g.get("csp_sources", {})),
            time.monotonic() + SECONDS,
        )
        with self._lock:
            self._drop(key)
            self._pages[key] = page
            self._bytes += len(page.body)
            while len(self._pages) > PAGES_AT_MOST or self._bytes > BYTES_AT_MOST:
                self._drop(next(iter(self._pages)))

    def _find_for_anybody(self) -> Response | None:
        return None if request.cookies else self._find(())

    def _find_for_state(self) -> Response | None:
        state = self._state() if request.cookies and _may_be_kept() else None
        return None if state is None else self._find(state)

    def _find(self, state: Hashable) -> Response | None:
        """Answer with the page if it is there; else remember under what it is to be kept."""
        if not _may_be_kept():
            return None
        versions = tuple(version() for version in self._versions)
        signal = request.headers.get("Sec-GPC")
        g.page_key = request.host, request.path, accepted_coding(), signal, versions, state
        page = self._asked_for(g.page_key)
        if page is None:
            return None
        g.csp_sources = _copied(page.csp_sources)
        g.is_cached = True
        response = Response(page.body, mimetype="text/html")
        if page.coding:
            response.headers["Content-Encoding"] = page.coding
        return response

    def _asked_for(self, key: Key) -> CachedPage | None:
        with self._lock:
            page = self._pages.get(key)
            if page is None or page.until < time.monotonic():
                return None
            self._pages.move_to_end(key)
            return page

    def _drop(self, key: Key) -> None:
        if key in self._pages:
            self._bytes -= len(self._pages.pop(key).body)


def _may_be_kept() -> bool:
    """Whether the request has nothing to say beside what stands in a key."""
    return (
        request.method in {"GET", "HEAD"}
        and not request.query_string
        and request.headers.get("Sec-GPC") in {None, "1"}
    )


def _copied(sources: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return sources that an answer may add to, apart from those of the page."""
    return {directive: set(hosts) for directive, hosts in sources.items()}
