"""The name by which somebody asks: without case for all, and for probes of no account."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATHS = frozenset({"/health", "/ready"})


def under_any_host(application: "WSGIApplication", host: str) -> "WSGIApplication":
    """Let probes through to the application as if they had asked for the host.

    The case of a name means nothing (RFC 9110, 4.2.3), and what compares names later heeds it.
    """

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in PATHS:
            environ["HTTP_HOST"] = host
        elif "HTTP_HOST" in environ:
            environ["HTTP_HOST"] = environ["HTTP_HOST"].lower()
        return application(environ, start_response)

    return call
