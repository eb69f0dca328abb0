"""Flask-Session's known traps, each closed."""

import logging
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import time_machine
from browserlike import Page, Visitor
from conftest import ALL_STORES, MakeSite, statements
from evidence import count_sessions, given, records, session_cookie
from flask import Flask
from log import lose
from sqlalchemy import update

from blueprints.database import db
from blueprints.sessions import StoreUnavailableError
from blueprints.sessions.database_store import DatabaseStore
from blueprints.sessions.models import StoredSession
from blueprints.sessions.session import VisitorSession


def test_without_a_cookie_the_store_is_never_asked(make_site: MakeSite) -> None:
    site = make_site()
    seen = statements(site)
    visitor = Visitor(site)
    for path in ("/", "/pt/", "/cookies", "/privacy", "/none", "/health", "/robots.txt"):
        visitor.raw_get(path)
    assert seen == []


def test_with_a_cookie_a_page_is_one_look_up_and_no_write(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    page = visitor.choose("reject")
    seen = statements(site)
    visitor.get("/")
    assert len(seen) == 1
    assert seen[0].startswith("SELECT")
    visitor.get("/cookies")
    assert len(seen) == 2
    stylesheet = page.one("link", rel="stylesheet").get("href") or ""
    for path in (stylesheet, "/health", "/robots.txt"):
        assert visitor.raw_get(path).status_code == 200
    assert len(seen) == 2


def test_a_pickle_in_the_store_is_not_run(make_site: MakeSite, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (open, (f"{tmp_path}/sprung", "w"))

    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    with site.app_context(), db.engine.begin() as connection:
        connection.execute(update(StoredSession).values(data=pickle.dumps(Trap())))
    assert visitor.get("/").banner is not None
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x80", b"\x81\xa1\xff\x01", "{}", 5]
)
def test_rubbish_in_the_store_is_no_session(make_site: MakeSite, data: bytes | str | int) -> None:
    """What somebody wrote there by hand, say, which in SQLite may be of any type."""
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sessions SET data = ?", (data,))
    assert visitor.get("/").banner is not None
    assert visitor.post("/cookies", {"choice": "reject"}).status_code == 303


def test_the_cookie_over_https_is_bound_to_the_host(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(PREFERRED_URL_SCHEME="https"))
    cookie = visitor.post("/cookies", {"choice": "reject"}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Expires="):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_two_visitors_do_not_share_a_page_through_a_cache(make_site: MakeSite) -> None:
    site = make_site()
    chooser = Visitor(site)
    chooser.choose("reject")
    own = chooser.raw_get("/")
    first = Visitor(site).raw_get("/")
    assert own.headers["Cache-Control"].startswith("private")
    assert first.headers["Cache-Control"].startswith("public")
    for answer in (own, first):
        assert {"Cookie", "Sec-GPC"} <= {part.strip() for part in answer.headers["Vary"].split(",")}
    assert chooser.raw_get("/cookies").headers["Cache-Control"] == "no-store"


@pytest.fixture
def dead_redis_site(make_site: MakeSite, redis_url: str) -> tuple[Flask, Visitor]:
    """A site whose Redis went away after a visitor had accepted everything."""
    before = Visitor(make_site(REDIS_URL=redis_url))
    before.choose("accept_all")
    site = make_site(REDIS_URL="redis://127.0.0.1:1/0")
    visitor = Visitor(site)
    visitor.client.set_cookie("session", session_cookie(before))
    return site, visitor


def test_without_its_session_store_the_site_serves_everybody_with_all_off(
    dead_redis_site: tuple[Flask, Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    _site, visitor = dead_redis_site
    with caplog.at_level(logging.ERROR):
        page = visitor.get("/")
    assert page.status == 200
    assert page.banner is not None
    assert "Redis cannot be used: ConnectionError" in caplog.text
    assert visitor.cookies == {"session"}, "nobody knows whether it is there"
    assert "everything optional is off" in visitor.get("/cookies").text


def test_without_its_session_store_the_site_is_not_ready_and_says_why(
    dead_redis_site: tuple[Flask, Visitor],
) -> None:
    _site, visitor = dead_redis_site
    answer = visitor.raw_get("/ready")
    assert answer.status_code == 503
    assert answer.text.startswith("The sessions cannot be looked up: ")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_without_its_session_store_a_choice_is_503_and_nothing_is_recorded(
    dead_redis_site: tuple[Flask, Visitor], accept: str
) -> None:
    site, visitor = dead_redis_site
    for client, choice in ((visitor, "accept_all"), (Visitor(site), "reject")):
        answer = client.post("/cookies", {"choice": choice}, Accept=accept)
        assert answer.status_code == 503
        assert "Set-Cookie" not in answer.headers
        assert "Nothing was recorded" in answer.get_data(as_text=True)
    with site.app_context(), db.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from consent_records").scalar() == 1


def test_without_its_database_a_choice_is_503_and_the_article_is_served(
    make_site: MakeSite,
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    lose(site, "consent_records")
    answer = Visitor(site).post("/cookies", {"choice": "accept_all"})
    page = Page(answer)
    assert page.status == 503
    assert page.confirmation is None
    assert "Set-Cookie" not in answer.headers
    kept = visitor.get("/cookies")
    assert [box.get("value") for box in kept.all("input", checked="")] == [
        "personalization",
        "advertising",
    ]
    lose(site, "sessions")
    assert visitor.get("/").status == 200
    assert visitor.get("/").banner is not None
    assert Visitor(site).post("/cookies", {"choice": "reject"}).status_code == 503


def test_a_store_that_cannot_be_asked_is_not_asked_twice_for_one_page(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(make_site())
    visitor.post("/cookies", {"choice": "accept_all"})
    asked: list[str] = []

    def cannot(_store: DatabaseStore, key: str) -> None:
        asked.append(key)
        raise StoreUnavailableError

    monkeypatch.setattr(DatabaseStore, "find", cannot)
    assert given(visitor) == set()
    visitor.get("/")
    assert len(asked) == 2


@pytest.mark.stores(*ALL_STORES)
def test_a_slow_page_view_does_not_bring_an_older_choice_back(
    site: Flask, visitor: Visitor
) -> None:
    visitor.post("/cookies", {"choice": "accept_all"})
    cookie = session_cookie(visitor)
    with site.test_request_context("/", headers={"Cookie": f"session={cookie}"}) as context:
        context.session.pop("confirm")  # a slow page view is under way ...
        visitor.post("/cookies", {"choice": "reject"})  # ... a choice overtakes it
        site.session_interface.save_session(site, context.session, site.response_class())
    page = visitor.get("/cookies")
    assert page.all("input", checked="") == []
    assert page.confirmation is not None, "what was to be shown once is still to be shown"


def test_a_session_is_a_mapping_before_anything_was_read_from_it(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "reject"})
    sent = {"Cookie": f"session={session_cookie(visitor)}"}
    keys = {"decision", "confirm", "answered", "expires_at"}
    for look, found in (
        (len, 4),
        (set, keys),
        (bool, True),
        (lambda values: values.pop("confirm"), True),
        (lambda values: values.pop("nothing", 5), 5),
        (lambda values: values.__delitem__("confirm"), None),
        (lambda values: values.clear(), None),
        (lambda values: set(dict(values.items())), keys),
        (lambda values: values.setdefault("confirm", 7), True),
        (lambda values: "decision" in values, True),
    ):
        with site.test_request_context("/", headers=sent) as context:
            assert look(context.session) == found
        with site.test_request_context("/") as context, pytest.raises(KeyError):
            context.session.pop("confirm")


def test_nothing_is_kept_in_a_session_that_no_choice_has_made(make_site: MakeSite) -> None:
    site = make_site()
    for sent in ({}, {"Cookie": "session=proposed"}):
        with site.test_request_context("/", headers=sent) as context:
            context.session["anything"] = 1
            answer = site.response_class()
            site.session_interface.save_session(site, context.session, answer)
        assert "Set-Cookie" not in answer.headers
    assert count_sessions(site) == 0


@pytest.mark.stores(*ALL_STORES)
def test_the_cookie_of_a_session_that_is_gone_goes_with_the_next_page(
    site: Flask, visitor: Visitor
) -> None:
    visitor.choose("reject")
    with site.app_context():
        ended = records(site)[0].subject
        site.extensions["sessions"].end_of_subject(ended, lambda _connection: 0)
    stale = {"Cookie": f"session={session_cookie(visitor)}"}
    Visitor(site).get("/", Cookie="other=1")  # A copy is kept for whoever has not chosen.
    for path in ("/robots.txt", "/health", "/feed.xml", "/favicon.ico"):
        assert "Set-Cookie" not in visitor.raw_get(path, **stale).headers, path
    for path in ("/", "/cookies", "/privacy", "/none"):
        answer = visitor.raw_get(path, **stale)
        (line,) = answer.headers.getlist("Set-Cookie")
        assert line.startswith("session=; ")
        assert "Max-Age=0" in line
        assert not answer.headers["Cache-Control"].startswith("public")
    settings = visitor.get("/cookies")
    assert "Nothing is stored on your device." in settings.text
    assert visitor.cookies == set()
    visitor.choose("reject")
    assert visitor.cookies == {"session"}


@pytest.mark.needs("rights")
def test_a_session_is_over_with_its_choice_though_its_cookie_is_kept(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    (record,) = records(site)
    kept = {"Cookie": f"session={session_cookie(visitor)}"}
    for late, is_known in ((timedelta(seconds=-1), True), (timedelta(0), False)):
        with time_machine.travel(record.expires_at + late, tick=False):
            history = visitor.get("/cookies/history", **kept)
            receipt = visitor.raw_get("/cookies/receipt", **kept)
        assert (str(record.subject) in history.text) is is_known
        assert receipt.status_code == (200 if is_known else 404)


def test_sessions_that_are_over_leave_the_database(make_site: MakeSite) -> None:
    site = make_site()
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False):
        for _ in range(3):
            Visitor(site).post("/cookies", {"choice": "reject"})
    assert count_sessions(site) == 3
    with time_machine.travel(datetime(2026, 8, 1, tzinfo=UTC), tick=False):
        Visitor(site).post("/cookies", {"choice": "reject"})
    assert count_sessions(site) == 1


def test_a_look_up_that_hangs_holds_up_no_other() -> None:
    asked, answered = Event(), Event()

    def hang() -> None:
        asked.set()
        answered.wait(30)

    slow = Thread(target=lambda: len(VisitorSession("slow", hang)))
    slow.start()
    assert asked.wait(30)
    quick = Thread(target=lambda: len(VisitorSession("quick", lambda: None)))
    quick.start()
    quick.join(10)
    is_held_up = quick.is_alive()
    answered.set()
    slow.join()
    assert not is_held_up
