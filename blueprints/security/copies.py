"""Pages that are the same for everybody, kept ready to send.

A visitor without a cookie gets the same bytes as every other one, so that a page is made once a
minute and not once a visitor. Only answers that a shared cache might keep as well are kept here,
and only for addresses without a query, of which there are few.
"""

import time
from dataclasses import dataclass

from flask import Flask, Response, g, request

from blueprints.security.compression import accepted_coding

SECONDS = 60  # so long may a page that names a time be behind
PAGES_AT_MOST = 256

Key = tuple[str, str, str | None, str | None]


@dataclass(frozen=True)
class Copy:
    body: bytes
    coding: str | None
    csp_sources: dict[str, set[str]]
    until: float  # on the monotonic clock


def _key() -> Key:
    return request.host, request.path, accepted_coding(), request.headers.get("Sec-GPC")


class Copies:
    def __init__(self, app: Flask) -> None:
        self._kept: dict[Key, Copy] = {}
        app.before_request(self.find)

    def find(self) -> Response | None:
        """Answer with the copy of a page, if there is one for this visitor."""
        if request.method not in {"GET", "HEAD"} or request.cookies or request.query_string:
            return None
        copy = self._kept.get(_key())
        if copy is None or copy.until < time.monotonic():
            return None
        g.csp_sources = copy.csp_sources
        g.is_copy = True
        response = Response(copy.body, mimetype="text/html")
        if copy.coding:
            response.headers["Content-Encoding"] = copy.coding
        return response

    def keep(self, response: Response) -> None:
        """Keep a page that is complete and that anybody may have."""
        if request.query_string or response.mimetype != "text/html" or g.get("is_copy"):
            return
        if len(self._kept) >= PAGES_AT_MOST:
            self._kept.clear()
        self._kept[_key()] = Copy(
            response.get_data(),
            response.headers.get("Content-Encoding"),
            g.get("csp_sources", {}),
            time.monotonic() + SECONDS,
        )
