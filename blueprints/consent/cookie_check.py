"""Whether the browser kept the cookie that a choice was answered with.

A browser that keeps no cookies would be asked again without a word. So where a choice came from a
browser without a session, its answer leads back by an address with a mark; whoever comes there with
the session is sent on to the clean address, and whoever comes without is told. The mark counts only
on the way of a choice: a link from elsewhere, or a bookmark, leads to the page as it always is.
"""

from urllib.parse import urlsplit, urlunsplit

from flask import current_app, g, redirect, request
from werkzeug.wrappers import Response

MARK = "cookie-check"


def by_way_of_the_check(address: str) -> str:
    """Return where the answer to a choice leads: to the address, with the mark if need be.

    Only a browser says `Sec-Fetch-Mode`; any other client is sent where it asked to be sent.
    """
    if _has_session() or "Sec-Fetch-Mode" not in request.headers:
        return address
    parts = urlsplit(_without_mark(address))
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, MARK)))))


def check() -> Response | None:
    """Send whoever comes with the mark on to the clean address, unless there is no session."""
    if MARK not in request.args or request.method not in {"GET", "HEAD"}:
        return None
    g.page_path = _without_mark(g.page_path)
    g.keeps_no_cookies = (
        not _has_session() and request.headers.get("Sec-Fetch-Site") == "same-origin"
    )
    return None if g.keeps_no_cookies else redirect(g.page_path, 303)


def _has_session() -> bool:
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies


def _without_mark(address: str) -> str:
    parts = urlsplit(address)
    query = "&".join(pair for pair in parts.query.split("&") if pair.partition("=")[0] != MARK)
    return urlunsplit(parts._replace(query=query))
