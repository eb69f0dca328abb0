"""What is true of every answer, whatever was asked."""

import gzip
import io
import time
from http import HTTPStatus
from urllib.parse import urlsplit

import brotli
import html5lib
from flask import Flask
from inputs import MARK, Sent
from werkzeug.test import create_environ, run_wsgi_app

from blueprints.security.headers import POLICY

HEADER_BYTES_AT_MOST = 8 * 1024
EXPIRY_BYTES_AT_MOST = 2 * 1024
CPU_SECONDS_AT_MOST = 2
DECODE = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}
PARTNERS = {"https://partner.example"}

_parsed: set[bytes] = set()


def ask(site: Flask, sent: Sent) -> None:
    """Send a request into the site, and check the answer."""
    if _seconds(site, sent) > CPU_SECONDS_AT_MOST:  # The first of all prepares what others use.
        assert _seconds(site, sent) < CPU_SECONDS_AT_MOST, "it hangs"


def _seconds(site: Flask, sent: Sent) -> float:
    environ = create_environ(input_stream=io.BytesIO(sent.body)) | sent.environ()
    begun = time.thread_time()  # of the processor: a busy machine is no hang
    body, status, headers = run_wsgi_app(site.wsgi_app, environ, buffered=True)
    took = time.thread_time() - begun
    # What a proxy says of it may be none, such as a lone quotation mark: then its own counts.
    host = f"{environ.get('HTTP_X_FORWARDED_HOST', '')} {environ['HTTP_HOST']}"
    path = environ["PATH_INFO"]
    check(int(status.split()[0]), list(headers), b"".join(body), host=host, path=path)
    return took


def check(
    status: int, headers: list[tuple[str, str]], body: bytes, *, host: str, path: str
) -> None:
    """Check an answer to a request for this path; every AssertionError is a finding."""
    assert status < HTTPStatus.INTERNAL_SERVER_ERROR, status
    _check_headers(headers, host)
    found = {name.lower(): value for name, value in headers}
    kind = found.get("content-type", "").partition(";")[0]
    if kind == "text/html":
        policies = [value for name, value in headers if name == "Content-Security-Policy"]
        _check_policy(policies, may_be_framed="/embeds/" in path)
    if not body:
        return
    text = DECODE[found.get("content-encoding", "")](body)
    if kind in {"text/html", "application/xml", "application/atom+xml"}:
        assert MARK[2:].encode() not in text, "what was sent came back unescaped"
    if kind == "text/html" and text not in _parsed:
        html5lib.HTMLParser(strict=True).parse(text)
        _parsed.add(text)


def _check_headers(headers: list[tuple[str, str]], host: str) -> None:
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers)
    assert size < HEADER_BYTES_AT_MOST, f"{size} bytes of headers"
    for name, value in headers:
        assert name != "X-Fuzz", "what was sent became a header"
        assert value.isprintable() or not value, f"{name} has a control character"
        value.encode("latin-1")
    expiries = [v for n, v in headers if n == "Set-Cookie" and ("Max-Age=0" in v or "1970" in v)]
    assert sum(map(len, expiries)) <= EXPIRY_BYTES_AT_MOST, "too many expiries"
    for name, value in headers:
        if name == "Location":
            assert (urlsplit(value).hostname or "") in host.lower(), f"sent away to {value}"


def _check_policy(policies: list[str], *, may_be_framed: bool) -> None:
    assert len(policies) == 1, "there is no policy, or there are two"
    directives = {name: sources for name, *sources in map(str.split, policies[0].split(";"))}
    if may_be_framed and directives["frame-ancestors"] == ["'self'"]:
        directives["frame-ancestors"] = ["'none'"]
    for name, sources in POLICY.items():
        assert directives[name][: len(sources)] == list(sources), name
    others = {source for sources in directives.values() for source in sources if source[0] != "'"}
    assert others <= PARTNERS, others
