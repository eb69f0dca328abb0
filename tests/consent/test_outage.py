"""What is taken back counts from the press on, also while nothing can be recorded."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from browserlike import Page, Visitor, text_of
from conftest import ALL_STORES, MakeSite
from evidence import ARTICLE, REGISTRY, records, session_cookie
from flask import Flask
from log import lose, run
from outages import let_the_pause_pass, wait_for_no_other, without
from redis import Redis
from sqlalchemy import Connection, event

from blueprints.consent import recording
from blueprints.consent import visitor as visitor_at_hand
from blueprints.consent.choices import Choice
from blueprints.database import db
from blueprints.database.errors import OutcomeUnknownError
from blueprints.sessions import StoreUnavailableError

ADVERTISER = """
[[services]]
id = "advertiser"
purpose = "advertising"
name = "Advertiser"
vendor = "Advertiser"
country = "IE"
privacy = "https://ads.example.com/privacy"
hosts = { script = ["https://ads.example.com"] }
script = { address = "https://ads.example.com/tag.js" }

[[services.cookies]]
name = "_ads"
storage = "cookie"
party = "first"
lifetime = "P30D"
purpose = { en = "Recognises you", pt = "Reconhece-o" }
"""
Outage = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    registry = tmp_path / "registry.toml"
    registry.write_text(REGISTRY.read_text(encoding="utf-8") + ADVERTISER, encoding="utf-8")
    return {"CONSENT_REGISTRY": str(registry)}


@pytest.fixture
def nothing_can_be_written(site: Flask, tmp_path: Path) -> Outage:
    """An outage in which the database takes nothing for as long as the body runs."""
    uri = site.config["SQLALCHEMY_DATABASE_URI"]

    @contextmanager
    def outage() -> Iterator[None]:
        if uri.startswith("sqlite"):
            wait_for_no_other(site)
            holder = sqlite3.connect(tmp_path / "site.db", isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")
            holder.close()
        else:
            with site.app_context():
                engine = db.engine
            event.listen(engine, "begin", wait_for_no_lock)
            with psycopg.connect(uri.replace("+psycopg", "")) as locker:
                locker.execute("LOCK TABLE consent_records IN EXCLUSIVE MODE")
                yield
            event.remove(engine, "begin", wait_for_no_lock)
        let_the_pause_pass(site)

    return outage


def wait_for_no_lock(connection: Connection) -> None:
    """Let the next write to PostgreSQL fail at once as well."""
    connection.exec_driver_sql("SET LOCAL lock_timeout = 1")


def loads_the_advertiser(page: Page) -> bool:
    policy = page.response.headers["Content-Security-Policy"]
    scripts = [script.get("src") or "" for script in page.all("script")]
    return "ads.example.com" in policy or any("ads.example.com" in src for src in scripts)


def accepts(site: Flask) -> Visitor:
    visitor = Visitor(site)
    assert loads_the_advertiser(visitor.choose("accept_all"))
    visitor.client.set_cookie("_ads", "x")
    return visitor


SELECTED = {"choice": "accept_selected", "next": "/"}
WITHDRAWING: dict[str, tuple[str, dict[str, str]]] = {
    "settings.withdraw": ("/cookies/withdraw", {}),
    "banner.reject": ("/cookies", {"choice": "reject", "next": "/"}),
    "settings.reject": ("/cookies", {"choice": "reject", "next": "/cookies"}),
    "banner.accept_selected": ("/cookies", {"choice": "accept_selected", "next": "/"}),
}


@pytest.mark.slow
@pytest.mark.stores(*ALL_STORES)
@pytest.mark.parametrize("method", WITHDRAWING)
def test_a_withdrawal_counts_while_nothing_can_be_written_and_is_recorded_afterwards(
    site: Flask, nothing_can_be_written: Outage, method: str
) -> None:
    visitor = accepts(site)
    path, sent = WITHDRAWING[method]
    with nothing_can_be_written():
        answer = Page(visitor.post(path, sent))
        assert answer.status == 503
        assert not loads_the_advertiser(answer), "it counts on that very answer"
        assert "What you withdrew is off" in answer.text
        assert "_ads" not in visitor.cookies
        for path in ("/", ARTICLE, "/cookies", "/none"):
            page = visitor.get(path)
            assert not loads_the_advertiser(page), path
            assert page.banner is None
        settings = visitor.get("/cookies")
        assert settings.all("input", checked="") == []
        assert "We could not record this yet" in settings.text
        assert len(records(site)) == 1
    assert "withdrawal" in visitor.cookies
    page = visitor.get("/")
    given, withdrawn = records(site)
    assert set(withdrawn.statuses.values()) == {"withdrawn"}
    assert (withdrawn.subject, withdrawn.method) == (given.subject, method)
    assert not loads_the_advertiser(page)
    assert "withdrawal" not in visitor.cookies
    assert not loads_the_advertiser(visitor.get("/"))
    assert len(records(site)) == 2, "it is recorded once"
    assert run(site, "verify").exit_code == 0


@pytest.mark.needs("rights")
def test_nothing_is_called_valid_of_what_was_taken_back(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        visitor.post("/cookies/withdraw", {})
        for path in ("/cookies", "/cookies/history"):
            assert "What you withdrew is off." in visitor.get(path).text
            assert not re.search("[Vv]alid until", visitor.get(path).text)


@pytest.mark.needs("rights")
def test_what_is_selected_anew_is_not_granted_and_what_stays_stays(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    sent = {"choice": "accept_selected", "purposes": "personalization"}
    with nothing_can_be_written():
        assert Page(visitor.post("/cookies", sent)).status == 503
        page = visitor.get("/cookies")
        assert page.all("input", checked="") == []
        assert "Personalised content Off: accepted, but not saved" in page.text
        assert "Personalised advertising Consent withdrawn" in page.text
    asked = visitor.get("/")
    assert records(site)[-1].statuses == {
        "personalization": "unknown",
        "advertising": "withdrawn",
    }
    assert "Accepted, but not saved: Personalised content. Please choose again." in asked.text
    assert "New since your choice" not in asked.text
    settings = visitor.get("/cookies").text
    assert "so we ask you again. Off until you choose: Personalised content." in settings
    assert "something has changed" not in settings
    history = visitor.get("/cookies/history").text
    assert "Personalised contentOff: accepted, but not saved" in history
    assert "something has changed" not in history
    visitor.choose("accept_selected", ticks=("personalization",))
    assert visitor.get("/").banner is None
    assert records(site)[-1].statuses == {"personalization": "given", "advertising": "refused"}


def test_who_always_allows_something_refuses_nothing_that_was_accepted_in_vain(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    sent = {"choice": "accept_selected", "purposes": "personalization"}
    with nothing_can_be_written():
        assert Page(visitor.post("/cookies", sent)).status == 503
    visitor.get("/")
    assert visitor.post("/cookies/allow", {"purpose": "advertising"}).status_code == 303
    assert records(site)[-1].statuses == {"personalization": "unknown", "advertising": "given"}
    assert "Personalised content: Off: accepted, but not saved" in str(
        visitor.get("/").confirmation
    )
    asked = visitor.get("/").text
    assert "Accepted, but not saved: Personalised content. Please choose again." in asked


def test_a_banner_does_not_ask_again_for_what_the_privacy_signal_keeps_it_from_asking_for(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site, Sec_GPC="1")
    visitor.choose("accept_selected", ticks=("personalization",))
    sent = {"choice": "accept_selected", "purposes": "advertising"}
    with nothing_can_be_written():
        assert Page(visitor.post("/cookies", sent)).status == 503
    assert "Accepted, but not saved" not in visitor.get("/").text
    assert "Accepted, but not saved: Personalised advertising." in visitor.get("/cookies").text


def test_while_a_withdrawal_waits_nothing_says_that_the_settings_were_saved(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    notice = visitor.get("/cookies").one("input", name="notice").get("value")
    accepted = {"choice": "accept_all", "notice": notice}
    assert visitor.post("/cookies", accepted).status_code == 303  # and its page does not arrive
    with nothing_can_be_written():
        assert Page(visitor.post("/cookies", {"choice": "reject"})).status == 503
        assert visitor.get("/").confirmation is None
    assert visitor.get("/").confirmation is None


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/cookies", {"choice": "accept_all"}), ("/cookies/allow", {"purpose": "advertising"})],
)
def test_what_is_accepted_in_vain_does_not_undo_what_was_taken_back_before(
    site: Flask, nothing_can_be_written: Outage, path: str, sent: dict[str, str]
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with nothing_can_be_written():
        assert Page(visitor.post("/cookies", {"choice": "reject"})).status == 503
        answer = Page(visitor.post(path, sent))
        assert answer.status == 503
        assert "What you accepted now was not saved" in answer.text
    visitor.get("/")
    last = records(site)[-1]
    assert set(last.statuses.values()) == {"withdrawn"}
    assert last.method == "settings.reject"


@pytest.mark.needs("rights")
def test_what_is_taken_back_and_selected_again_in_vain_is_asked_for(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    selected = {"choice": "accept_selected", "purposes": "personalization"}
    with nothing_can_be_written():
        assert Page(visitor.post("/cookies", {"choice": "reject"})).status == 503
        assert Page(visitor.post("/cookies", selected)).status == 503
    asked = visitor.get("/")
    assert records(site)[-1].statuses == {"personalization": "unknown", "advertising": "withdrawn"}
    assert "Accepted, but not saved:" in asked.text
    settings = visitor.get("/cookies").text
    assert "You withdrew your consent" not in settings
    assert "Not all that you accepted could be saved, so we ask you again." in settings
    assert "something has changed" not in visitor.get("/cookies/history").text


@pytest.mark.parametrize("selected", [{"choice": "reject"}, {"choice": "accept_selected"}])
def test_who_takes_everything_back_in_vain_is_not_asked_once_more(
    site: Flask, nothing_can_be_written: Outage, selected: dict[str, str]
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with nothing_can_be_written():
        answer = Page(visitor.post("/cookies", {**selected, "next": "/cookies"}))
    assert answer.status == 503
    assert answer.banner is None


def test_what_waited_is_recorded_as_it_was_pressed_and_prolongs_nothing(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    selected = {"choice": "accept_selected", "purposes": "personalization"}
    with nothing_can_be_written():
        assert visitor.post("/cookies", selected).status_code == 503
    visitor.get("/pt/", Sec_GPC="1")
    accepted, late = records(site)
    assert late.statuses == {"personalization": "given", "advertising": "withdrawn"}
    assert (late.language, late.gpc) == ("en", False)
    assert late.expires_at == accepted.expires_at


def test_what_was_accepted_beside_a_withdrawal_is_said_to_be_lost(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    with nothing_can_be_written():
        answer = Page(visitor.post("/cookies", {**SELECTED, "purposes": "personalization"}))
    assert text_of(answer.one("h1")) == "Error: What you accepted cannot be saved at the moment"
    assert "What you withdrew is off" in answer.text
    assert "What you accepted now was not saved" in answer.text


def test_who_may_have_accepted_nothing_is_not_told_of_a_withdrawal(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    lose(site, "sessions")
    accepting = Page(visitor.post("/cookies", {**SELECTED, "purposes": "advertising"}))
    assert accepting.status == 503
    assert "What you accepted now was not saved" in accepting.text
    refusing = Page(visitor.post("/cookies", {"choice": "reject", "next": "/"}))
    assert "Everything optional is off, but this is not recorded yet" in refusing.text
    for answer in (accepting, refusing):
        assert "Your consent is withdrawn" not in answer.text
        assert "What you withdrew" not in answer.text
        assert "once a page that you open here finds that choice again" in answer.text


def test_what_was_recorded_without_a_word_is_not_withdrawn_once_more(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    sessions = site.extensions["sessions"]
    change = sessions.change

    def say_nothing(work: Any, **more: Any) -> None:  # noqa: ANN401 - as in `change`
        change(work, **more)
        raise StoreUnavailableError from OutcomeUnknownError()

    with monkeypatch.context() as broken:
        broken.setattr(sessions, "change", say_nothing)
        answer = Page(visitor.post("/cookies", {**SELECTED, "purposes": "personalization"}))
    assert "may not have been saved" in answer.text
    visitor.get("/")
    (box,) = visitor.get("/cookies").all("input", checked="")
    assert box.get("value") == "personalization"
    assert "withdrawal" not in visitor.cookies
    assert [record.method for record in records(site)][1:] == ["banner.accept_selected"]
    with monkeypatch.context() as broken:
        broken.setattr(sessions, "change", say_nothing)
        answer = Page(visitor.post("/cookies/withdraw", {}))
    assert "We do not know yet whether this is recorded" in answer.text
    visitor.get("/")
    assert [record.method for record in records(site)][2:] == ["settings.withdraw"]


def test_accept_all_from_a_page_that_did_not_ask_about_everything_takes_the_rest_back(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    sent = {"choice": "accept_all", "not_asked": "advertising", "next": "/"}
    with nothing_can_be_written():
        assert not loads_the_advertiser(Page(visitor.post("/cookies", sent)))
        assert not loads_the_advertiser(visitor.get("/"))
    assert not loads_the_advertiser(visitor.get("/"))
    assert records(site)[-1].statuses == {"personalization": "given", "advertising": "withdrawn"}


def test_what_is_not_selected_anew_is_off_where_the_notice_cannot_be_looked_up(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    sent = {"choice": "accept_selected", "purposes": "personalization", "notice": "1" * 64}
    with without(site, "consent_notices"):
        answer = Page(visitor.post("/cookies", sent))
        assert answer.status == 503
        assert "What you withdrew is off" in answer.text
        assert not loads_the_advertiser(visitor.get("/"))
    assert not loads_the_advertiser(visitor.get("/"))
    assert visitor.get("/cookies").all("input", checked="") == []
    assert records(site)[-1].statuses["advertising"] == "withdrawn"


def test_accept_all_takes_nothing_back_where_the_notice_cannot_be_looked_up(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    with without(site, "consent_notices"):
        answer = Page(visitor.post("/cookies", {"choice": "accept_all", "notice": "1" * 64}))
        assert answer.status == 503
        assert "What you withdrew" not in answer.text
    assert "withdrawal" not in visitor.cookies
    assert loads_the_advertiser(visitor.get("/"))


def test_one_purpose_can_be_taken_back_while_the_other_stays(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    sent = {"choice": "accept_selected", "purposes": "personalization"}
    with nothing_can_be_written():
        assert not loads_the_advertiser(Page(visitor.post("/cookies", sent)))
        (box,) = visitor.get("/cookies").all("input", checked="")
        assert box.get("value") == "personalization"
    visitor.get("/")
    assert records(site)[-1].statuses == {"personalization": "given", "advertising": "withdrawn"}


def test_a_refusal_from_a_page_of_before_counts_in_an_outage_too(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        answer = visitor.post("/cookies", {"choice": "reject", "notice": "0" * 64})
        assert not loads_the_advertiser(Page(answer))
    visitor.get("/")
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}


def test_where_a_grant_cannot_be_written_nothing_is_granted(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    stranger = Visitor(site)
    with nothing_can_be_written():
        answer = Page(stranger.post("/cookies", {"choice": "accept_all"}))
        assert answer.status == 503
        assert "Nothing was recorded, and everything optional is off" in answer.text
        assert not loads_the_advertiser(answer)
        assert stranger.cookies == set(), "nothing is stored for it"
    page = stranger.get("/")
    assert page.banner is not None
    assert not loads_the_advertiser(page)


@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_who_accepts_all_in_vain_finds_no_box_ticked(make_site: MakeSite, model: str) -> None:
    site = make_site(CONSENT_MODEL=model)
    with without(site, "consent_records"):
        answer = Page(Visitor(site).post("/cookies", {"choice": "accept_all", "next": "/"}))
    assert answer.status == 503
    assert answer.all("input", checked="") == []


def test_where_a_first_refusal_cannot_be_written_nothing_is_stored_for_it(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    stranger = Visitor(site)
    with nothing_can_be_written():
        answer = Page(stranger.post("/cookies", {"choice": "reject", "next": "/"}))
    assert answer.status == 503
    assert stranger.cookies == set()
    assert "What you accepted" not in answer.text
    assert stranger.get("/").banner is not None


@pytest.mark.parametrize(
    ("came_from", "first"),
    [
        (ARTICLE, (ARTICLE, "Back to where you were")),
        ("/", ("/", "To the front page")),
        ("//elsewhere.example", ("/", "To the front page")),
    ],
)
def test_a_choice_that_failed_leads_back_to_the_page_on_which_it_was_made(
    site: Flask, nothing_can_be_written: Outage, came_from: str, first: tuple[str, str]
) -> None:
    sent = {"choice": "accept_all", "next": came_from}
    with nothing_can_be_written():
        answer = Page(Visitor(site).post("/cookies", sent))
    assert answer.status == 503
    link = next(link for step in answer.all("p", class_="step") for link in step)
    assert (link.get("href"), text_of(link)) == first


@pytest.mark.parametrize(
    ("path", "first"),
    [
        (ARTICLE, (ARTICLE, "Back to where you were")),
        (f"{ARTICLE}?a=1&b=2", (f"{ARTICLE}?a=1&b=2", "Back to where you were")),
        ("/", ("/", "To the front page")),
        ("/cookies", ("/", "To the front page")),
        ("//elsewhere.example", ("/", "To the front page")),
        (f"https://elsewhere.example{ARTICLE}", ("/", "To the front page")),
    ],
)
def test_a_withdrawal_that_waits_leads_back_to_the_page_at_whose_foot_it_was_made(
    site: Flask, nothing_can_be_written: Outage, path: str, first: tuple[str, str]
) -> None:
    visitor = accepts(site)
    page = f"http://localhost{path}" if path.startswith("/") else path
    with nothing_can_be_written():
        answer = Page(visitor.post("/cookies/withdraw", {}, Referer=page))
    assert answer.status == 503
    link = next(link for step in answer.all("p", class_="step") for link in step)
    assert (link.get("href"), text_of(link)) == first


def test_an_earlier_acceptance_stays_where_more_cannot_be_written_and_the_page_says_so(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    with nothing_can_be_written():
        answer = Page(visitor.post("/cookies/allow", {"purpose": "personalization"}))
        assert answer.status == 503
        if visitor.get("/cookies").all("input", checked=""):
            assert "Your earlier choice still counts" in answer.text
        else:
            assert "everything optional is off" in answer.text
    (box,) = visitor.get("/cookies").all("input", checked="")
    assert box.get("value") == "advertising"


def test_a_later_choice_outranks_what_was_taken_back_before(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        visitor.post("/cookies/withdraw", {})
    visitor.post("/cookies", {"choice": "accept_all"})
    assert [set(record.statuses.values()) for record in records(site)] == [
        {"given"},
        {"withdrawn"},
        {"given"},
    ]
    assert "withdrawal" not in visitor.cookies
    assert loads_the_advertiser(visitor.get("/"))


def pages_at_once(visitor: Visitor, number: int) -> None:
    sent = {
        cookie: visitor.client.get_cookie(cookie)
        for cookie in ("session", "withdrawal")
        if visitor.client.get_cookie(cookie)
    }
    cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in sent.items() if cookie)
    start = Barrier(number)

    def open_one(_number: int) -> None:
        start.wait()
        Visitor(visitor.site).raw_get("/", Cookie=cookies)

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(open_one, range(number)))


def test_pages_that_are_opened_at_once_record_a_withdrawal_once(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        visitor.post("/cookies/withdraw", {})
    pages_at_once(visitor, 6)
    statuses = [set(record.statuses.values()) for record in records(site)]
    assert statuses == [{"given"}, {"withdrawn"}]
    assert not loads_the_advertiser(visitor.get("/"))


def test_a_page_that_is_slower_than_a_later_choice_does_not_undo_it(
    site: Flask, nothing_can_be_written: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began while the withdrawal waited; another tab records that, and then a choice."""
    slow, other = accepts(site), Visitor(site)
    with nothing_can_be_written():
        slow.post("/cookies", {"choice": "reject"})
    for name in ("session", "withdrawal"):
        cookie = slow.client.get_cookie(name)
        assert cookie is not None
        other.client.set_cookie(name, cookie.value)
    look = visitor_at_hand.current_choice

    def after_the_other_tab() -> Choice:
        monkeypatch.setattr(recording, "current_choice", look)
        with ThreadPoolExecutor() as tab:
            answer = tab.submit(other.post, "/cookies", {"choice": "accept_all"}).result()
            assert answer.status_code == 303
        return look()

    monkeypatch.setattr(recording, "current_choice", after_the_other_tab)
    slow.get("/")
    assert records(site)[-1].method == "settings.accept_all"


