"""Flask-Session's known traps, each closed."""

import logging
import pickle
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import msgspec
import pytest
import time_machine
from browserlike import Page, Visitor
from conftest import ALL_STORES, MakeSite, statements
from evidence import count_sessions, records, session_cookie
from flask import Flask
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeout
from sqlalchemy import Connection, update

from blueprints.database import DatabaseUnavailableError, db, outage, within, write
from blueprints.database.errors import OutcomeUnknownError
from blueprints.sessions import StoreUnavailableError, redis_store
from blueprints.sessions.database_store import DatabaseStore
from blueprints.sessions.models import StoredSession
from blueprints.sessions.redis_server import RedisServer
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


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x80"])
def test_rubbish_in_the_store_is_no_session(make_site: MakeSite, data: bytes) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with site.app_context(), db.engine.begin() as connection:
        connection.execute(update(StoredSession).values(data=data))
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
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("alter table consent_records rename to gone")
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
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("alter table sessions rename to gone_too")
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


@pytest.fixture(params=["sqlite+redis", "postgresql+redis"])
def redis_site(request: pytest.FixtureRequest, make_site: MakeSite) -> Flask:
    backend = {"REDIS_URL": request.getfixturevalue("redis_url")}
    if request.param.startswith("postgresql"):
        backend["SQLALCHEMY_DATABASE_URI"] = request.getfixturevalue("migrated_postgresql_uri")
    return make_site(**backend)


def given(visitor: Visitor) -> set[str | None]:
    return {box.get("value") for box in visitor.get("/cookies").all("input", checked="")}


