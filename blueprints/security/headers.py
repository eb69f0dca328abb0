"""The headers of every answer, error pages and files included.

The Content-Security-Policy starts from nothing and lists what this one answer needs. A room widens
it, for the response at hand, by `g.csp_sources`: consent by the hosts of the services that the
visitor allowed. What is not listed is blocked by the browser itself, however it came into the page.
"""

import re
from http import HTTPStatus

from flask import Flask, Response, current_app, g, request

from blueprints.security.compression import compress
from blueprints.security.page_cache import COOKIES, STATE, VIEW

POLICY: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'",),
    "connect-src": ("'self'",),
    "manifest-src": ("'self'",),
    "form-action": ("'self'",),
    "base-uri": ("'none'",),
    "frame-ancestors": ("'none'",),
}
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # The origin check of an older browser needs a referrer within the site: never "no-referrer".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), "
        "geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), "
        "payment=(), serial=(), usb=()"
    ),
}
HSTS = re.compile(r"max-age=[0-9]{1,9}(; includeSubDomains)?(; preload)?")


def always(app: Flask) -> dict[str, str]:
    if app.config["PREFERRED_URL_SCHEME"] != "https":
        return ALWAYS
    return ALWAYS | {"Strict-Transport-Security": app.config["HSTS"]}


def complete(response: Response) -> Response:
    """Add what every answer carries, and the rule for whoever keeps copies."""
    request.environ[VIEW] = request.endpoint or "none"
    response.headers.update(always(current_app))
    response.headers["Content-Security-Policy"] = content_security_policy(g.get("csp_sources", {}))
    response.headers["Vary"] = "Cookie, Sec-GPC, Accept-Encoding"
    compress(response)
    if "Cache-Control" in response.headers:
        return response
    brings_cookies = "Cookie" in request.headers  # be it that none of them can be read
    state = g.get("page_state", None if brings_cookies else ())
    if state is not None and response.mimetype == "text/html":
        request.environ[STATE] = state if brings_cookies else ()
        request.environ[COOKIES] = frozenset(g.get("page_cookies", ()))
    is_page = request.method in {"GET", "HEAD"} and response.status_code == HTTPStatus.OK
    # Back would show it after a withdrawal, and what it loads would go on.
    loads_what_was_given = brings_cookies and g.get("csp_sources")
    if not is_page or loads_what_was_given:
        response.headers["Cache-Control"] = "no-store"
        return response
    # A browser asks again each time whether it is the same still. Everybody without a cookie gets
    # the same bytes, so a shared cache may hand them out for a while; so much later a corrected
    # article or notice is seen behind it.
    seconds = current_app.config["SHARED_CACHE_SECONDS"]
    for_all = f"public, max-age=0, must-revalidate, s-maxage={seconds}"
    response.headers["Cache-Control"] = "private, no-cache" if brings_cookies else for_all
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


def content_security_policy(extra: dict[str, set[str]]) -> str:
    """Write the policy. `extra` maps a directive to the sources that it allows besides."""
    directives = dict(POLICY)
    for directive, sources in extra.items():
        ours = [source for source in directives.get(directive, ()) if source != "'none'"]
        directives[directive] = (*ours, *sorted(sources))
    return "; ".join(" ".join((name, *values)) for name, values in directives.items())
