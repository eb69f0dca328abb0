"""Answers made smaller on their way, with Brotli or gzip, as the browser accepts.

No page holds a secret, so that its length can tell none (BREACH, CVE-2013-3587). What one visitor
alone may see, their settings, history and receipt, is kept by nobody, and is left as it is: its
compressed length could tell their choices to somebody who makes their browser open it.
"""

import gzip
from functools import lru_cache

import brotli
from flask import Response, request
from werkzeug.http import parse_accept_header

SMALLEST_WORTH_IT = 512  # below that, the bytes saved are fewer than a packet has to spare
BROTLI_QUALITY = 5  # a tenth of a millisecond for a page; the best quality takes eighty times that


def compress(response: Response) -> None:
    """Compress the answer in place, before its ETag is made: each form has an ETag of its own."""
    if response.direct_passthrough or response.is_streamed:
        return
    whole = response.get_data()
    coding = coding_of(request.headers.get("Accept-Encoding", ""))
    if (
        len(whole) < SMALLEST_WORTH_IT
        or coding is None
        or is_private(response)
        or str(response.mimetype).startswith("image/")  # all else that is made here is text
        or "Content-Encoding" in response.headers
    ):
        return
    if coding == "br":
        response.set_data(brotli.compress(whole, quality=BROTLI_QUALITY))
    else:
        response.set_data(gzip.compress(whole, mtime=0))  # the same bytes every time
    response.headers["Content-Encoding"] = coding


def is_private(response: Response) -> bool:
    """Whether the answer is for the visitor alone who sent these cookies."""
    return bool(request.cookies) and response.cache_control.no_store


@lru_cache
def coding_of(accept_encoding: str) -> str | None:
    """Return the coding that a browser which says this in its request is sent."""
    accepted = parse_accept_header(accept_encoding)
    best = max(("br", "gzip"), key=lambda coding: accepted[coding])
    return best if accepted[best] else None
