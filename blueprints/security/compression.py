"""Answers made smaller on their way, with Brotli or gzip, as the browser accepts.

Only where the request carries no cookie. A page for a visitor with a session holds the token of its
forms, and whoever can make a browser open pages and watch their compressed length could guess it
letter by letter (BREACH, CVE-2013-3587); a page that is the same for everybody holds no secret.
"""

import gzip

import brotli
from flask import Response, request

SMALLEST_WORTH_IT = 512  # below that, the bytes saved are fewer than a packet has to spare
BROTLI_QUALITY = 5  # a tenth of a millisecond for a page; the best quality takes eighty times that
TYPES = frozenset(
    {
        "application/atom+xml",
        "application/json",
        "application/ld+json",
        "application/xml",
        "text/html",
        "text/plain",
    }
)


def compress(response: Response) -> None:
    """Compress the answer in place, before its ETag is made: each form has an ETag of its own."""
    response.vary.add("Accept-Encoding")
    coding = accepted_coding()
    if (
        coding is None
        or request.cookies
        or response.mimetype not in TYPES
        or response.direct_passthrough
        or response.is_streamed
        or "Content-Encoding" in response.headers
    ):
        return
    whole = response.get_data()
    if len(whole) < SMALLEST_WORTH_IT:
        return
    if coding == "br":
        response.set_data(brotli.compress(whole, quality=BROTLI_QUALITY))
    else:
        response.set_data(gzip.compress(whole, mtime=0))  # the same bytes every time
    response.headers["Content-Encoding"] = coding


def accepted_coding() -> str | None:
    accepted = request.accept_encodings
    best = max(("br", "gzip"), key=lambda coding: accepted[coding])
    return best if accepted[best] else None
