"""Leaves out a date that nobody can have meant, as RFC 9110 has it (13.1.3 to 13.1.5).

Werkzeug's reader fails with an OverflowError on a year or a zone of many digits, wherever an answer
is compared with what the browser has kept.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}(:[0-9]{2}){2} GMT")
ETAG = re.compile(r'(W/)?"[^\s"]{0,200}"')
SINCE = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE")


def without_impossible_dates(application: "WSGIApplication") -> "WSGIApplication":
    """Stand before the application, and whatever else compares dates."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        for name in SINCE:
            if name in environ and not DATE.fullmatch(environ[name].strip()):
                del environ[name]
        kept = environ.get("HTTP_IF_RANGE", "").strip()
        if kept and not (DATE.fullmatch(kept) or ETAG.fullmatch(kept)):
            del environ["HTTP_IF_RANGE"]
            environ.pop("HTTP_RANGE", None)  # It is of something that is not known here.
        return application(environ, start_response)

    return answer
