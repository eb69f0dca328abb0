"""A request that changes something must come from this site, proven without a cookie.

The rule is that of Go 1.25's `http.CrossOriginProtection`: `Sec-Fetch-Site` where the browser sends
it, `Origin` against `Host` where it does not; a client that sends neither is no browser, and nobody
can make it act for somebody else (OWASP ASVS 5.0, 3.5.1 and 3.5.3).
"""

import re
from urllib.parse import urlsplit

from flask import Request, abort, request

HOST = re.compile(r"[a-z0-9._-]+(:[0-9]+)?|\[[0-9a-f:.]+\](:[0-9]+)?", re.IGNORECASE)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_malformed_host() -> None:
    """Refuse a request without exactly one plausible Host: addresses are built from it."""
    if not HOST.fullmatch(request.host):
        abort(400)


def refuse_cross_origin() -> None:
    if request.method not in SAFE_METHODS and is_cross_origin(request):
        abort(403)


def is_cross_origin(request: Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if not origin:
        return False
    try:
        return urlsplit(origin).netloc != request.host
    except ValueError:
        return True
