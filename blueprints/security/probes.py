"""Probes ask by whatever name or address they have: what they are told is the same under each."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATHS = frozenset({"/health", "/ready"})


def under_any_host(application: "WSGIApplication", host: str) -> "WSGIApplication":
    """Let probes through to the application as if they had asked for the host."""

    def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in PATHS:
            environ["HTTP_HOST"] = host
        return application(environ, start_response)

    return call
