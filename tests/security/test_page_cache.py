"""Pages kept ready to send: the same for everybody in one state, and for nobody in another."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import time_machine
from addresses import addresses
from browserlike import Visitor
from conftest import MakeSite
from flask import Flask, Response, request, request_started

from blueprints.article import personalization
from blueprints.security import page_cache
from blueprints.sessions.store import decode, encode, key_of

pytestmark = pytest.mark.stores("sqlite")

SLUG = "porto-is-one-of-the-smart-cities-in-european-initiative"


def test_a_copy_is_the_page_itself(site: Flask) -> None:
    for path in ("/", "/pt/", "/privacy"):
        made, copied = Visitor(site).raw_get(path), Visitor(site).raw_get(path)
        assert made.data == copied.data
        ours = {key: value for key, value in made.headers if key != "Date"}
        assert ours == {key: value for key, value in copied.headers if key != "Date"}
        etag = made.headers["ETag"]
        assert Visitor(site).raw_get(path, If_None_Match=etag).status_code == 304


def test_a_page_is_made_once_for_everybody(site: Flask) -> None:
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    Visitor(site).get("/")
    first = len(made)
    assert first > 0
    Visitor(site).get("/")
    assert len(made) == first
    Visitor(site).get("/?size=large")
    assert len(made) > first


def test_a_page_is_made_anew_when_what_it_is_made_of_has_changed(site: Flask) -> None:
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    versions = [1]
    site.extensions["page_cache"].depend_on(lambda: versions[-1])
    Visitor(site).get("/")
    made.clear()
    Visitor(site).get("/")
    assert made == []
    versions.append(2)
    Visitor(site).get("/")
    assert made


def test_signals_and_hosts_that_somebody_invents_push_out_no_copy_that_is_asked_for(
    site: Flask,
) -> None:
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    for number in range(150):
        Visitor(site).raw_get("/privacy", Sec_GPC=f"0.{number}")
        Visitor(site).raw_get("/privacy", Host=f"host-{number}.example")
        if number == 0:
            Visitor(site).raw_get("/")
        made.clear()
        Visitor(site).raw_get("/")
        assert made == []


@pytest.mark.parametrize(("signal", "is_honoured"), [("1, 0", True), ("0", False), ("01", False)])
def test_an_odd_signal_gets_its_own_page_every_time(
    site: Flask, signal: str, *, is_honoured: bool
) -> None:
    for _ in range(2):
        assert ("signal is honoured" in Visitor(site, Sec_GPC=signal).get("/").text) is is_honoured
        assert "signal is honoured" not in Visitor(site).get("/").text


def counted(site: Flask, made: list[str]) -> Callable[..., str]:
    original: Any = site.jinja_env.globals["url_for"]

    def url_for(endpoint: str, **values: object) -> str:
        made.append(endpoint)
        return str(original(endpoint, **values))

    return url_for


def is_kept(site: Flask, path: str, **headers: str) -> bool:
    """Whether a stranger gets what was kept ready, so that Flask does not even begin."""
    made: list[str] = []

    def note(_site: Flask, **_more: object) -> None:
        made.append(path)

    with request_started.connected_to(note, site):
        Visitor(site).raw_get(path, **headers)
    return not made


def test_only_pages_that_everybody_may_keep_are_kept_ready(site: Flask) -> None:
    for path in (*addresses(site), "/none", "/?none"):
        answer = Visitor(site).raw_get(path)
        is_page = answer.status_code == 200 and answer.mimetype == "text/html"
        is_public = answer.headers["Cache-Control"].startswith("public")
        assert is_kept(site, path) is (is_page and is_public and "?" not in path), path


def test_who_asks_for_something_else_than_the_page_gets_no_copy(site: Flask) -> None:
    Visitor(site).raw_get("/")
    assert is_kept(site, "/")
    assert Visitor(site).post("/", {}).status_code == 405
    assert Visitor(site).raw_get("/", If_Match='"another"').status_code == 412


def test_a_copy_is_not_kept_for_longer_than_its_time(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert page_cache.SECONDS <= 60
    monkeypatch.setattr(page_cache, "SECONDS", -1)
    Visitor(site).raw_get("/")
    assert not is_kept(site, "/")


@pytest.mark.parametrize("bound", ["PAGES_AT_MOST", "BYTES_AT_MOST"])
def test_copies_fill_no_memory_and_what_was_asked_for_last_stays(
    site: Flask, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    size = len(Visitor(site).raw_get("/privacy").data)
    monkeypatch.setattr(page_cache, bound, 2 if bound == "PAGES_AT_MOST" else size * 5 // 2)
    were_kept = [is_kept(site, "/privacy", Host=f"{name}.example") for name in "abacab"]
    assert were_kept == [False, False, True, False, True, False]


def test_each_kind_of_visitor_has_a_copy_of_their_own(site: Flask) -> None:
    for _ in range(2):
        plain = Visitor(site).get("/")
        assert "signal is honoured" not in plain.text
        assert "signal is honoured" in Visitor(site, Sec_GPC="1").get("/").text
        assert Visitor(site).raw_get("/", Accept_Encoding="br").headers["Content-Encoding"] == "br"
        other = Visitor(site).get("/", Host="other.example").one("link", rel="canonical")
        assert "//other.example/" in (other.get("href") or "")


def test_somebody_who_has_chosen_never_gets_a_copy(site: Flask) -> None:
    Visitor(site).get("/")
    visitor = Visitor(site)
    assert visitor.choose("reject").banner is None
    assert visitor.get("/").banner is None
    assert Visitor(site).get("/").banner is not None


def test_in_the_implied_model_each_visitor_still_gets_a_session(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    cookies = {Visitor(site).raw_get("/").headers["Set-Cookie"] for _ in range(3)}
    assert len(cookies) == 3


def test_whoever_is_in_the_same_state_gets_the_page_that_was_made_once(site: Flask) -> None:
    first, second = Visitor(site), Visitor(site)
    for visitor in (first, second):
        visitor.choose("reject")
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    page = first.raw_get("/")
    assert made
    made.clear()
    assert second.raw_get("/").data == page.data
    assert made == []


def test_who_brings_cookies_of_others_alone_gets_the_page_that_was_made_once(site: Flask) -> None:
    assert not is_kept(site, "/", Cookie="x=1")
    assert is_kept(site, "/", Cookie="y=2")


def test_what_is_noted_of_a_reader_comes_with_the_page_that_was_made_once(site: Flask) -> None:
    first, second = Visitor(site), Visitor(site)
    for visitor in (first, second):
        visitor.post("/cookies", {"choice": "accept_all"}).close()
        visitor.raw_get("/cookies")  # The confirmation is theirs alone.
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    noted = first.raw_get("/").headers["Set-Cookie"]
    assert noted.startswith("interests=smart-cities")
    assert made
    made.clear()
    assert second.raw_get("/").headers["Set-Cookie"].partition(";")[0] == noted.partition(";")[0]
    assert made == []


TWO_OF_ONE_PARTNER = """
[[messages]]
title = { en = "One", pt = "Um" }
text = { en = "Of the fibre.", pt = "De fibra." }
address = "https://shop.example/"
topics = ["digital-transition", "infrastructure"]

