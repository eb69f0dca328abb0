"""Limits count clients, whatever address they come from, and hold up nobody but who is limited."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from socket import create_connection, socket
from typing import Any

import pytest
from browserlike import Page, Visitor
from conftest import MakeSite, leave_out, statements
from evidence import ARTICLE, count_sessions, records, session_cookie
from flask import Flask
from time_machine import Traveller, travel

from blueprints.security.counts import (
    PAUSE_SECONDS,
    Counts,
    InFile,
    InMemory,
    InRedis,
    StoreFailedError,
)
from blueprints.security.limits import client

GRANT, REFUSAL = {"choice": "accept_all"}, {"choice": "reject"}
ROOT = Path(__file__).parents[2]
NOON = "2026-11-24 12:00:15Z"


@pytest.fixture(autouse=True)
def clock() -> Iterator[Traveller]:
    """A clock that stands: no test may fall on the turn of a minute."""
    with travel(NOON, tick=False) as moved:
        yield moved


@pytest.fixture
def counts(tmp_path: Path) -> Counts:
    return Counts(InFile(tmp_path / "limits.db"), logging.getLogger("counts"))


def post_from(site: Flask, address: str, data: dict[str, str], path: str = "/cookies") -> int:
    return Visitor(site, X_Forwarded_For=address).post(path, data).status_code


def test_all_grants_of_a_client_have_one_count_whichever_address_and_worker(
    make_site: MakeSite,
) -> None:
    workers = make_site(), make_site()
    ways = [
        ("/cookies", GRANT),
        ("/pt/cookies", GRANT),
        ("/cookies/allow", {"purpose": "advertising"}),
    ]
    statuses = [
        Visitor(workers[number % 2]).post(*ways[number % 3]).status_code for number in range(31)
    ]
    assert statuses == [303] * 30 + [429]


@pytest.mark.stores("sqlite", "sqlite+redis")
def test_a_new_secret_loses_neither_a_count_nor_a_session(
    make_site: MakeSite, backend: dict[str, Any]
) -> None:
    """While it is rolled out, processes that know the new secret serve beside those that do not."""
    old, new = "o" * 32, "n" * 32
    before = make_site(**backend, SECRET_KEY=old)
    between = make_site(**backend, SECRET_KEY=new, SECRET_KEY_FALLBACKS=[old, new])
    after = make_site(**backend, SECRET_KEY=new)
    visitor = Visitor(before)
    visitor.choose("accept_all")
    sites = [before] * 9 + [between, before] * 5 + [between] * 5
    statuses = [Visitor(site).post("/cookies", GRANT).status_code for site in sites]
    assert statuses == [303] * 24
    cookie = f"session={session_cookie(visitor)}"
    for site in (between, after):
        assert len(Visitor(site).get("/cookies", Cookie=cookie).all("input", checked="")) == 2
    statuses = [Visitor(between).post("/cookies", GRANT).status_code for _ in range(6)]
    assert statuses == [303] * 5 + [429]
    # What only the processes of before have counted goes with their secret, a minute at most.
    statuses = [Visitor(after).post("/cookies", GRANT).status_code for _ in range(15)]
    assert statuses == [303] * 14 + [429]


def test_the_page_about_too_many_choices_is_true_for_each(make_site: MakeSite) -> None:
    site = make_site()
    for _ in range(30):
        Visitor(site).post("/cookies", GRANT)
    limited = Page(Visitor(site).post("/cookies", GRANT))
    assert limited.status == 429
    assert limited.response.headers["Retry-After"] == "45"
    assert "if you had accepted nothing, everything optional is off" in limited.text
    assert "Rejecting is always possible" not in limited.text
    as_json = Visitor(site).post("/pt/cookies", GRANT, Accept="application/json").json
    assert as_json is not None
    assert "Não pudemos registar esta escolha" in as_json["message"]


@pytest.mark.parametrize("path", ["/cookies", "/cookies/withdraw"])
def test_refusals_that_take_nothing_back_are_limited_and_write_no_more(
    make_site: MakeSite, path: str
) -> None:
    site = make_site()
    data = REFUSAL if path == "/cookies" else {}
    statuses = [Visitor(site).post(path, data).status_code for _ in range(62)]
    assert statuses == [303] * 60 + [429] * 2
    assert len(records(site)) == count_sessions(site) == 60


@pytest.mark.slow
def test_refusing_again_and_again_in_one_session_is_limited_too(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    answers = [
        visitor.submit(visitor.get("/cookies").form("/cookies"), "reject") for _ in range(61)
    ]
    assert [answer.status_code for answer in answers] == [303] * 60 + [429]


@pytest.mark.slow
def test_who_takes_something_back_is_never_limited(make_site: MakeSite) -> None:
    site = make_site()
    visitors = [Visitor(site) for _ in range(30)]
    for visitor in visitors:
        visitor.choose("accept_all")
    for _ in range(61):
        Visitor(site).post("/cookies", REFUSAL)
    for visitor in visitors[::2]:
        answer = visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
        assert answer.status_code == 303
    for visitor in visitors[1::2]:
        answer = visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
        assert answer.status_code == 303


def test_who_keeps_less_than_before_is_never_limited(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    for _ in range(30):
        Visitor(site).post("/cookies", GRANT)
    less = {"choice": "accept_selected", "purposes": "advertising"}
    assert visitor.post("/cookies", less).status_code == 303
    assert records(site)[-1].statuses == {"personalization": "withdrawn", "advertising": "given"}


def test_where_a_grant_is_limited_what_was_taken_back_with_it_is_off(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    for _ in range(30):
        Visitor(site).post("/cookies", GRANT)
    other = {"choice": "accept_selected", "purposes": "personalization"}
    page = Page(visitor.post("/cookies", other))
    assert page.status == 429
    assert "What you withdrew is off, and this is recorded." in page.text
    assert records(site)[-1].statuses == {"personalization": "unknown", "advertising": "withdrawn"}
    assert visitor.get("/cookies").all("input", checked="") == []


def test_in_the_implied_model_one_who_opens_too_many_pages_spoils_them_for_nobody(
    make_site: MakeSite,
) -> None:
    site = make_site(CONSENT_MODEL="implied", PROXY_HOPS=1)
    for _ in range(62):  # The last of them get no session, and so leave a copy for everybody.
        Visitor(site, X_Forwarded_For="192.0.2.1").get("/")
    visitor = Visitor(site, X_Forwarded_For="192.0.2.2")
    assert visitor.get("/").status == 200
    assert visitor.cookies == {"session"}


@pytest.mark.slow
def test_the_implied_model_cannot_fill_the_disk_either(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitors = [Visitor(site) for _ in range(70)]
    for visitor in visitors:
        assert visitor.get("/").status == 200
    assert count_sessions(site) == 60
    for visitor in visitors:
        assert visitor.get(ARTICLE).status == 200
    assert len(records(site)) == 30
    assert visitors[0].get("/").banner is None
    assert visitors[-1].get("/").banner is not None


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:50123", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:443", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]:50123", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("unknown", "none"),
        ("_hidden:80", "none"),
        ("192.0.2.700", "none"),
        ("[::1", "::/64"),
        ("1:2:3:4:5:6:7:8:9", "none"),
        ("é" * 5000, "none"),
        ("", "none"),
        (None, "none"),
    ],
)
def test_a_client_is_one_ipv4_address_or_one_ipv6_subscriber(
    address: str | None, counted_as: str
) -> None:
    assert client(address) == counted_as


def test_other_ports_and_addresses_of_one_subscriber_are_no_other_client(
    make_site: MakeSite,
) -> None:
    site = make_site(PROXY_HOPS=1)
    invented = "203.0.113.{}, 192.0.2.9"  # what a client sends stands before what the proxy adds
    same = "[2001:db8:1:2::{}]:443", "2001:db8:1:9::{}", "192.0.2.7:5{}", "rubbish{}", invented
    for of_one in same:
        statuses = [post_from(site, of_one.format(number), GRANT) for number in range(100, 140)]
        assert statuses == [303] * 30 + [429] * 10
    assert post_from(site, "192.0.2.8", GRANT) == 303


@pytest.mark.needs("rights")
def test_what_is_limited_limits_nothing_else(make_site: MakeSite) -> None:
    site = make_site()
    assert [Visitor(site).post("/cookies", GRANT).status_code for _ in range(31)][-1] == 429
    assert Visitor(site).post("/cookies", REFUSAL).status_code == 303
    number = {"number": "f7f4b032-560f-4011-983d-603b00ea1681"}
    assert Visitor(site).post("/cookies/records", number).status_code == 404


def test_only_a_hash_is_kept_and_the_next_minute_deletes_it(
    tmp_path: Path, counts: Counts, clock: Traveller
) -> None:
    file = tmp_path / "limits.db"
    assert [counts.add(b"of one client") for _ in range(3)] == [1, 2, 3]
    assert file.stat().st_mode & 0o777 == 0o600
    clock.shift(60)
    assert counts.add(b"of another") == 1
    assert b"of one client" not in file.read_bytes()


def test_a_site_writes_no_address_into_its_counts(make_site: MakeSite) -> None:
    site = make_site(PROXY_HOPS=1)
    post_from(site, "192.0.2.77", GRANT)
    kept = (Path(site.instance_path) / "limits.db").read_bytes()
    assert b"192.0.2.77" not in kept


def test_a_minute_is_counted_from_its_beginning_to_its_end(
    counts: Counts, clock: Traveller
) -> None:
    clock.move_to("2026-11-24 12:01:00Z")
    assert counts.add(b"client") == 1
    clock.shift(59)
    assert counts.add(b"client") == 2
    clock.shift(1)
    assert counts.add(b"client") == 1


@pytest.mark.parametrize("seconds", [60, 7200, -60, -7200])
def test_a_clock_that_jumps_locks_nobody_out(
    counts: Counts, clock: Traveller, seconds: int
) -> None:
    for _ in range(40):
        counts.add(b"client")
    clock.shift(seconds)
    assert counts.add(b"client") == 1


def test_nor_does_it_where_a_process_counts_for_itself() -> None:
    store = InMemory()
    assert [store.add(b"client", minute) for minute in (7, 7, 8, 8, 7)] == [1, 2, 1, 2, 1]


COUNT_OFTEN = """
import sys
from pathlib import Path
from blueprints.security.counts import InFile
store = InFile(Path(sys.argv[1]))
print(*(store.add(b"client", 1) for _ in range(100)))
"""


@pytest.mark.slow
def test_four_processes_at_once_miss_no_count(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT_OFTEN, str(tmp_path / "limits.db")]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(4)
    ]
    found = " ".join(worker.communicate()[0] for worker in workers)
    assert sorted(map(int, found.split())) == list(range(1, 401))


def test_a_file_of_counts_that_is_spoilt_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "limits.db"
    store = InFile(file)
    for spoilt in (b"no database at all " * 400, b"SQLite format 3\0" + b"\xff" * 8000):
        file.write_bytes(spoilt)
        with pytest.raises(StoreFailedError):
            store.add(b"client", 1)
        assert store.add(b"client", 1) == 1
    file.unlink()
    assert store.add(b"client", 1) == 1


def test_a_file_of_counts_has_a_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueprints.security.counts.FILE_PAGES_AT_MOST", 8)
    store = InFile(tmp_path / "limits.db")
    clients = (number.to_bytes(16) for number in range(5000))
    with pytest.raises(StoreFailedError, match="full"):
        _ = [store.add(one, 1) for one in clients]
    assert (tmp_path / "limits.db").stat().st_size <= 8 * 4096
    assert store.add(b"client", 2) == 1


def test_where_nothing_can_be_written_a_process_counts_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counts = Counts(InFile(tmp_path / "missing" / "limits.db"), logging.getLogger("counts"))
    assert [counts.add(b"client") for _ in range(40)] == list(range(1, 41))
    (record,) = caplog.records
    assert record.message.startswith("Each process counts for itself: limits.db: [Errno 2]")


def test_a_file_of_counts_that_another_process_holds_is_left_alone(
    tmp_path: Path, counts: Counts
) -> None:
    assert counts.add(b"client") == 1
    with closing(sqlite3.connect(tmp_path / "limits.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert [counts.add(b"client") for _ in range(40)] == list(range(1, 41))


def test_each_time_that_the_counts_fail_is_told_once(
    tmp_path: Path,
    counts: Counts,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("blueprints.security.counts.PAUSE_SECONDS", 0)
    file = tmp_path / "limits.db"
    for times in (1, 2):
        counts.add(b"client")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                counts.add(b"client")
        said = "Each process counts for itself: limits.db: database is locked"
        assert [record.message for record in caplog.records] == [said] * times


def test_a_file_of_counts_that_failed_is_left_alone_for_a_while(
    tmp_path: Path, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [counts.add(b"client") for _ in range(3)] == [1, 2, 3]
    with closing(sqlite3.connect(tmp_path / "limits.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert counts.add(b"client") == 1
    assert counts.add(b"client") == 2, "it was asked again at once"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + PAUSE_SECONDS)
    assert counts.add(b"client") == 4


def test_a_file_of_counts_stays_open_until_it_is_another_one(tmp_path: Path) -> None:
    file = tmp_path / "limits.db"
    store = InFile(file)
    for _ in range(2):
        assert [store.add(b"client", 1) for _ in range(3)] == [1, 2, 3]
        links = (each for each in Path("/proc/self/fd").iterdir() if each.is_symlink())
        opened = [str(link.readlink()) for link in links]
        assert [path for path in opened if path.startswith(str(file))] == [str(file)]
        file.unlink()


def test_who_waits_while_the_file_of_counts_fails_for_another_does_not_ask_it(
    tmp_path: Path,
) -> None:
    """So that nobody waits for one failure after the other, however many came at once."""
    store = InFile(tmp_path / "limits.db")
    store.add(b"client", 1)

    def count(_number: int) -> str:
        with pytest.raises(StoreFailedError) as failed:
            store.add(b"client", 1)
        return str(failed.value)

    with (
        closing(sqlite3.connect(tmp_path / "limits.db", isolation_level=None)) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        other.execute("BEGIN EXCLUSIVE")
        told = set(pool.map(count, range(8)))
    assert told == {"limits.db: database is locked", "limits.db: it has just failed"}


def test_counts_in_memory_have_a_largest_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueprints.security.counts.CLIENTS_IN_MEMORY_AT_MOST", 10)
    store = InMemory()
    for number in range(100):
        store.add(bytes([number]), 1)
    assert len(store._counts) <= 10  # noqa: SLF001 - how much it holds is not told otherwise


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis that the test may stop."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    try:
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - of the test
    except FileNotFoundError:
        leave_out("Redis")
    try:
        for _ in range(100):
            try:
                create_connection(("127.0.0.1", port)).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
        server.wait()


def test_a_redis_that_hangs_is_asked_once_and_only_by_who_is_limited(
    own_redis: tuple[str, subprocess.Popen[bytes]],
    make_site: MakeSite,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url, server = own_redis
    site = make_site(REDIS_URL=url)
    counts = site.extensions["counts"]
    caplog.clear()
    os.kill(server.pid, signal.SIGSTOP)
    for path in ("/", "/health", "/cookies", ARTICLE, "/feed.xml"):
        assert Visitor(site).raw_get(path).status_code == 200
    assert caplog.records == [], "a request asked that changes nothing"
    assert [counts.add(b"client") for _ in range(40)] == list(range(1, 41))
    assert [record.message for record in caplog.records] == [
        "Each process counts for itself: Redis: TimeoutError"
    ]
    os.kill(server.pid, signal.SIGCONT)


def test_redis_counts_for_every_process_and_forgets_by_itself(redis_url: str) -> None:
    one, other = InRedis(redis_url), InRedis(redis_url)
    assert [one.add(b"a", 1), other.add(b"a", 1), one.add(b"b", 1), one.add(b"a", 2)] == [
        1,
        2,
        1,
        1,
    ]
    client_of_redis = one._redis  # noqa: SLF001 - what it keeps is looked at in the same place
    assert all(0 < client_of_redis.ttl(key) <= 60 for key in client_of_redis.keys("count:*"))


@pytest.mark.slow
def test_reading_counts_nothing(make_site: MakeSite) -> None:
    site = make_site()
    seen = statements(site)
    for _ in range(100):
        Visitor(site).get("/")
    assert not seen
    for _ in range(60):
        assert Visitor(site).post("/cookies", REFUSAL).status_code == 303