def accept_without_an_answer(visitor: Visitor) -> None:
    """Accept, and keep the cookie of the withdrawal before, as whoever never saw the answer."""
    kept = visitor.client.get_cookie("withdrawal")
    assert kept is not None
    visitor.post("/cookies", {"choice": "accept_all"})
    visitor.client.set_cookie("withdrawal", kept.value)


def test_a_choice_whose_answer_is_lost_is_not_undone_by_what_was_taken_back_before(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        visitor.post("/cookies/withdraw", {})
    accept_without_an_answer(visitor)
    assert loads_the_advertiser(visitor.get("/"))
    assert "withdrawal" not in visitor.cookies
    assert len(records(site)) == 3


def test_what_is_taken_back_in_vain_once_more_is_off_whatever_another_tab_chose_meanwhile(
    site: Flask, nothing_can_be_written: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        visitor.post("/cookies/withdraw", {})
    accept_without_an_answer(visitor)
    with nothing_can_be_written(), monkeypatch.context() as broken:
        broken.setattr(site.extensions["sessions"]._store, "find", fails)  # noqa: SLF001 - as it is
        assert visitor.post("/cookies", {"choice": "reject"}).status_code == 503
    assert not loads_the_advertiser(visitor.get("/"))
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}


def test_what_a_store_forgot_may_come_back_and_is_off_all_the_same(
    site: Flask, nothing_can_be_written: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when Redis is restarted empty, and then from its snapshot."""
    visitor = accepts(site)
    with nothing_can_be_written(), monkeypatch.context() as broken:
        broken.setattr(site.extensions["sessions"]._store, "find", lambda _key: None)  # noqa: SLF001 - as it is
        answer = visitor.post("/cookies/withdraw", {}, Accept="application/json")
        assert answer.status_code == 503
    assert not loads_the_advertiser(visitor.get("/"))


def test_what_was_taken_back_stays_off_as_long_as_a_lost_session_may_come_back(
    site: Flask, nothing_can_be_written: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feed is no page, and expires no cookie of the session."""
    visitor = accepts(site)
    with nothing_can_be_written():
        assert Page(visitor.post("/cookies", {"choice": "reject"})).status == 503
    with monkeypatch.context() as lost:
        lost.setattr(site.extensions["sessions"]._store, "find", lambda _key: None)  # noqa: SLF001 - as it is
        visitor.raw_get("/feed.xml")
    assert not loads_the_advertiser(visitor.get("/"))
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}
    assert "withdrawal" not in visitor.cookies


def fails(_key: str) -> None:
    raise StoreUnavailableError


@pytest.mark.needs("rights")
def test_whoever_asks_in_vain_for_their_records_to_be_erased_accepts_nothing_any_more(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        answer = Page(visitor.post("/cookies/erase", {}))
        assert answer.status == 503
        assert "Nothing was erased." in answer.text
        assert not loads_the_advertiser(answer)
        assert not loads_the_advertiser(visitor.get("/"))
        history = visitor.get("/cookies/history")
        assert "This is the choice that counts now." not in history.text
    visitor.get("/")
    assert records(site)[-1].method == "settings.erase"
    assert Page(visitor.post("/cookies/erase", {})).status == 200
    assert {record.subject for record in records(site)} == {None}
    assert "withdrawal" not in visitor.cookies


@pytest.mark.stores("sqlite")
def test_what_was_stored_goes_with_a_withdrawal_while_no_session_is_known(site: Flask) -> None:
    visitor = accepts(site)
    lose(site, "sessions")
    visitor.get("/")
    assert "_ads" in visitor.cookies, "nobody knows whether it was accepted"
    assert visitor.post("/cookies/withdraw", {}).status_code == 503
    assert "_ads" not in visitor.cookies


def test_a_client_that_asks_for_json_is_told_the_same(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = accepts(site)
    with nothing_can_be_written():
        answer = visitor.post("/cookies/withdraw", {}, Accept="application/json")
        assert answer.status_code == 503
        assert answer.json is not None
        assert "What you withdrew is off" in answer.json["message"]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "nonsense",
        "banner.accept_all",
        "settings.withdraw:nonsense",
        "settings.withdraw:0123456789abcdef:nonsense",
        "settings.withdraw:0123456789abcdef:necessary:advertising:personalization",
        ":" * 3000,
        "settings.withdraw:" + "advertising:" * 300,
        json.dumps({"advertising": "given"}),
    ],
)
def test_the_cookie_can_only_take_back(make_site: MakeSite, value: str) -> None:
    site = make_site()
    for choice in (None, "reject"):
        visitor = Visitor(site)
        if choice:
            visitor.post("/cookies", {"choice": choice})
        visitor.client.set_cookie("withdrawal", value)
        page = visitor.get("/cookies")
        assert page.status == 200
        assert page.all("input", checked="") == []
        assert not value or "withdrawal" not in visitor.cookies, "it waits for nothing"
    assert [set(record.statuses.values()) for record in records(site)] == [{"refused"}]


def test_a_registry_of_before_works_and_the_start_says_what_it_lacks(
    make_site: MakeSite, tmp_path: Path
) -> None:
    shipped = REGISTRY.read_text(encoding="utf-8")
    start = shipped.index('[[services.cookies]]\nname = "withdrawal"')
    end = shipped.index("[[services]]", start)
    registry = tmp_path / "registry.toml"
    registry.write_text(shipped[:start] + shipped[end:], encoding="utf-8")
    site = make_site(CONSENT_REGISTRY=str(registry))
    told = site.extensions["told_at_start"]
    assert "The registry does not declare cookies of this site: withdrawal." in told
    visitor = Visitor(site)
    visitor.choose("accept_all")
    lose(site, "consent_records")
    assert visitor.post("/cookies/withdraw", {}).status_code == 503
    assert visitor.get("/cookies").all("input", checked="") == []


def test_with_redis_full_or_read_only_a_withdrawal_counts(
    make_site: MakeSite, redis_server: tuple[str, Redis]
) -> None:
    url, redis = redis_server
    site = make_site(REDIS_URL=url, registry=REGISTRY.read_text(encoding="utf-8") + ADVERTISER)
    for break_it, mend_it in (
        (lambda: redis.config_set("maxmemory", 1), lambda: redis.config_set("maxmemory", 0)),
        (lambda: redis.replicaof("127.0.0.1", "1"), lambda: redis.replicaof("NO", "ONE")),
    ):
        visitor = accepts(site)
        break_it()
        answer = Page(visitor.post("/cookies/withdraw", {}))
        assert answer.status == 503
        assert not loads_the_advertiser(answer)
        assert not loads_the_advertiser(visitor.get("/"))
        mend_it()
        let_redis_be_asked(site)
        assert not loads_the_advertiser(visitor.get("/"))
        assert set(records(site)[-1].statuses.values()) == {"withdrawn"}
        assert session_cookie(visitor)


def let_redis_be_asked(site: Flask) -> None:
    store: Any = site.extensions["sessions"]
    for outage in (store._store._outage, store._store._changes):  # noqa: SLF001 - as they are
        outage._until = 0.0  # noqa: SLF001 - instead of waiting two seconds


def test_a_notice_beside_an_acceptance_that_counts_does_not_say_that_nothing_does(
    site: Flask, nothing_can_be_written: Outage
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    with nothing_can_be_written():
        answer = Page(visitor.post("/cookies", {"choice": "accept_all"}))
    assert answer.status == 503
    counts = "Your earlier choice still counts" in answer.text
    assert ("If you continue without choosing" in answer.text) is not counts


def test_where_nobody_knows_whether_a_grant_was_written_the_page_says_so(
    make_site: MakeSite, migrated_postgresql_uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=migrated_postgresql_uri)
    visitor = Visitor(site)
    visitor.choose("reject")
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_sleep(8); RETURN NULL; END'"
        )
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON consent_records"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()"
        )
    answer = Page(visitor.post("/cookies", {"choice": "accept_all"}))
    assert answer.status == 503
    assert "Your choice may not have been saved" in answer.text
    assert "Nothing was recorded" not in answer.text


