"""What comes before all else: a request whose head everybody after it can read, and reads alike.

A date that nobody can have meant is left out, as RFC 9110 has it (13.1.3 to 13.1.5): Werkzeug's
reader fails with an OverflowError on a year or a zone of many digits, wherever an answer is
compared with what the browser has kept. The case of a host's name means nothing (4.2.3), and what
compares names later heeds it. A probe of health is answered under any name.
"""

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PROBES = frozenset({"/health", "/ready"})
DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}(:[0-9]{2}){2} GMT")
ETAG = re.compile(r'(W/)?"[^\s"]{0,200}"')
SINCE = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")


def normalise_head(application: WSGIApplication, host: str) -> WSGIApplication:
    """Stand before the application; a probe is as if it had asked for the host."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] in PROBES:
            environ["HTTP_HOST"] = host
        elif "HTTP_HOST" in environ:
            environ["HTTP_HOST"] = environ["HTTP_HOST"].lower()
        for name in SINCE:
            if name in environ and not DATE.fullmatch(environ[name].strip()):
                del environ[name]
        kept = environ.get("HTTP_IF_RANGE", "").strip()
        if kept and not (DATE.fullmatch(kept) or ETAG.fullmatch(kept)):
            del environ["HTTP_IF_RANGE"]
            environ.pop("HTTP_RANGE", None)  # It is of something that is not known here.
        return application(environ, start_response)

    return answer