[[messages]]
title = { en = "Two", pt = "Dois" }
text = { en = "Of the Minho.", pt = "Do Minho." }
address = "https://shop.example/"
topics = ["startups", "minho"]
"""


def test_two_messages_with_one_address_are_two_pages(make_site: MakeSite, tmp_path: Path) -> None:
    messages = tmp_path / "messages.toml"
    messages.write_text(TWO_OF_ONE_PARTNER, encoding="utf-8")
    site = make_site(MESSAGES=str(messages))
    shown = []
    for interests in ("digital-transition.startups.infrastructure", "startups.minho.m2"):
        visitor = Visitor(site)
        visitor.choose("accept_all")
        visitor.client.set_cookie("interests", f"smart-cities.{interests}")
        pages = [visitor.get("/").text for _ in range(3)]
        shown.append(
            [
                [words for words in ("fibre", "Minho") if f"Of the {words}." in page]
                for page in pages
            ]
        )
    assert shown == [[["fibre"]] * 3, [["Minho"]] * 3]


def test_a_page_that_sends_a_cookie_of_one_visitor_is_kept_for_nobody(site: Flask) -> None:
    @site.after_request
    def send(response: Response) -> Response:
        if "session" in request.cookies:
            response.set_cookie("own", request.cookies["session"])
        return response

    first, second = Visitor(site), Visitor(site)
    for visitor in (first, second):
        visitor.choose("reject")
        session = visitor.client.get_cookie("session")
        assert session
        sent = visitor.raw_get("/").headers["Set-Cookie"]
        assert sent.startswith(f"own={session.value}")


ODD_COOKIES = (  # After some that are not, so that their pages are there to be mistaken.
    "{session}; interests=bridges",
    "{session}; interests=startups",
    "{session}; preferences=size=large",
    "{session}; interests=bridges; interests=startups",
    '{session}; interests="bridges.startups"',
    "{session}; interests=" + "bridges." * 4000,
    "session=unknown; {session}",
    "{session}; session=unknown",
    "{session}; x=1; =2; y; z=\xe9; _ga=3; a b=4; ;;",
    '{session}; preferences="theme=dark"; preferences=size=large',
    "{session}; withdrawal=banner.reject:0123456789abcdef:",
    "interests=bridges; preferences=theme=dark",
    "session=; x=1",
    "session=unknown",
)


@time_machine.travel("2026-11-24 12:00Z", tick=False)
def test_odd_cookies_get_the_answer_that_is_made_for_them(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(site)
    for choice in ("accept_all", "reject"):
        assert visitor.post("/cookies", {"choice": choice}).status_code == 303
        for odd in ODD_COOKIES:
            cookies = odd.format(session=f"session={session_of(visitor)}")
            cached = [sent(site, cookies) for _ in range(2)][1]
            with monkeypatch.context() as patch:
                patch.setattr(site.extensions["page_cache"], "_find", lambda _key: None)
                assert cached == sent(site, cookies), odd[:80]


@pytest.mark.parametrize(
    "changes",
    [
        {"policy_version": "0" * 12},
        {"method": "continued_use"},
        {"statuses": {"advertising": "given"}},
        {"statuses": {"advertising": "given", "personalization": "unknown"}},
        {"statuses": {"advertising": "given", "personalization": "perhaps"}},
        {"statuses": None},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"expires_at": "2036-01-01T00:00:00Z"},
        {"decided_at": "2026-01-01T00:00:00Z"},
        {"subject": "nobody"},
        {"id": 7},
        {"notice": 7},
        {"of_a_later_version": True},
    ],
)
def test_a_session_that_is_not_as_this_version_writes_it_is_left_to_the_site_itself(
    site: Flask, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    other, visitor = Visitor(site), Visitor(site)
    other.post("/cookies", {"choice": "accept_selected", "purposes": "advertising"}).close()
    visitor.post("/cookies", {"choice": "accept_all"}).close()
    for chooser in (other, visitor):
        for _ in range(2):
            sent(site, f"session={session_of(chooser)}")
    session = session_of(visitor)
    assert is_kept(site, "/", Cookie=f"session={session}")
    store = site.extensions["sessions"]._store  # noqa: SLF001 - what an older version left there
    key = key_of(session)
    stored = store.find(key)
    values = decode(stored)
    with site.app_context():
        changed = {**values, "decision": {**values["decision"], **changes}}
        store.replace(key, stored, encode(changed))
    assert not is_kept(site, "/", Cookie=f"session={session}")
    with time_machine.travel(
        datetime.now(UTC), tick=False
    ):  # A cookie says when it ends, to the second.
        cached = sent(site, f"session={session}")
        with monkeypatch.context() as patch:
            patch.setattr(site.extensions["page_cache"], "_find", lambda _key: None)
            assert cached == sent(site, f"session={session}")


def session_of(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("session")
    assert cookie
    return str(cookie.value)


def sent(site: Flask, cookies: str) -> object:
    """Return all of what these cookies, as they stand here, get."""
    answer = site.test_client(use_cookies=False).get("/", headers={"Cookie": cookies})
    told = sorted((key, value) for key, value in answer.headers if key != "Date")
    return answer.status_code, answer.data, told


LOOKS = ("", "size=large", "theme=dark", f"theme=dark&at={SLUG}:3")
INTERESTS = ("", "smart-cities", "bridges.smart-cities", "unknown")


@pytest.mark.slow
def test_no_page_is_another_states(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each state the page from the cache is the one made for it alone, with all headers."""
    monkeypatch.setattr(personalization, "WORDS_OF_A_LONG_ARTICLE", 10)
    cache = site.extensions["page_cache"]
    visitors = []
    for choice, more in (
        ("reject", {}),
        ("accept_all", {}),
        ("accept_selected", {"purposes": "personalization"}),
        ("accept_selected", {"purposes": "advertising"}),
        (None, {}),
    ):
        chooser = Visitor(site)
        if choice:
            assert chooser.post("/cookies", {"choice": choice, **more}).status_code == 303
            chooser.raw_get("/")  # The confirmation is theirs alone.
        session = chooser.client.get_cookie("session")
        for look, interests in product(LOOKS, INTERESTS):
            visitor = Visitor(site)
            for name, value in (("preferences", look), ("interests", interests), ("x", look)):
                visitor.client.set_cookie(name, value)
            if session:
                visitor.client.set_cookie("session", session.value)
            visitors.append(visitor)
    asked = [
        (visitor, path, headers)
        for visitor in visitors
        for path in ("/", "/pt/", f"/articles/{SLUG}")
        for headers in ({}, {"Sec_GPC": "1"}, {"Accept_Encoding": "br"}, {"Host": "b.example"})
    ]
    random.Random(1).shuffle(asked)  # noqa: S311 - an order
    with time_machine.travel("2026-11-24 12:00Z", tick=False):
        for visitor, path, headers in asked:
            cached = answer(visitor, path, headers)
            with monkeypatch.context() as patch:
                patch.setattr(cache, "_find", lambda _key: None)
                assert cached == answer(visitor, path, headers), (path, headers)


def answer(visitor: Visitor, path: str, headers: dict[str, str]) -> object:
    """Return all of an answer, and leave the visitor's own cookies as they were."""
    kept = {cookie: visitor.client.get_cookie(cookie) for cookie in ("preferences", "interests")}
    response = visitor.raw_get(path, **headers)
    for name, cookie in kept.items():
        if cookie:
            visitor.client.set_cookie(name, cookie.value)
    told = sorted((key, value) for key, value in response.headers if key != "Date")
    return response.status_code, response.data, told
