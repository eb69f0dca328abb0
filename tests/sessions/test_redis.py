"""Sessions in Redis, which is not the log: whatever it misses, forgets or brings back."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, cast

import msgspec
import pytest
from browserlike import Visitor
from conftest import MakeSite
from evidence import given, records, session_cookie
from flask import Flask
from log import decision, fill
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeout
from sqlalchemy import Connection

from blueprints.database import DatabaseUnavailableError, outage, within, write
from blueprints.database.errors import OutcomeUnknownError
from blueprints.sessions import redis_store
from blueprints.sessions.redis_server import RedisServer

pytestmark = pytest.mark.stores("sqlite+redis", "postgresql+redis")


def test_a_choice_that_redis_misses_at_the_end_is_made_all_the_same(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(site)
    for choice, boxes in (("accept_all", 2), ("reject", 0), ("accept_all", 2)):
        with monkeypatch.context() as broken:
            broken.setattr(redis_store, "_stored", stops_answering)
            assert visitor.post("/cookies", {"choice": choice}).status_code == 303
        assert len(given(visitor)) == boxes
    assert [record.method for record in records(site)][-1] == "settings.accept_all"
    assert len({record.subject for record in records(site)}) == 1


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize(("first", "then"), [("reject", "accept_all"), ("accept_all", "reject")])
def test_a_session_in_doubt_holds_what_the_log_says(
    site: Flask, monkeypatch: pytest.MonkeyPatch, first: str, then: str, *, is_committed: bool
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": first})
    with monkeypatch.context() as broken:
        broken.setattr(redis_store, "write", ends_without_a_word(is_committed=is_committed))
        assert visitor.post("/cookies", {"choice": then}).status_code == 503
    accepts = then == "accept_all" if is_committed else False
    assert bool(given(visitor)) is accepts
    last = records(site)[-1]
    assert len({record.subject for record in records(site)}) == 1
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
    site: Flask, monkeypatch: pytest.MonkeyPatch, late: str, last: str, number: int
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": last})
    with monkeypatch.context() as slow:
        redis = Late(slow, number)
        visitor.post("/cookies", {"choice": late})
    assert visitor.post("/cookies", {"choice": last}).status_code == 303
    redis.deliver()
    assert len(given(visitor)) == (2 if last == "accept_all" else 0)
    assert len({record.subject for record in records(site)}) == 1


def test_who_held_the_order_for_too_long_overwrites_nothing(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})

    def be_overtaken(work: Callable[[Connection], object]) -> None:
        monkeypatch.setattr(redis_store, "write", write)
        Redis.from_url(site.config["REDIS_URL"]).delete(*orders_of(site))
        assert visitor.post("/cookies", {"choice": "reject"}).status_code == 303
        write(work)

    monkeypatch.setattr(redis_store, "write", be_overtaken)
    assert visitor.post("/cookies", {"choice": "accept_all"}).status_code == 503
    assert given(visitor) == set()
    assert [record.method for record in records(site)][-1] == "settings.reject"


@pytest.mark.needs("rights")
def test_an_erasure_that_is_done_anew_tells_of_what_it_erased(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "reject"})
    subject = str(records(site)[0].subject)

    def be_overtaken(work: Callable[[Connection], object]) -> object:
        monkeypatch.setattr(redis_store, "write", write)
        with ThreadPoolExecutor(1) as pool:  # a page that shows once that it was saved
            pool.submit(visitor.raw_get, "/").result()
        try:
            return write(work)
        finally:
            fill(site, [decision(subject=subject)])

    monkeypatch.setattr(redis_store, "SECONDS_TO_CHANGE", 30)  # A test machine may be busy.
    monkeypatch.setattr(redis_store, "write", be_overtaken)
    answer = visitor.post("/cookies/erase", {}, Accept="application/json")
    assert answer.json == {"erased": True, "records": 2, "cookies": []}
    assert [record.subject for record in records(site)] == [None, None]


def test_a_page_view_at_the_same_time_costs_nobody_a_choice(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})

    def look_meanwhile(work: Callable[[Connection], object]) -> object:
        monkeypatch.setattr(redis_store, "write", write)
        assert "Your cookie settings were saved" in visitor.get("/").text  # once, and no more
        return write(work)

    monkeypatch.setattr(redis_store, "write", look_meanwhile)
    assert visitor.post("/cookies/withdraw", {}).status_code == 303
    assert given(visitor) == set()
    assert [record.method for record in records(site)][-1] == "settings.withdraw"
    assert len(records(site)) == 2


def test_what_an_erasure_could_not_end_in_redis_ends_within_a_day_and_the_log_is_quiet(
    site: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = Visitor(site)
    redis = Redis.from_url(site.config["REDIS_URL"])
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
    site: Flask, *, forgets: bool
) -> None:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    redis = Redis.from_url(site.config["REDIS_URL"])
    snapshot = snapshot_of(redis)
    if forgets:
        visitor.post("/cookies/withdraw", {})
    redis.mset(snapshot)
    for _ in range(2):
        assert len(given(visitor)) == (0 if forgets else 2)
    assert bool(list(redis.scan_iter("session:*"))) is not forgets


def test_what_comes_back_of_somebody_who_was_erased_goes_with_their_number(
    site: Flask,
) -> None:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    cookie = session_cookie(visitor)
    redis = Redis.from_url(site.config["REDIS_URL"])
    snapshot = snapshot_of(redis)
    assert len(snapshot) == 2
    visitor.post("/cookies/erase", {})
    redis.mset(snapshot)
    Visitor(site).raw_get("/", Cookie=f"session={cookie}")
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
    site: Flask, monkeypatch: pytest.MonkeyPatch, by: str, *, is_committed: bool
) -> None:
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    (before,) = records(site)
    with monkeypatch.context() as broken:
        broken.setattr(redis_store, "write", ends_without_a_word(is_committed=is_committed))
        if by == "browser":
            answer = visitor.post("/cookies/erase", {})
        else:
            sent = {"number": str(before.subject), "erase": "yes"}
            answer = Visitor(site).post("/cookies/records", sent)
    assert answer.status_code == 503
    assert "Nothing was erased" not in answer.get_data(as_text=True), "nobody knows"
    visitor.get("/")
    visitor.post("/cookies", {"choice": "reject"})
    subjects = [record.subject for record in records(site)]
    if is_committed:
        assert subjects[0] is None
        assert before.subject not in subjects, "nobody writes about them again"
    else:
        assert set(subjects) == {before.subject}


def test_an_erasure_leaves_nothing_in_redis(site: Flask) -> None:
    for by in ("browser", "number"):
        visitor = Visitor(site)
        visitor.post("/cookies", {"choice": "accept_all"})
        if by == "browser":
            visitor.post("/cookies/erase", {})
        else:
            sent = {"number": str(records(site)[-1].subject), "erase": "yes"}
            Visitor(site).post("/cookies/records", sent)
        redis = Redis.from_url(site.config["REDIS_URL"])
        assert [*redis.scan_iter("session:*"), *redis.scan_iter("subject:*")] == []


def test_nobody_writes_about_an_erased_subject_again(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    redis = Redis.from_url(site.config["REDIS_URL"])
    redis.delete(*redis.scan_iter("subject:*"))  # as a Redis may that is full
    subject = records(site)[-1].subject
    sent = {"number": str(subject), "erase": "yes"}
    assert Visitor(site).post("/cookies/records", sent).status_code == 200
    visitor.post("/cookies", {"choice": "reject"})
    erased, new = records(site)
    assert erased.subject is None
    assert new.subject not in {None, subject}


def test_rubbish_within_a_session_in_redis_is_no_choice(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    redis = Redis.from_url(site.config["REDIS_URL"])
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
        answer = Visitor(site)
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
