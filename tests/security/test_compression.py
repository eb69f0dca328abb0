"""What is made smaller on its way, and what never is."""

import gzip
import re
import tempfile
from pathlib import Path

import brotli
import pytest
from browserlike import Visitor
from conftest import MakeSite
from flask import Flask
from werkzeug.test import TestResponse

pytestmark = pytest.mark.stores("sqlite")

PAGES = ("/", "/pt/", "/cookies", "/none", "/feed.xml", "/sitemap.xml")


def whole(answer: TestResponse) -> bytes:
    coding = answer.headers.get("Content-Encoding")
    if coding == "br":
        return brotli.decompress(answer.data)  # type: ignore[no-any-return]
    return gzip.decompress(answer.data) if coding == "gzip" else answer.data


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("identity", None),
        ("nonsense;;q=x", None),
    ],
)
def test_each_browser_gets_the_form_that_it_accepts(
    site: Flask, path: str, accepted: str, coding: str | None
) -> None:
    visitor = Visitor(site)
    plain = visitor.raw_get(path)
    answer = visitor.raw_get(path, Accept_Encoding=accepted)
    assert answer.headers.get("Content-Encoding") == coding
    assert whole(answer) == plain.data
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert "Accept-Encoding" in answer.vary
    assert "Accept-Encoding" in plain.vary
    assert answer.status_code == plain.status_code
    if coding:
        assert len(answer.data) < len(plain.data) / 1.5


def test_a_page_for_a_visitor_who_has_chosen_is_compressed_too(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    for path in ("/", "/pt/", "/privacy", "/none", "/feed.xml"):
        answer = visitor.raw_get(path, Accept_Encoding="gzip, br")
        assert answer.headers["Content-Encoding"] == "br", path


@pytest.mark.needs("rights")
def test_what_only_this_visitor_may_see_is_never_compressed(site: Flask) -> None:
    """Its length would tell their choices (BREACH)."""
    visitor = Visitor(site)
    visitor.choose("accept_all")
    for path in ("/cookies", "/cookies/history", "/cookies/receipt", "/cookies/erase"):
        answer = visitor.raw_get(path, Accept_Encoding="gzip, br")
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers, path


def test_each_form_has_an_etag_of_its_own_and_answers_304_to_it(site: Flask) -> None:
    visitor = Visitor(site)
    etags = set()
    for accepted in ("", "gzip", "br"):
        first = visitor.raw_get("/", Accept_Encoding=accepted)
        again = visitor.raw_get("/", Accept_Encoding=accepted)
        assert first.headers["ETag"] == again.headers["ETag"]
        etags.add(first.headers["ETag"])
        unchanged = visitor.raw_get(
            "/", Accept_Encoding=accepted, If_None_Match=first.headers["ETag"]
        )
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        assert "Accept-Encoding" in unchanged.vary
    assert len(etags) == 3


def test_head_tells_the_length_that_get_would_have(site: Flask) -> None:
    client = site.test_client()
    sent = {"Accept-Encoding": "br"}
    head, get = client.head("/", headers=sent), client.get("/", headers=sent)
    assert head.data == b""
    for name in ("Content-Length", "Content-Encoding", "ETag", "Vary"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("path", ["/health", "/robots.txt"])
def test_what_is_tiny_is_left_as_it_is(site: Flask, path: str) -> None:
    assert "Content-Encoding" not in Visitor(site).raw_get(path, Accept_Encoding="br").headers


def test_files_are_compressed_at_start_and_sent_so(site: Flask) -> None:
    visitor = Visitor(site)
    address = visitor.get("/privacy").one("link", rel="stylesheet").get("href") or ""
    plain = visitor.raw_get(address)
    for coding in ("br", "gzip"):
        answer = visitor.raw_get(address, Accept_Encoding=coding)
        assert answer.headers["Content-Encoding"] == coding
        assert whole(answer) == plain.data
        assert "Accept-Encoding" in answer.vary
        assert "immutable" in answer.headers["Cache-Control"]


def test_comments_are_for_us_and_are_not_sent(site: Flask) -> None:
    visitor = Visitor(site)
    page = visitor.get("/")
    style = visitor.get("/privacy").one("link", rel="stylesheet").get("href")
    scripts = [script.get("src") for script in page.all("script", type="module")]
    assert len(scripts) >= 2
    for address in (style, *scripts):
        sent = visitor.raw_get(address or "").text
        assert "/* One stylesheet" not in sent
        assert "/* A spare" not in sent
        assert "\n  //" not in sent
        assert "{" in sent
    sent = visitor.raw_get(style or "").text
    assert not re.search(r"/\*|[;{]\s|\s[{}]", sent)
    assert 'content: "✓ ";' in sent, "what is in quotes stays"


@pytest.mark.parametrize("elsewhere", [True, False])
def test_where_nothing_can_be_written_files_are_sent_as_they_are(
    make_site: MakeSite,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    elsewhere: bool,
) -> None:
    (tmp_path / "static").touch()  # A file where the folder would have to be.
    if not elsewhere:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    visitor = Visitor(make_site(INSTANCE=str(tmp_path)))
    assert "Static files are sent uncompressed" in caplog.text
    address = visitor.get("/privacy").one("link", rel="stylesheet").get("href") or ""
    answer = visitor.raw_get(address, Accept_Encoding="br")
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
