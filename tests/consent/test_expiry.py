"""Refused cookies are expired a little at a time, and whatever comes in, an answer stays small."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from browserlike import Visitor
from conftest import MakeSite
from evidence import ARTICLE, REGISTRY
from flask import Flask
from partner import registry_with
from werkzeug.test import TestResponse

pytestmark = pytest.mark.stores("sqlite")

HEADERS_AT_MOST = 4096  # what a proxy holds by default
EXPIRIES_AT_MOST = 2048
LONG_HOST = ".".join(f"label-{number}" for number in range(25)) + ".pt"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "registry.toml"
    shipped = REGISTRY.read_text(encoding="utf-8")
    file.write_text(registry_with("https://partner.example", shipped), encoding="utf-8")
    return {"CONSENT_REGISTRY": str(file)}


def lengths(answer: TestResponse) -> tuple[int, int]:
    """Return the bytes of all headers and of those that set a cookie, as they are sent."""
    lines = [(name, len(f"{name}: {value}\r\n".encode())) for name, value in answer.headers]
    return sum(n for _, n in lines), sum(n for name, n in lines if name == "Set-Cookie")


def places(answer: TestResponse) -> set[tuple[str, ...]]:
    """Return where cookies are expired: domain and path of each line."""
    expired = answer.headers.getlist("Set-Cookie")
    assert all("=; " in line and "Max-Age=0" in line for line in expired)
    return {
        tuple(line.partition(f"{key}=")[2].partition(";")[0] for key in ("Domain", "Path"))
        for line in expired
    }


@pytest.mark.parametrize(
    ("host", "domains"),
    [
        ("www.example.pt", {"", "example.pt", "www.example.pt"}),
        ("www.example.pt:8000", {"", "example.pt", "www.example.pt"}),
        ("a.b.c.d.e.f.pt", {"", "f.pt", "e.f.pt", "d.e.f.pt", "c.d.e.f.pt", "a.b.c.d.e.f.pt"}),
        ("example.pt.", {""}),
        ("localhost", {""}),
        ("192.0.2.1:8000", {""}),
        ("[2001:db8::1]", {""}),
        ("[2001:db8::1]:8000", {""}),
        ("[::ffff:192.0.2.1]", {""}),
    ],
)
def test_a_refused_cookie_is_expired_on_the_host_and_its_parents_for_the_declared_paths(
    site: Flask, host: str, domains: set[str]
) -> None:
    answer = Visitor(site).raw_get("/none/of/it", Host=host, Cookie="_pt_id=1; other=2")
    assert places(answer) == {(domain, path) for domain in domains for path in ("/", "/articles")}


def test_a_cookie_of_our_own_is_expired_where_we_set_it(site: Flask) -> None:
    answer = Visitor(site).raw_get("/", Host="www.example.pt", Cookie="interests=x")
    assert places(answer) == {("", "/")}


@pytest.mark.parametrize("host", ["localhost", "www.example.pt", LONG_HOST])
@pytest.mark.parametrize(
    ("path", "form"),
    [("/", None), ("/" + "a/" * 300, None), ("/cookies", "reject"), ("/cookies", "nonsense")],
)
@pytest.mark.parametrize(
    "cookies",
    [
        "preferences=x; interests=x",
        "; ".join(f"_pt_{number}.{'n' * 100}=a" for number in range(50)),
        "; ".join(f"_pt_{number}=a" for number in range(1000)),
        "_pt_é=a; _pt_\x7f=a; _pt_" + "x" * 4000 + "=a",
    ],
)
def test_the_headers_of_an_answer_stay_small_whatever_comes_in(
    site: Flask, host: str, path: str, form: str | None, cookies: str
) -> None:
    visitor = Visitor(site)
    if form:
        sent = {"choice": form, "next": "/" + "é" * 150}
        answer = visitor.post(path, sent, Host=host, Cookie=cookies)
    else:
        answer = visitor.raw_get(path, Host=host, Cookie=cookies)
    assert answer.status_code in {200, 303, 400, 404}
    headers, expiries = lengths(answer)
    assert headers < HEADERS_AT_MOST
    assert expiries < EXPIRIES_AT_MOST


def test_what_is_left_over_goes_with_later_answers_and_what_comes_back_holds_up_nothing(
    site: Flask,
) -> None:
    """A browser that loses a cookie expired on its host, and some that stand where nobody knows."""
    stubborn = {f"_pt_stubborn-{number}" for number in range(20)}
    kept = stubborn | {f"_pt_{number}" for number in range(40)}
    for _ in range(500):
        if kept == stubborn:
            break
        sent = "; ".join(f"{name}=a" for name in sorted(kept))
        answer = Visitor(site).raw_get("/", Host="www.example.pt", Cookie=sent)
        lines = answer.headers.getlist("Set-Cookie")
        assert lines
        kept -= {line.partition("=")[0] for line in on_the_host(lines)} - stubborn
    assert kept == stubborn


def on_the_host(lines: list[str]) -> Iterator[str]:
    return itertools.filterfalse(lambda line: "Domain=" in line or "Path=/articles" in line, lines)


@pytest.mark.parametrize(
    "path",
    [
        *("/feed.xml", "/sitemap.xml", "/robots.txt", "/health", "/favicon.ico"),
        *("/consent/seals.json", "/.well-known/gpc.json", f"{ARTICLE}/social.png", "/pt"),
    ],
)
@pytest.mark.needs("proof")
def test_only_what_a_page_load_produces_expires_anything(site: Flask, path: str) -> None:
    sent = "_pt_id=1; interests=x"
    assert "Set-Cookie" in Visitor(site).raw_get("/none", Cookie=sent).headers
    assert "Set-Cookie" not in Visitor(site).raw_get(path, Cookie=sent).headers


def test_what_a_script_asks_for_expires_nothing(site: Flask) -> None:
    visitor, sent = Visitor(site), "_pt_id=1; interests=x"
    place = {"slug": ARTICLE.rpartition("/")[2], "place": "3"}
    answer = visitor.post("/preferences/place", place, Cookie=sent)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (204, False)
    answer = visitor.raw_get("/none", Cookie=sent, Accept="application/json")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (404, False)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_over_a_long_address_back_the_choice_still_counts(make_site: MakeSite, scheme: str) -> None:
    visitor = Visitor(make_site(PREFERRED_URL_SCHEME=scheme))
    answer = visitor.post("/cookies", {"choice": "reject", "next": "/" + "a" * 15_000})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cookies")
    assert lengths(answer)[0] < HEADERS_AT_MOST
    page = visitor.get("/cookies", Referer="http://localhost/" + "a" * 12_000)
    assert page.form("/cookies").find(".//*[@name='next']") is None
    slashes = visitor.raw_get("//articles/" + "a" * 8000)
    assert slashes.status_code == 414
    assert lengths(slashes)[0] < HEADERS_AT_MOST
