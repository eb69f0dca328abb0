"""Access and erasure for somebody whose browser is not recognised any more, by their number."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from browserlike import Page, Visitor
from conftest import MakeSite
from evidence import count_sessions, records
from flask import Flask


@pytest.fixture
def site(make_site: MakeSite) -> Flask:
    return make_site()


def test_after_the_choice_has_ended_nothing_untrue_is_said_and_the_number_opens_what_is_kept(
    site: Flask,
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    number = str(records(site)[0].subject)
    assert number in visitor.raw_get("/cookies/receipt").text
    assert number in visitor.get("/cookies/history").text
    with time_machine.travel(datetime.now(UTC) + timedelta(days=200)):
        assert "There is no choice for this browser" in visitor.get("/cookies").text
        page = visitor.get("/cookies/history")
        assert "this browser is not recognised" in page.text
        assert number not in page.text
        assert page.one("input", id="number").get("name") == "number"
        shown = Page(visitor.post("/cookies/history", {"number": f" {number.upper()} "}))
        assert (shown.status, shown.response.headers["Cache-Control"]) == (200, "no-store")
        assert str(records(site)[0].id) in shown.text
        assert "in this browser" not in shown.text
        assert "este navegador não é reconhecido" in visitor.get("/pt/cookies/erase").text
        gone = Page(visitor.post("/pt/cookies/erase", {"number": number}))
        assert "Foi apagado 1 registo" in gone.text
    assert records(site)[0].subject is None


def test_erasing_by_number_ends_the_session_that_is_still_there(site: Flask) -> None:
    visitor, elsewhere = Visitor(site), Visitor(site)
    visitor.choose("accept_all")
    number = str(records(site)[0].subject)
    assert Page(elsewhere.post("/cookies/erase", {"number": number})).status == 200
    assert count_sessions(site) == 0
    assert visitor.get("/").banner is not None


@pytest.mark.parametrize("path", ["/cookies/history", "/cookies/erase", "/pt/cookies/erase"])
@pytest.mark.parametrize("number", ["", "x", "1" * 5000, "<b>", None])
def test_a_number_that_nobody_has_is_unknown_and_changes_nothing(
    site: Flask, path: str, number: str | None
) -> None:
    Visitor(site).choose("reject")
    record = records(site)[0]
    for wrong in (str(uuid4()) if number is None else number, str(record.id)):
        page = Page(Visitor(site).post(path, {"number": wrong}))
        assert page.status == 404
        assert page.one("input", id="number").get("aria-invalid") == "true"
        assert record.content not in page.text
    assert records(site)[0].subject == record.subject


def test_numbers_cannot_be_tried_without_end(site: Flask) -> None:
    visitor = Visitor(site)
    tried = [
        visitor.post(path, {"number": str(uuid4())}).status_code
        for path in ("/cookies/history", "/cookies/erase") * 8
    ]
    assert tried == [404] * 10 + [429] * 6


def test_no_other_site_can_ask_by_number(site: Flask) -> None:
    Visitor(site).choose("reject")
    form = {"number": str(records(site)[0].subject)}
    for path in ("/cookies/history", "/cookies/erase"):
        answer = Visitor(site).post(path, form, Sec_Fetch_Site="cross-site")
        assert answer.status_code == 403
        assert Visitor(site).post(path, form | {"x": "y"}).status_code == 400
    assert records(site)[0].subject is not None
