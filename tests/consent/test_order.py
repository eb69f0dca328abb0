"""One visitor, one session, one order: the last choice in the log is the one that counts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
import time_machine
from browserlike import Visitor
from conftest import ALL_STORES, PATIENT_SECONDS, MakeSite
from evidence import count_sessions, records, session_cookie
from flask import Flask
from log import run
from werkzeug.test import TestResponse

from blueprints.security import counts, limits

pytestmark = pytest.mark.stores(*ALL_STORES)

Step = Callable[[], TestResponse]


def same_browser(visitor: Visitor) -> Visitor:
    """Another request of the same browser, which runs beside the first."""
    other = Visitor(visitor.site)
    other.client.set_cookie("session", session_cookie(visitor))
    return other


def at_once(*steps: Step) -> list[TestResponse]:
    start = Barrier(len(steps))

    def run_one(step: Step) -> TestResponse:
        start.wait()
        return step()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run_one, steps))


def sends(visitor: Visitor, choice: str, **more: str) -> Step:
    browser = same_browser(visitor)
    return lambda: browser.post("/cookies", {"choice": choice, **more})


def erases(visitor: Visitor) -> Step:
    browser = same_browser(visitor)
    return lambda: browser.post("/cookies/erase", {})


def ticked(visitor: Visitor) -> set[Any]:
    return {box.get("value") for box in visitor.get("/cookies").all("input", checked="")}


def given(record: Any) -> set[str]:  # noqa: ANN401 - a row
    return {purpose for purpose, status in record.statuses.items() if status == "given"}


def test_parallel_choices_make_one_session_of_one_subject(site: Flask, visitor: Visitor) -> None:
    visitor.post("/cookies", {"choice": "reject"})
    for _ in range(5):
        at_once(sends(visitor, "accept_all"), sends(visitor, "reject"))
        log = records(site)
        assert ticked(visitor) == given(log[-1]), "the last in the log is what the session holds"
    assert len(log) == 11
    assert len({record.subject for record in log}) == 1
    assert [record.decided_at for record in log] == sorted({r.decided_at for r in log})
    if not site.config["REDIS_URL"]:
        assert count_sessions(site) == 1


@pytest.mark.needs("rights")
def test_a_double_click_on_reject_is_a_withdrawal_and_a_refusal_of_one_visitor(
    site: Flask, visitor: Visitor
) -> None:
    visitor.post("/cookies", {"choice": "accept_all"})
    at_once(sends(visitor, "reject"), sends(visitor, "reject"))
    statuses = [set(record.statuses.values()) for record in records(site)]
    assert statuses == [{"given"}, {"withdrawn"}, {"refused"}]
    assert len({record.subject for record in records(site)}) == 1
    assert len(visitor.get("/cookies/history").all("li", class_="state")) == 3


def test_what_is_added_beside_something_else_loses_nothing(site: Flask, visitor: Visitor) -> None:
    visitor.post("/cookies", {"choice": "reject"})
    browsers = same_browser(visitor), same_browser(visitor)
    at_once(
        lambda: browsers[0].post("/cookies/allow", {"purpose": "advertising"}),
        lambda: browsers[1].post("/cookies/allow", {"purpose": "personalization"}),
    )
    assert given(records(site)[-1]) == {"advertising", "personalization"}


@pytest.mark.needs("rights")
def test_the_withdrawal_is_the_last_though_the_clock_was_set_back(
    site: Flask, visitor: Visitor
) -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    with time_machine.travel(noon, tick=False):
        visitor.post("/cookies", {"choice": "accept_all"})
    with time_machine.travel(noon - timedelta(hours=2), tick=False):
        visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
        accepted, withdrawn = records(site)
        assert accepted.decided_at < withdrawn.decided_at
        assert accepted.id < withdrawn.id, "so it stands in the log and in an export"
        newest = visitor.get("/cookies/history").all("li", class_="state")[0]
        assert "withdrawn" in "".join(newest.itertext())
    assert run(site, "verify").exit_code == 0


def test_where_the_answer_is_lost_the_choice_is_not(visitor: Visitor) -> None:
    visitor.post("/cookies", {"choice": "accept_all"})
    same_browser(visitor).post("/cookies/withdraw", {})  # This browser never sees the answer.
    assert ticked(visitor) == set()
    assert visitor.get("/").banner is None


@pytest.mark.needs("rights")
def test_a_choice_that_meets_an_erased_session_belongs_to_nobody_before(
    site: Flask, visitor: Visitor
) -> None:
    visitor.post("/cookies", {"choice": "accept_all"})
    late = same_browser(visitor)
    visitor.post("/cookies/erase", {})
    late.post("/cookies", {"choice": "reject"})
    erased, new = sorted(records(site), key=lambda record: record.subject is not None)
    assert erased.subject is None
    assert set(new.statuses.values()) == {"refused"}
    assert new.subject is not None


@pytest.mark.needs("rights")
def test_erasing_beside_choices_leaves_neither_record_nor_session(
    site: Flask, visitor: Visitor
) -> None:
    for _ in range(4):
        visitor.post("/cookies", {"choice": "accept_all"})
        subject = records(site)[-1].subject
        at_once(sends(visitor, "reject"), erases(visitor), sends(visitor, "accept_all"))
        assert subject not in {record.subject for record in records(site)}
        assert visitor.get("/cookies/history").all("li", class_="state") == []
    assert run(site, "verify").exit_code == 0


def test_the_operators_erasure_beside_choices_leaves_neither_record_nor_session(
    site: Flask, visitor: Visitor
) -> None:
    for _ in range(4):
        visitor.post("/cookies", {"choice": "accept_all"})
        subject = records(site)[-1].subject

        def erase(subject: UUID = subject) -> TestResponse:
            assert run(site, "erase", str(subject)).exit_code == 0
            return visitor.raw_get("/health")

        at_once(sends(visitor, "reject"), erase, sends(visitor, "accept_all"))
        assert subject not in {record.subject for record in records(site)}


def test_nobody_can_propose_the_number_of_a_session(make_site: MakeSite) -> None:
    site = make_site()
    for _ in range(2):
        visitor = Visitor(site)
        visitor.client.set_cookie("session", "proposed")
        visitor.post("/cookies", {"choice": "accept_all"})
        assert session_cookie(visitor) != "proposed"
    assert len({record.subject for record in records(site)}) == 2


def test_continued_use_never_overrules_a_choice_made_meanwhile(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    visitor.get("/")  # counted: the next page would be taken for acceptance
    reader = same_browser(visitor)
    at_once(sends(visitor, "reject"), lambda: reader.raw_get("/"))
    log = records(site)
    assert set(log[-1].statuses.values()) <= {"refused", "withdrawn"}
    assert ticked(visitor) == set()


@pytest.mark.parametrize("form", [("reject", {}), ("accept_selected", {"purposes": "advertising"})])
def test_of_many_at_once_only_one_takes_back_and_the_others_are_counted(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, form: tuple[str, dict[str, str]]
) -> None:
    monkeypatch.setattr(limits, "FIRST_REFUSALS_PER_MINUTE", 3)
    monkeypatch.setattr(limits, "GRANTS_PER_MINUTE", 4)
    # Where a slow machine lets the counts fail, each process counts for itself, from the beginning.
    monkeypatch.setattr(counts, "CROWD_TIMEOUT_SECONDS", PATIENT_SECONDS)
    monkeypatch.setattr(counts, "FILE_TIMEOUT_SECONDS", PATIENT_SECONDS)
    choice, more = form
    site = make_site()
    visitor = Visitor(site)
    with time_machine.travel("2026-11-24 12:00:15Z", tick=False):
        visitor.post("/cookies", {"choice": "accept_all"})
        at_once(*[sends(visitor, choice, **more) for _ in range(20)])
        assert 2 <= len(records(site)) <= 1 + 1 + 3
        assert given(records(site)[-1]) == set(more.values())
