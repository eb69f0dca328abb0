"""On SQLite one request writes for all that wait: each is recorded by what its own sender sent."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import Any

from browserlike import Visitor
from conftest import MakeSite
from evidence import ARTICLE, records
from flask import Flask

from blueprints.database import db, write
from blueprints.database.turns import Turns

Step = Callable[[], Any]


def in_one_commit(site: Flask, *steps: Step) -> list[Any]:
    """Let the first step write for the others: all are sent while another process has the turn."""
    with site.app_context():
        file = Path(db.engine.url.database or "")
    waiting = site.extensions["database"].writer._queue  # noqa: SLF001 - nobody else can tell
    done: list[Future[Any]] = []
    with ThreadPoolExecutor(len(steps)) as pool:
        with Turns(file).take(1):
            for step in steps:
                done.append(pool.submit(step))
                while len(waiting) < len(done):
                    sleep(0.001)
        return [each.result() for each in done]


def seal(site: Flask) -> None:
    """Write for nobody, as what seals the log does."""
    with site.app_context():
        write(lambda _connection: None)


def test_what_seals_the_log_may_write_choices_too(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    _none, answer = in_one_commit(
        site, lambda: seal(site), lambda: visitor.post("/cookies", {"choice": "accept_all"})
    )
    assert answer.status_code == 303
    (record,) = records(site)
    assert set(record.statuses.values()) == {"given"}


def test_what_is_assumed_is_what_each_has_been_told_in_their_language(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    english, portuguese = Visitor(site), Visitor(site)
    in_one_commit(site, lambda: english.get("/"), lambda: portuguese.get("/pt/"))
    portuguese.get(ARTICLE)
    (record,) = records(site)
    assert record.notice == site.extensions["notices"].in_force["pt"].id