def test_a_choice_that_redis_misses_at_the_end_is_made_all_the_same(
    redis_site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(redis_site)
    for choice, boxes in (("accept_all", 2), ("reject", 0), ("accept_all", 2)):
        with monkeypatch.context() as broken:
            broken.setattr(redis_store, "_stored", stops_answering)
            assert visitor.post("/cookies", {"choice": choice}).status_code == 303
        assert len(given(visitor)) == boxes
    assert [record.method for record in records(redis_site)][-1] == "settings.accept_all"
    assert len({record.subject for record in records(redis_site)}) == 1


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize(("first", "then"), [("reject", "accept_all"), ("accept_all", "reject")])
def test_a_session_in_doubt_holds_what_the_log_says(
    redis_site: Flask, monkeypatch: pytest.MonkeyPatch, first: str, then: str, *, is_committed: bool
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": first})
    with monkeypatch.context() as broken:
        broken.setattr(redis_store, "write", ends_without_a_word(is_committed=is_committed))
        assert visitor.post("/cookies", {"choice": then}).status_code == 503
    accepts = then == "accept_all" if is_committed else False
    assert bool(given(visitor)) is accepts
    last = records(redis_site)[-1]
    assert len({record.subject for record in records(redis_site)}) == 1
    assert ("given" in set(last.statuses.values())) is accepts, "the log says the same"
    assert visitor.get("/cookies/history").all("li", class_="state"), "nothing is forgotten"


class Late:
    """A Redis that is told something at some number of the tellings, and carries it out later."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self._tell = redis_store.RedisStore._exchange  # noqa: SLF001 - the one way to tell it
        self._left = number
        self._told: list[Any] = []
        monkeypatch.setattr(redis_store.RedisStore, "_exchange", lambda *told: self._pass_on(told))

    def _pass_on(self, told: Any) -> bool:  # noqa: ANN401 - its own arguments
        self._left -= 1
        if self._left:
            return self._tell(*told)
        self._told = told
        raise RedisTimeout

    def deliver(self) -> None:
        self._tell(*self._told)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(("late", "last"), [("accept_all", "reject"), ("reject", "accept_all")])
def test_what_arrives_late_changes_nothing_that_was_decided_since(
    redis_site: Flask, monkeypatch: pytest.MonkeyPatch, late: str, last: str, number: int
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": last})
    with monkeypatch.context() as slow:
        redis = Late(slow, number)
        visitor.post("/cookies", {"choice": late})
    assert visitor.post("/cookies", {"choice": last}).status_code == 303
    redis.deliver()
    assert len(given(visitor)) == (2 if last == "accept_all" else 0)
    assert len({record.subject for record in records(redis_site)}) == 1


def test_who_held_the_order_for_too_long_overwrites_nothing(
    redis_site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": "accept_all"})

    def be_overtaken(work: Callable[[Connection], object]) -> None:
        monkeypatch.setattr(redis_store, "write", write)
        Redis.from_url(redis_site.config["REDIS_URL"]).delete(*orders_of(redis_site))
        assert visitor.post("/cookies", {"choice": "reject"}).status_code == 303
        write(work)

    monkeypatch.setattr(redis_store, "write", be_overtaken)
    assert visitor.post("/cookies", {"choice": "accept_all"}).status_code == 503
    assert given(visitor) == set()
    assert [record.method for record in records(redis_site)][-1] == "settings.reject"


def test_a_page_view_at_the_same_time_costs_nobody_a_choice(
    redis_site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": "accept_all"})

    def look_meanwhile(work: Callable[[Connection], object]) -> object:
        monkeypatch.setattr(redis_store, "write", write)
        assert "Your cookie settings were saved" in visitor.get("/").text  # once, and no more
        return write(work)

    monkeypatch.setattr(redis_store, "write", look_meanwhile)
    assert visitor.post("/cookies/withdraw", {}).status_code == 303
    assert given(visitor) == set()
    assert [record.method for record in records(redis_site)][-1] == "settings.withdraw"
    assert len(records(redis_site)) == 2


def test_what_an_erasure_could_not_end_in_redis_ends_within_a_day_and_the_log_is_quiet(
    redis_site: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(redis_site)
    redis = Redis.from_url(redis_site.config["REDIS_URL"])
    for stops in (True, False):
        visitor.post("/cookies", {"choice": "accept_all"})
        with monkeypatch.context() as broken:
            if stops:
                broken.setattr(redis_store, "_stored", stops_answering)
            assert visitor.post("/cookies/erase", {}).status_code == 200
        left = [*redis.scan_iter("session:*"), *redis.scan_iter("subject:*")]
        assert len(left) == 2  # of the first
        assert all(0 < redis.ttl(name) <= 24 * 60 * 60 + 1 for name in left)
    assert [line.getMessage() for line in caplog.records] == []


def snapshot_of(redis: Redis) -> dict[bytes, bytes]:
    """Return what Redis holds, as it would come back in another run."""
    run = str(cast("dict[str, str]", redis.info("server"))["run_id"])[:16].encode()
    names = [*redis.scan_iter("session:*"), *redis.scan_iter("subject:*")]
    return {name: cast("bytes", redis.get(name)).replace(run, b"0" * 16) for name in names}


@pytest.mark.parametrize("forgets", [True, False])
def test_what_a_redis_that_began_anew_has_forgotten_is_not_undone(
    redis_site: Flask, *, forgets: bool
) -> None:
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": "accept_all"})
    redis = Redis.from_url(redis_site.config["REDIS_URL"])
    snapshot = snapshot_of(redis)
    if forgets:
        visitor.post("/cookies/withdraw", {})
    redis.mset(snapshot)
    for _ in range(2):
        assert len(given(visitor)) == (0 if forgets else 2)
    assert bool(list(redis.scan_iter("session:*"))) is not forgets


def test_what_comes_back_of_somebody_who_was_erased_goes_with_their_number(
    redis_site: Flask,
) -> None:
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": "accept_all"})
    cookie = session_cookie(visitor)
    redis = Redis.from_url(redis_site.config["REDIS_URL"])
    snapshot = snapshot_of(redis)
    assert len(snapshot) == 2
    visitor.post("/cookies/erase", {})
    redis.mset(snapshot)
    Visitor(redis_site).raw_get("/", Cookie=f"session={cookie}")
    assert [*redis.scan_iter("session:*"), *redis.scan_iter("subject:*")] == []


def test_what_was_seen_before_redis_began_anew_is_no_reason_to_assume(
    make_site: MakeSite, redis_url: str
) -> None:
    site, redis = make_site(REDIS_URL=redis_url, CONSENT_MODEL="implied"), Redis.from_url(redis_url)
    visitor = Visitor(site)
    visitor.get("/")
    snapshot = snapshot_of(redis)
    visitor.post("/cookies", {"choice": "reject"})
    redis.mset(snapshot)
    for _ in range(3):
        visitor.get("/")
    assert [record.method for record in records(site)] == ["settings.reject"]


@pytest.mark.parametrize("are_kept", [True, False])
def test_a_redis_that_took_over_what_another_held_is_one_that_began_anew(
    make_site: MakeSite, redis_server: tuple[str, Redis], *, are_kept: bool
) -> None:
    """The process stays, connections perhaps too, and what it holds may be older."""
    url, redis = redis_server
    site = make_site(REDIS_URL=url)
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    (name,) = list(redis.scan_iter("session:*"))
    snapshot = cast("bytes", redis.get(name))
    visitor.post("/cookies/withdraw", {})
    redis.replicaof("127.0.0.1", "1")
    redis.replicaof("NO", "ONE")
    redis.set(name, snapshot)
    if not are_kept:
        redis.client_kill_filter(_type="normal", skipme=True)
    site.extensions["sessions"]._store._server._until = 0  # noqa: SLF001 - instead of waiting
    assert given(visitor) == set()


def test_a_redis_that_may_not_be_asked_which_run_it_is_can_be_used(
    make_site: MakeSite, redis_server: tuple[str, Redis]
) -> None:
    url, redis = redis_server
    redis.acl_setuser("default", enabled=True, nopass=True, commands=["-info"])
    visitor = Visitor(make_site(REDIS_URL=url))
    visitor.post("/cookies", {"choice": "accept_all"})
    assert len(given(visitor)) == 2
    visitor.post("/cookies/withdraw", {})
    assert given(visitor) == set()


def test_redis_is_waited_for_as_long_as_there_is_time(redis_url: str) -> None:
    client = RedisServer(redis_url, 5).client
    with within(0.05), pytest.raises(RedisTimeout):
        client.blpop(["none"], 0.5)
    assert client.blpop(["none"], 0.01) is None


@pytest.mark.parametrize("is_full", [True, False])
def test_a_page_that_cannot_note_what_it_showed_is_no_outage_for_others(
    make_site: MakeSite, redis_server: tuple[str, Redis], *, is_full: bool
) -> None:
    url, redis = redis_server
    site = make_site(REDIS_URL=url)
    other, visitor = Visitor(site), Visitor(site)
    other.post("/cookies", {"choice": "accept_all"})
    visitor.submit(visitor.get("/").form("/cookies"), "accept_all")  # and is to be confirmed
    if is_full:
        redis.config_set("maxmemory", 1)
    else:
        redis.replicaof("127.0.0.1", "1")
    for _ in range(2):
        assert visitor.get("/").confirmation
        assert len(given(other)) == 2


def orders_of(site: Flask) -> list[Any]:
    return list(Redis.from_url(site.config["REDIS_URL"]).scan_iter("order:*"))


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("by", ["browser", "number"])
def test_after_an_erasure_of_which_nobody_knows_the_log_says_whose_session_it_is(
    redis_site: Flask, monkeypatch: pytest.MonkeyPatch, by: str, *, is_committed: bool
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": "accept_all"})
    (before,) = records(redis_site)
    with monkeypatch.context() as broken:
        broken.setattr(redis_store, "write", ends_without_a_word(is_committed=is_committed))
        if by == "browser":
            answer = visitor.post("/cookies/erase", {})
        else:
            sent = {"number": str(before.subject), "erase": "yes"}
            answer = Visitor(redis_site).post("/cookies/records", sent)
    assert answer.status_code == 503
    assert "Nothing was erased" not in answer.get_data(as_text=True), "nobody knows"
    visitor.get("/")
    visitor.post("/cookies", {"choice": "reject"})
    subjects = [record.subject for record in records(redis_site)]
    if is_committed:
        assert subjects[0] is None
        assert before.subject not in subjects, "nobody writes about them again"
    else:
        assert set(subjects) == {before.subject}


def test_an_erasure_leaves_nothing_in_redis(redis_site: Flask) -> None:
    for by in ("browser", "number"):
        visitor = Visitor(redis_site)
        visitor.post("/cookies", {"choice": "accept_all"})
        if by == "browser":
            visitor.post("/cookies/erase", {})
        else:
            sent = {"number": str(records(redis_site)[-1].subject), "erase": "yes"}
            Visitor(redis_site).post("/cookies/records", sent)
        redis = Redis.from_url(redis_site.config["REDIS_URL"])
        assert [*redis.scan_iter("session:*"), *redis.scan_iter("subject:*")] == []


def test_nobody_writes_about_an_erased_subject_again(redis_site: Flask) -> None:
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": "accept_all"})
    redis = Redis.from_url(redis_site.config["REDIS_URL"])
    redis.delete(*redis.scan_iter("subject:*"))  # as a Redis may that is full
    subject = records(redis_site)[-1].subject
    sent = {"number": str(subject), "erase": "yes"}
    assert Visitor(redis_site).post("/cookies/records", sent).status_code == 200
    visitor.post("/cookies", {"choice": "reject"})
    erased, new = records(redis_site)
    assert erased.subject is None
    assert new.subject not in {None, subject}


def test_rubbish_within_a_session_in_redis_is_no_choice(redis_site: Flask) -> None:
    visitor = Visitor(redis_site)
    visitor.post("/cookies", {"choice": "accept_all"})
    redis = Redis.from_url(redis_site.config["REDIS_URL"])
    (name,) = list(redis.scan_iter("session:*"))
    good = msgspec.msgpack.decode(cast("bytes", redis.get(name)))
    decision = good["decision"]
    every: list[dict[str, Any]] = [
        *({"in_doubt": 5}, {"in_doubt": "x"}, {"in_doubt": [b"", b"x"]}, {"in_doubt": [good] * 2}),
        *({"expires_at": at} for at in (float("inf"), float("nan"), 1e300, "soon")),
        *({"decision": "x"}, {"decision": []}, {"decision": {"id": "x"}}),
        *({"decision": {**decision, "id": number}} for number in (5, "nope")),
        {"decision": {**decision, "decided_at": "x"}},
        {"decision": {**decision, "expires_at": "x"}},
        {"decision": {**decision, "subject": 5}},
        {"decision": {**decision, "notice": 5}},
        {"answered": 5},
    ]
    value = session_cookie(visitor)
    for rubbish in every:
        for path in ("/", "/cookies", "/cookies/history", "/cookies/receipt"):
            visitor.client.set_cookie("session", value)
            redis.set(name, msgspec.msgpack.encode({**good, **rubbish}))
            assert visitor.raw_get(path).status_code < 500, (rubbish, path)
        redis.set(name, msgspec.msgpack.encode({**good, **rubbish}))
        answer = Visitor(redis_site)
        answer.client.set_cookie("session", value)
        assert answer.post("/cookies/withdraw", {}).status_code == 303, rubbish
        assert given(answer) == set(), rubbish


def ends_without_a_word(*, is_committed: bool) -> Callable[[Callable[[Connection], object]], None]:
    """A database that does not say whether it has committed."""

    def end(work: Callable[[Connection], object]) -> None:
        def undone(connection: Connection) -> None:
            work(connection)
            if not is_committed:
                raise DatabaseUnavailableError

        with suppress(DatabaseUnavailableError):
            write(undone)
        raise OutcomeUnknownError

    return end


def stops_answering(*_: object) -> None:
    raise RedisTimeout
