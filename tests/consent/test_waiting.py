"""What was taken back and waits to be recorded is off, and is recorded as it was pressed."""

import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from browserlike import Page, Visitor
from conftest import MakeSite
from evidence import ARTICLE, records
from flask import Flask
from outages import without
from registries import NEW_PURPOSE, shipped_with
from served import Served

from blueprints.security import limits

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MORE_DATA = ('personal_data = ["Preference"]', 'personal_data = ["Preference", "Location"]')
SELECTED = {"choice": "accept_selected", "next": "/"}


def come_back(visitor: Visitor, site: Flask, **headers: str) -> Visitor:
    """Let the same browser visit a site that was started anew."""
    later = Visitor(site, **headers)
    for name in ("session", "withdrawal"):
        if cookie := visitor.client.get_cookie(name):
            later.client.set_cookie(name, cookie.value)
    return later


@pytest.mark.parametrize("press", ["withdraw", "refuse", "select"])
def test_what_nobody_can_look_up_of_an_older_policy_is_off_and_stays_off(
    make_site: MakeSite, press: str
) -> None:
    """The session is there; what the choice was about stands where nobody can read it."""
    before, after = make_site(), make_site(registry=shipped_with(MORE_DATA))
    chooser = Visitor(before)
    chooser.choose("accept_all")
    visitor = come_back(chooser, after)
    sent: dict[str, tuple[str, dict[str, str]]] = {
        "withdraw": ("/cookies/withdraw", {}),
        "refuse": ("/cookies", {"choice": "reject"}),
        "select": ("/cookies", {**SELECTED, "purposes": "advertising"}),
    }
    with without(after, "consent_records", "consent_notices"):
        assert "We cannot look up your choice at the moment" in visitor.get("/cookies").text
        answer = Page(visitor.post(*sent[press]))
        assert answer.status == 503
        assert " off in this browser from now on" in answer.text
        visitor.get("/")
        assert "withdrawal" in visitor.cookies
    visitor.get("/")
    statuses = records(after)[-1].statuses
    assert statuses["personalization"] == "withdrawn"
    assert statuses["advertising"] == ("given" if press == "select" else "withdrawn")


@pytest.mark.parametrize("months", [6, 13])
def test_a_browser_keeps_it_for_as_long_as_the_consent_could_count(
    make_site: MakeSite, months: int
) -> None:
    site = make_site(CONSENT_LIFETIME_MONTHS=months)
    visitor = Visitor(site)
    with time_machine.travel(NOON, tick=False):
        visitor.choose("accept_all")
        (record,) = records(site)
        with without(site, "consent_records"):
            visitor.post("/cookies/withdraw", {})
        cookie = visitor.client.get_cookie("withdrawal")
        assert cookie is not None
        assert cookie.max_age is not None
        assert NOON + timedelta(seconds=cookie.max_age) >= record.expires_at


@pytest.mark.needs("rights")
@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_of_a_browser_whose_cookies_cannot_be_read_nothing_is_known_and_nothing_assumed(
    make_site: MakeSite, model: str
) -> None:
    site = make_site(CONSENT_MODEL=model)
    visitor = Visitor(site)
    for path in ("/", "/articles", ARTICLE):
        response = visitor.raw_get(path, Cookie="")
        assert "Set-Cookie" not in response.headers
        assert "public" not in response.headers["Cache-Control"]
    assert records(site) == []
    for path in ("/cookies", "/cookies/history"):
        assert "a cookie that this site cannot read" in visitor.get(path, Cookie="").text
    answer = Page(visitor.post("/cookies", {"choice": "reject"}, Cookie=""))
    assert answer.status == 400
    assert "a cookie that this site cannot read" in answer.text
    (cookie,) = answer.response.headers.getlist("Set-Cookie")
    assert cookie.startswith("withdrawal=settings.reject:"), "it counts once the others can be read"
    erased = visitor.post("/cookies/erase", {}, Cookie="")
    assert erased.status_code == 400
    assert records(site) == []


