"""Pages kept ready to send: each is made once for everybody in one state, not once a visitor.

A page holds no secret and nothing of one visitor. It depends on its address, the host, the coding
and the privacy signal; and, where the browser sent cookies, on a small state: what is given, how
the reader likes to read. The view that makes the page tells the state it was made for, and only
such a page is kept. For the next request the same state is known from the cookies and one look-up,
and the page is sent before Flask begins. Whatever is not known for certain goes on to Flask, which
is right without any of this.

What else pages are made of may change at any time: each room says by a version what it has now.
Whoever invents hosts (where `TRUSTED_HOSTS` is not set), signals or states fills no memory, and
pushes out what nobody asks for.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.datastructures import Headers
from werkzeug.http import is_resource_modified, remove_entity_headers

from blueprints.security.compression import coding_of

SECONDS = 60  # so long may a page that names a time be behind
PAGES_AT_MOST = 1024
BYTES_AT_MOST = 16 * 1024 * 1024
# In the environment: for whom else the page that was made is, the names of the cookies which that
# state tells of, which view made it, and whether it was kept ready.
STATE, COOKIES = "page_cache.state", "page_cache.cookies"
VIEW, IS_KEPT = "page_cache.view", "page_cache.is_kept"

Version = Callable[[], Hashable]
# The state of the visitor who sends a request with cookies; None where it is not known for certain.
KnownState = Callable[[dict[str, Any]], Hashable | None]
Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class CachedPage:
    body: bytes
    headers: list[tuple[str, str]]
    etag: str | None
    until: float  # on the monotonic clock
    view: str

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        environ[VIEW], environ[IS_KEPT] = self.view, True
        if self._is_known_to(environ):
            start_response("304 NOT MODIFIED", self._headers_without_body)
            return []
        start_response("200 OK", self.headers)
        return [self.body]

    def _is_known_to(self, environ: WSGIEnvironment) -> bool:
        known = environ.get("HTTP_IF_NONE_MATCH")
        if not known or not self.etag:
            return False
        # The first is what browsers send, and spares them the reading of a list.
        return known == self.etag or not is_resource_modified(environ, etag=self.etag)

    @cached_property
    def _headers_without_body(self) -> list[tuple[str, str]]:
        headers = Headers(self.headers)
        remove_entity_headers(headers)
        return headers.to_wsgi_list()


class PageCache:
    """Stands before the application, as WSGI has it."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._pages: OrderedDict[Key, CachedPage] = OrderedDict()  # what was asked for last is last
        self._bytes = 0
        self._lock = Lock()
        self._versions: list[Version] = []
        self._known_state: KnownState = lambda _environ: None

    def depend_on(self, version: Version) -> None:
        """Keep no page longer than this returns the same."""
        self._versions.append(version)

    def know_states_by(self, known_state: KnownState) -> None:
        """Send pages to visitors with cookies as well, whose state this tells."""
        self._known_state = known_state

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked = _asked(environ)
        if asked is None:
            return self._application(environ, start_response)
        about = (*asked, *[version() for version in self._versions])
        state = self._known_state(environ) if "HTTP_COOKIE" in environ else ()
        page = self._find((*about, state)) if state is not None else None
        if page:
            return page.answer(environ, start_response)
        return self._make(about, environ, start_response)

    def _make(
        self, about: Key, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let the application answer, and keep the page if the view says for whom else it is."""
        told: list[tuple[str, Headers]] = []

        def remember(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:  # noqa: ANN401 - passed on
            told[:] = [(status, Headers(headers))]
            return start_response(status, headers, *more)

        body = self._application(environ, remember)
        status, headers = told[-1]
        sent = {cookie.partition("=")[0] for cookie in headers.getlist("Set-Cookie")}
        is_for_others = STATE in environ and sent <= environ[COOKIES]
        if not status.startswith("200") or not is_for_others:
            return body
        try:
            parts = list(body)
        finally:
            getattr(body, "close", bool)()
        headers.remove("Date")  # The server tells it.
        page = CachedPage(
            b"".join(parts),
            headers.to_wsgi_list(),
            headers.get("ETag"),
            time.monotonic() + SECONDS,
            environ[VIEW],
        )
        self._keep((*about, environ[STATE]), page)
        return parts

    def _keep(self, key: Key, page: CachedPage) -> None:
        with self._lock:
            self._drop(key)
            self._pages[key] = page
            self._bytes += len(page.body)
            while len(self._pages) > PAGES_AT_MOST or self._bytes > BYTES_AT_MOST:
                self._drop(next(iter(self._pages)))

    def _find(self, key: Key) -> CachedPage | None:
        with self._lock:
            page = self._pages.get(key)
            if page is None or page.until < time.monotonic():
                return None
            self._pages.move_to_end(key)
            return page

    def _drop(self, key: Key) -> None:
        if key in self._pages:
            self._bytes -= len(self._pages.pop(key).body)


def _asked(environ: WSGIEnvironment) -> Key | None:
    """Return what every page depends on; None where the request has something else to say."""
    signal = environ.get("HTTP_SEC_GPC")
    if (
        environ["REQUEST_METHOD"] != "GET"
        or environ.get("QUERY_STRING")
        or environ.get("SCRIPT_NAME")
        or "HTTP_IF_MATCH" in environ
        or signal not in {None, "1"}
    ):
        return None
    return (
        environ["wsgi.url_scheme"],
        environ.get("HTTP_HOST"),
        environ["SERVER_NAME"],
        environ["SERVER_PORT"],
        environ["PATH_INFO"],
        coding_of(environ.get("HTTP_ACCEPT_ENCODING", "")),
        signal,
    )