@pytest.mark.parametrize("sent", [{"choice": "reject"}, {"choice": "accept_selected"}])
def test_a_refusal_in_an_outage_is_not_taken_for_acceptance_afterwards(
    make_site: MakeSite, tmp_path: Path, sent: dict[str, str]
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    visitor.get("/")
    wait_for_no_other(site)
    holder = sqlite3.connect(tmp_path / "site.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    answer = Page(visitor.post("/cookies", {**sent, "next": "/"}))
    assert answer.status == 503
    assert "Everything optional is off, but this is not recorded yet" in answer.text
    holder.execute("ROLLBACK")
    holder.close()
    let_the_pause_pass(site)
    for path in (ARTICLE, "/", ARTICLE):
        visitor.get(path)
    (record,) = records(site)
    assert set(record.statuses.values()) == {"refused"}
    assert record.method == f"banner.{sent['choice']}"
    assert "withdrawal" not in visitor.cookies


def test_a_refusal_while_no_session_is_known_is_not_taken_for_acceptance(
    make_site: MakeSite,
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    visitor.get("/")
    with without(site, "sessions"):
        assert Page(visitor.post("/cookies", {"choice": "reject", "next": "/"})).status == 503
    for path in (ARTICLE, "/", ARTICLE):
        visitor.get(path)
    (record,) = records(site)
    assert set(record.statuses.values()) == {"refused"}


@pytest.mark.usefixtures("whole_minute")
def test_a_refusal_too_many_is_not_taken_for_acceptance(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    for _ in range(60):
        Visitor(site).post("/cookies", {"choice": "reject", "next": "/"})
    visitor = Visitor(site)
    visitor.get("/")
    assert Page(visitor.post("/cookies", {"choice": "reject", "next": "/"})).status == 429
    for path in (ARTICLE, "/", ARTICLE):
        visitor.get(path)
    assert len(records(site)) == 60
    assert not [record for record in records(site) if record.method == "continued_use"]


@pytest.mark.usefixtures("whole_minute")
@pytest.mark.parametrize("why", ["too many", "outdated"])
def test_what_was_not_ticked_is_not_taken_for_accepted_where_the_choice_is_refused(
    make_site: MakeSite, why: str
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    form = {"choice": "accept_selected", "purposes": "personalization", "next": "/"}
    if why == "too many":
        for _ in range(30):
            Visitor(site).post("/cookies", form)
    else:
        form["notice"] = "0" * 64
    visitor, before = Visitor(site), len(records(site))
    visitor.get("/")
    answer = Page(visitor.post("/cookies", form))
    assert answer.status == (429 if why == "too many" else 400)
    assert "What you accepted was not saved" in answer.text
    assert "Nothing was changed" not in answer.text
    for path in (ARTICLE, "/", ARTICLE):
        visitor.get(path)
    assert [record.statuses for record in records(site)[before:]] == [
        {"personalization": "unknown", "advertising": "refused"}
    ]
    asked = visitor.get("/").text
    assert "Accepted, but not saved: Personalised content." in asked
    assert "we assume" not in asked, "of who has chosen nothing is assumed"


def test_with_the_privacy_signal_an_answer_to_an_older_question_changes_nothing(
    make_site: MakeSite,
) -> None:
    visitor = Visitor(make_site(CONSENT_MODEL="implied"), Sec_GPC="1")
    form = {"choice": "accept_all", "not_asked": "advertising", "notice": "0" * 64}
    answer = Page(visitor.post("/cookies", form))
    assert answer.status == 400
    assert "Nothing was changed" in answer.text
    assert visitor.cookies == set()