@pytest.mark.slow
def test_a_cookie_that_is_not_in_ascii_undoes_no_refusal(tmp_path: Path) -> None:
    """The server passes nothing on of a header with such a byte."""
    served = Served(INSTANCE=str(tmp_path), CONSENT_MODEL="implied")
    try:
        served.start()
        head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: a=João\r\n\r\n"
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
                connection.sendall(head.encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"set-cookie" not in answer.lower()
        told = served.flask("consent", "export", "--format", "csv").stdout
        assert "continued_use" not in told
    finally:
        served.stop()


@pytest.mark.usefixtures("whole_minute")
def test_what_is_not_selected_beside_one_choice_too_many_is_off_in_an_outage_too(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    monkeypatch.setattr(limits, "GRANTS_PER_MINUTE", 0)
    with without(site, "sessions"):
        answer = Page(visitor.post("/cookies", {**SELECTED, "purposes": "personalization"}))
    assert answer.status == 429
    assert "What you did not accept is off in this browser from now on" in answer.text
    visitor.get("/")
    assert records(site)[-1].statuses["advertising"] == "withdrawn"


@pytest.mark.parametrize("path", ["/cookies/withdraw", "/cookies"])
def test_of_refusals_that_are_too_many_none_is_lost_in_an_outage(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    monkeypatch.setattr(limits, "FIRST_REFUSALS_PER_MINUTE", 0)
    with without(site, "sessions"):
        sent = {} if path == "/cookies/withdraw" else {"choice": "reject"}
        assert visitor.post(path, sent).status_code == 503
    visitor.get("/")
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}


@pytest.mark.parametrize("at_most", [0, 60])
def test_a_first_refusal_that_waited_is_counted_like_any_other(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, at_most: int
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    visitor.get("/")
    with without(site, "consent_records"):
        assert visitor.post("/cookies", {"choice": "reject"}).status_code == 503
    monkeypatch.setattr(limits, "FIRST_REFUSALS_PER_MINUTE", at_most)
    visitor.get("/")
    assert len(records(site)) == (1 if at_most else 0)
    assert ("withdrawal" in visitor.cookies) is not bool(at_most)


def test_a_purpose_that_is_gone_when_it_is_recorded_was_taken_back_all_the_same(
    make_site: MakeSite,
) -> None:
    full = shipped_with(more=NEW_PURPOSE)
    first, gone, again = (make_site(registry=text) for text in (full, shipped_with(), full))
    chooser = Visitor(first)
    chooser.choose("accept_all")
    with without(first, "consent_records"):
        chooser.post("/cookies", {**SELECTED, "purposes": ["personalization", "advertising"]})
    later = come_back(chooser, gone)
    later.get("/")
    assert records(gone)[-1].statuses == {
        "personalization": "given",
        "advertising": "given",
        "statistics": "withdrawn",
    }
    page = come_back(later, again).get("/cookies")
    assert "You have not chosen yet" not in page.text


def test_a_first_refusal_that_waited_is_about_the_policy_of_then(make_site: MakeSite) -> None:
    first, later = (
        make_site(registry=text, CONSENT_MODEL="implied")
        for text in (shipped_with(), shipped_with(more=NEW_PURPOSE))
    )
    visitor = Visitor(first)
    visitor.get("/")
    with without(first, "consent_records"):
        assert visitor.post("/cookies", {"choice": "reject"}).status_code == 503
    returning = come_back(visitor, later)
    page = returning.get("/cookies")
    (record,) = records(later)
    assert record.policy_version == first.extensions["registry"].policy_version
    assert record.statuses == {"personalization": "refused", "advertising": "refused"}
    assert "you can choose about “Statistics” now" in page.text


@pytest.mark.parametrize("before", ["accept_all", "reject", None])
def test_a_refusal_of_an_older_question_answers_no_other(
    make_site: MakeSite, before: str | None
) -> None:
    first, later = make_site(), make_site(registry=shipped_with(more=NEW_PURPOSE))
    chooser = Visitor(first)
    old_page = chooser.get("/cookies").form("/cookies")
    if before:
        chooser.choose(before)
    visitor = come_back(chooser, later)
    assert visitor.submit(old_page, "reject").status_code == 303
    record = records(later)[-1]
    assert record.statuses == dict.fromkeys(
        ("personalization", "advertising"), "withdrawn" if before == "accept_all" else "refused"
    )
    assert record.policy_version == first.extensions["registry"].policy_version
    assert record.notice == first.extensions["notices"].in_force["en"].id
    visitor.get("/")  # It says what was saved.
    assert "you can choose about “Statistics” now" in visitor.get("/").text


@pytest.mark.stores("sqlite", "postgresql+redis")
def test_of_pages_that_are_opened_at_once_one_alone_records_a_first_refusal(
    make_site: MakeSite, backend: dict[str, str]
) -> None:
    site = make_site(CONSENT_MODEL="implied", **backend)
    told = "banner.reject:0123456789abcdef:!advertising:!personalization:@en"

    def open_a_page(_number: int) -> int:
        visitor = Visitor(site)
        visitor.client.set_cookie("withdrawal", told)
        return visitor.get("/").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(open_a_page, range(8))) == {200}
    (record,) = records(site)
    assert set(record.statuses.values()) == {"refused"}


@pytest.mark.parametrize("meanwhile", [{"Sec_GPC": "1"}, {"model": "opt_in"}])
def test_what_was_assumed_and_switched_off_stays_off(
    make_site: MakeSite, meanwhile: dict[str, str]
) -> None:
    """Whatever the browser signals, and however the site asks, when it is recorded."""
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    visitor.get("/")
    visitor.get(ARTICLE)
    with without(site, "consent_records"):
        assert visitor.post("/cookies/withdraw", {}).status_code == 503
    headers = {name: value for name, value in meanwhile.items() if name != "model"}
    between = make_site(CONSENT_MODEL=meanwhile.get("model", "implied"))
    come_back(visitor, between, **headers).get("/")
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}


def test_a_policy_that_a_browser_makes_up_is_not_recorded_and_not_remembered(
    make_site: MakeSite,
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    for number in range(3):
        visitor = Visitor(site)
        told = f"banner.reject:{number:016x}:!advertising:!personalization:@en:={number:012x}"
        visitor.client.set_cookie("withdrawal", told)
        visitor.get("/")
    shown = site.extensions["registry"].policy_version
    assert {record.policy_version for record in records(site)} == {shown}
    assert len(records(site)) == 3
    assert site.extensions["notices"]._shown == {}  # noqa: SLF001 - it would grow without a bound


ALL_TABLES = ("consent_records", "consent_notices", "sessions")


@pytest.mark.parametrize("out", [(), ("consent_records",), ALL_TABLES])
@pytest.mark.parametrize("before", ["accept_all", "advertising"])
@pytest.mark.parametrize("change", ["gone", "grown"])
@pytest.mark.parametrize("press", ["withdraw", "reject", "select"])
def test_what_counts_no_more_can_be_taken_back_and_does_not_come_back(
    make_site: MakeSite, press: str, change: str, before: str, out: tuple[str, ...]
) -> None:
    """The purpose is gone, or has grown, and the registry of then may be put back."""
    full = shipped_with(more=NEW_PURPOSE).replace("statistics", "advertising2")
    other = shipped_with() if change == "gone" else full + "meaning = 2\n"
    first, meanwhile, again = (make_site(registry=text) for text in (full, other, full))
    chooser = Visitor(first)
    old_page = chooser.get("/cookies").form("/cookies")
    if before == "accept_all":
        chooser.choose("accept_all")
    else:
        chooser.choose("accept_selected", ticks=("advertising2",))
    visitor = come_back(chooser, meanwhile)

    with without(meanwhile, *out):
        if press == "withdraw":
            visitor.post("/cookies/withdraw", {})
        elif press == "reject":
            visitor.submit(old_page, "reject")
        else:
            visitor.submit(old_page, "accept_selected", ("personalization",))
    assert "advertising2" not in ticked(come_back(visitor, again))


def ticked(visitor: Visitor) -> set[str | None]:
    visitor.get("/")
    return {box.get("value") for box in visitor.get("/cookies").all("input", checked="")}


@pytest.mark.parametrize("out", [(), ("consent_records",), ALL_TABLES])
def test_who_keeps_what_is_gone_has_taken_nothing_back_of_it(
    make_site: MakeSite, out: tuple[str, ...]
) -> None:
    full = shipped_with(more=NEW_PURPOSE)
    first, meanwhile, again = (make_site(registry=text) for text in (full, shipped_with(), full))
    chooser = Visitor(first)
    old_page = chooser.get("/cookies").form("/cookies")
    chooser.choose("accept_all")
    visitor = come_back(chooser, meanwhile)
    with without(meanwhile, *out):
        visitor.submit(old_page, "accept_selected", ("personalization", "statistics"))
    assert ticked(come_back(visitor, again)) == {"personalization", "statistics"}


@pytest.mark.parametrize("out", [(), ALL_TABLES])
@pytest.mark.parametrize("pages", [1, 2])
def test_under_implied_what_an_older_page_leaves_unticked_is_not_assumed(
    make_site: MakeSite, pages: int, out: tuple[str, ...]
) -> None:
    full = shipped_with(more=NEW_PURPOSE)
    first, meanwhile, again = (
        make_site(registry=text, CONSENT_MODEL="implied") for text in (full, shipped_with(), full)
    )
    chooser = Visitor(first)
    for _ in range(pages):
        chooser.get("/")
    old_page = chooser.get("/cookies").form("/cookies")
    visitor = come_back(chooser, meanwhile)
    with without(meanwhile, *out):
        visitor.submit(old_page, "accept_selected", ("personalization",))
    later = come_back(visitor, again)
    for _ in range(3):
        later.get("/")
    assert records(again)[-1].statuses["statistics"] in {"refused", "withdrawn"}
    assert records(again)[-1].statuses["advertising"] in {"refused", "withdrawn"}


def test_a_first_refusal_answers_for_what_is_gone_since(make_site: MakeSite) -> None:
    first, later = make_site(registry=shipped_with(more=NEW_PURPOSE)), make_site()
    old_page = Visitor(first).get("/cookies").form("/cookies")
    visitor = Visitor(later)
    visitor.submit(old_page, "reject")
    assert records(later)[-1].statuses == dict.fromkeys(
        ("personalization", "advertising", "statistics"), "refused"
    )


@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_what_was_taken_back_is_not_given_by_ticks_beside_cookies_that_cannot_be_read(
    make_site: MakeSite, model: str
) -> None:
    site = make_site(CONSENT_MODEL=model)
    visitor = Visitor(site)
    visitor.choose("accept_all")
    visitor.post("/cookies/withdraw", {}, Cookie="")
    answer = visitor.post("/cookies", {**SELECTED, "purposes": "advertising"}, Cookie="")
    told = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    visitor.client.set_cookie("withdrawal", told)
    assert ticked(visitor) == set()
    assert records(site)[-1].statuses == {
        "personalization": "withdrawn",
        "advertising": "unknown",
    }


@pytest.mark.parametrize("press", ["reject", "select"])
def test_what_waited_names_the_notice_that_was_read(make_site: MakeSite, press: str) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    page = visitor.get("/cookies").form("/cookies")
    with without(site, "consent_records"):
        if press == "reject":
            visitor.submit(page, "reject")
        else:
            visitor.submit(page, "accept_selected", ("personalization",))
    visitor.get("/pt/")
    assert records(site)[-1].notice == site.extensions["notices"].in_force["en"].id


@pytest.mark.stores("sqlite", "postgresql+redis")
def test_whose_answer_was_lost_is_known_by_what_waited(
    make_site: MakeSite, backend: dict[str, str]
) -> None:
    site = make_site(CONSENT_MODEL="implied", **backend)
    told = "banner.reject:0123456789abcdef:!advertising:!personalization:@en"
    for _ in range(2):  # The first answer never arrives.
        visitor = Visitor(site)
        visitor.client.set_cookie("withdrawal", told)
        visitor.get("/")
    assert "withdrawal" not in visitor.cookies
    assert visitor.get("/").banner is None
    assert len(records(site)) == 1


@pytest.mark.parametrize("out", [("consent_records",), ALL_TABLES])
def test_an_older_page_answers_in_an_outage_too_for_what_it_asked(
    make_site: MakeSite, out: tuple[str, ...]
) -> None:
    first, later = make_site(), make_site(registry=shipped_with(more=NEW_PURPOSE))
    chooser = Visitor(first)
    old_page = chooser.get("/cookies").form("/cookies")
    chooser.choose("accept_selected", ticks=("advertising",))
    visitor = come_back(chooser, later)
    with without(later, *out):
        visitor.submit(old_page, "accept_selected", ("personalization",))
    visitor.get("/")
    assert records(later)[-1].statuses == {
        "personalization": "unknown",
        "advertising": "withdrawn",
    }


@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_who_refuses_once_more_in_an_outage_has_taken_nothing_back(
    make_site: MakeSite, model: str
) -> None:
    site = make_site(CONSENT_MODEL=model)
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "reject"}).close()
    with without(site, "sessions"):
        assert visitor.post("/cookies", {"choice": "reject"}).status_code == 503
        assert "withdrawal" in visitor.cookies
    assert "could not record this yet" not in visitor.get("/cookies").text
    assert "withdrawal" not in visitor.cookies
    assert len(records(site)) == 1


def test_what_has_grown_since_is_withdrawn_and_not_refused(make_site: MakeSite) -> None:
    full = shipped_with(more=NEW_PURPOSE)
    first, later = (make_site(registry=text) for text in (full, full + "meaning = 2\n"))
    chooser = Visitor(first)
    chooser.choose("accept_selected", ticks=("statistics",))
    visitor = come_back(chooser, later)
    visitor.post("/cookies/withdraw", {})
    assert records(later)[-1].statuses["statistics"] == "withdrawn"
    assert "You withdrew your consent" in visitor.get("/cookies").text


def test_what_waited_names_no_notice_that_was_shown_under_the_other_model(
    make_site: MakeSite,
) -> None:
    other = make_site().extensions["notices"].in_force["en"].id
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    told = f"banner.reject:0123456789abcdef:!advertising:!personalization:@en:#{other}"
    visitor.client.set_cookie("withdrawal", told)
    visitor.get("/")
    assert records(site)[-1].notice is None
