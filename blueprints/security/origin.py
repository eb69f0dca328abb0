"""A request that changes something must come from this site, proven without a cookie or a token.

The rule is that of Go 1.25's `http.CrossOriginProtection`: `Sec-Fetch-Site` where the browser sends
it, `Origin` against `Host` where it does not; a client that sends neither is no browser, and nobody
can make it act for somebody else (OWASP ASVS 5.0, 3.5.1 and 3.5.3). A proxy may have taken the port
out of `Host`, or put one in: names are compared, and ports only where both sides name one.
"""

import re
from urllib.parse import quote, urlsplit

from flask import abort, g, request
from werkzeug.exceptions import BadRequest

NAME = r"(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}\.?"  # labels as DNS has them (RFC 1035, 2.3.4)
HOST = re.compile(rf"(?:{NAME}|\[[0-9a-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?", re.IGNORECASE)
HOST_AT_MOST = 253 + len(":65535")
ADDRESS_AT_MOST = 2000  # bytes of path and query; a redirect repeats them in its headers
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_malformed_address() -> None:
    """Refuse a request without exactly one plausible Host, or for an address that has no end.

    Addresses are built from both. Nothing is built from what was refused, the page that says so
    included.
    """
    if not _is_plausible():
        request.host = "localhost"
        abort(400)
    if len(quote(request.path)) + len(request.query_string) > ADDRESS_AT_MOST:
        g.page_path = "/"
        abort(414)


def _is_plausible() -> bool:
    """Whether an address can be built from scheme and host, which a proxy may have passed on."""
    try:
        host, _address = request.host, request.host_url
    except (BadRequest, ValueError):  # It is none of TRUSTED_HOSTS, or `[::::]`, or `xn--x`.
        return False
    has_scheme = request.scheme in {"http", "https"}
    return has_scheme and len(host) <= HOST_AT_MOST and HOST.fullmatch(host) is not None


def tell_who_asks() -> None:
    """Offer to other rooms whether a page of this site asked; no link elsewhere can fake it.

    A typed or mailed address (`none`) was asked for by nobody here. A browser that does not send
    `Sec-Fetch-Site` is asked for its referrer, which our own pages always give it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    is_ours = site == "same-origin" if site else _is_of_this_site(request.referrer or "")
    g.is_asked_by_this_site = is_ours


def refuse_cross_origin() -> None:
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_ours = site in {"same-origin", "none"} if site else not origin or _is_of_this_site(origin)
    if not is_ours:
        abort(403)


def _is_of_this_site(address: str) -> bool:
    try:
        theirs, here = urlsplit(address), urlsplit(f"//{request.host}")
        is_same_name = theirs.hostname is not None and theirs.hostname == here.hostname
        return is_same_name and len({theirs.port, here.port} - {None}) < 2  # noqa: PLR2004 - one
    except ValueError:
        return False
