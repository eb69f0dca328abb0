"""The journey of a visitor, on every database and session store that an operator can run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from browserlike import HTML, Visitor, text_of
from conftest import ALL_STORES, MakeSite
from evidence import ARTICLE, REGISTRY, count_sessions, records, session_cookie
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from blueprints.consent.models import ConsentRecord
from blueprints.consent.services import months_after
from blueprints.database import db
from blueprints.sessions.models import StoredSession

pytestmark = pytest.mark.stores(*ALL_STORES)


def test_accepting_all_is_recorded_and_confirmed_where_the_visitor_was(
    site: Flask, visitor: Visitor
) -> None:
    page = visitor.choose("accept_all", path=ARTICLE)
    assert page.path == ARTICLE
    assert page.banner is None
    assert "Your cookie settings were saved." in (page.confirmation or "")
    (record,) = records(site)
    assert record.statuses == {"personalization": "given", "advertising": "given"}
    assert record.method == "banner.accept_all"
    assert (record.language, record.model, record.gpc) == ("en", "opt_in", False)
    assert record.is_consent
    assert record.id.version == 7
    assert visitor.cookies == {"session", "interests"}


def test_the_confirmation_is_focused_shown_once_and_leads_to_the_settings(
    visitor: Visitor,
) -> None:
    page = visitor.choose("reject")
    done = page.one("div", role="status")
    assert done.get("tabindex") == "-1"
    assert done.get("autofocus") is not None
    described = page.one("span", id=done.get("aria-describedby", ""))
    assert text_of(described).startswith("Personalised content: Not accepted;")
    assert [link.get("href") for link in done.iter(HTML + "a")] == ["/cookies", "/"]
    again = visitor.get("/")  # which is what "Hide this message" leads to
    assert again.confirmation is None
    assert again.banner is None


def test_rejecting_is_recorded_and_lasts_as_long_as_accepting(
    site: Flask, visitor: Visitor
) -> None:
    visitor.choose("reject")
    (record,) = records(site)
    assert record.statuses == {"personalization": "refused", "advertising": "refused"}
    assert record.method == "banner.reject"
    assert record.expires_at == months_after(record.decided_at, 6)


def test_selected_purposes_are_given_and_the_others_refused(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_selected", ticks=("personalization",))
    (record,) = records(site)
    assert record.statuses == {"personalization": "given", "advertising": "refused"}


def test_selecting_nothing_is_a_refusal(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_selected", ticks=())
    assert set(records(site)[0].statuses.values()) == {"refused"}


def test_ticks_do_not_count_when_the_button_says_reject(site: Flask, visitor: Visitor) -> None:
    visitor.choose("reject", ticks=("advertising",))
    assert set(records(site)[0].statuses.values()) == {"refused"}


def test_withdrawing_is_one_click_and_a_new_record(site: Flask, visitor: Visitor) -> None:
    visitor.choose("accept_all")
    answer = visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    assert answer.status_code == 303
    page = visitor.get(answer.headers["Location"])
    assert "withdrawn" in (page.confirmation or "")
    state = text_of(page.one("p", class_="state"))
    assert state.startswith("You withdrew your consent. This was recorded on")
    assert state.endswith("Everything optional is off.")
    given, withdrawn = records(site)
    assert set(given.statuses.values()) == {"given"}
    assert set(withdrawn.statuses.values()) == {"withdrawn"}
    assert withdrawn.method == "settings.withdraw"
    assert withdrawn.subject == given.subject


def test_the_settings_page_shows_the_present_choice_and_a_way_back(
    site: Flask, visitor: Visitor
) -> None:
    visitor.choose("accept_selected", ticks=("advertising",))
    page = visitor.get("/cookies", Referer=f"http://localhost{ARTICLE}")
    record = records(site)[0]
    ticked = [
        box.get("value")
        for box in page.all("input", type="checkbox")
        if box.get("checked") is not None
    ]
    assert ticked == ["advertising"]
    assert "Your choice was recorded on" in text_of(page.one("p", class_="state"))
    assert record.policy_version not in page.text, "no number that a person does not read"
    times = [time.get("datetime") for time in page.all("time")]
    assert record.decided_at.isoformat(timespec="seconds") in times
    assert record.expires_at.isoformat(timespec="seconds") in times
    answer = visitor.submit(page.form("/cookies"), "reject")
    saved = visitor.get(answer.headers["Location"])
    assert saved.path == "/cookies"
    assert ARTICLE in [
        link.get("href") for link in saved.one("div", role="status").iter(HTML + "a")
    ]
    assert records(site)[1].method == "settings.reject"
    assert records(site)[1].statuses == {"personalization": "refused", "advertising": "withdrawn"}


def test_in_portuguese_everything_stays_portuguese(site: Flask, visitor: Visitor) -> None:
    page = visitor.choose("accept_all", path="/pt/")
    assert page.path == "/pt/"
    assert "As suas definições de cookies foram guardadas." in (page.confirmation or "")
    assert records(site)[0].language == "pt"


def test_a_client_that_asks_for_json_gets_json(site: Flask, visitor: Visitor) -> None:
    answer = visitor.post("/cookies", {"choice": "accept_all"}, Accept="application/json")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["saved"] is True
    assert UUID(answer.json["record"]) == records(site)[0].id
    assert answer.json["statuses"] == {"personalization": "given", "advertising": "given"}


def test_a_visitor_keeps_one_session_and_only_the_hash_of_its_id_is_kept(
    site: Flask, visitor: Visitor
) -> None:
    visitor.choose("reject")
    first = session_cookie(visitor)
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    second = session_cookie(visitor)
    assert first == second
    assert len({record.subject for record in records(site)}) == 1
    if not site.config["REDIS_URL"]:
        assert count_sessions(site) == 1
    with site.app_context(), db.engine.connect() as connection:
        kept = list(connection.execute(select(StoredSession.key, StoredSession.data)))
    for key, data in kept:
        assert second not in key
        assert second.encode() not in data


def test_a_choice_ends_after_six_months_and_visits_do_not_prolong_it(
    site: Flask, visitor: Visitor
) -> None:
    start = datetime(2026, 8, 31, 12, tzinfo=UTC)
    with time_machine.travel(start, tick=False):
        visitor.choose("accept_all")
    (record,) = records(site)
    assert record.expires_at == datetime(2027, 2, 28, 12, tzinfo=UTC)
    last_moment = record.expires_at - timedelta(seconds=1)
    with time_machine.travel(last_moment, tick=False):
        assert visitor.get("/").banner is None
    cookie = session_cookie(visitor)
    with time_machine.travel(record.expires_at, tick=False):
        # The browser is not trusted to forget the cookie: the server itself ends the choice.
        page = visitor.get("/", Cookie=f"session={cookie}")
        assert page.banner is not None


@pytest.mark.parametrize("declared", ["P10D", "P1Y", "session"])
def test_a_page_says_for_how_long_a_withdrawal_is_kept_whatever_the_registry_says(
    make_site: MakeSite, tmp_path: Path, declared: str
) -> None:
    file = tmp_path / "registry.toml"
    shipped = REGISTRY.read_text(encoding="utf-8")
    before, found, after = shipped.partition('name = "withdrawal"')
    assert found
    file.write_text(before + found + after.replace("P1Y1M", declared, 1), encoding="utf-8")
    banner = Visitor(make_site(CONSENT_REGISTRY=str(file))).get("/").banner
    assert banner is not None
    assert "withdrawal, 13 months" in text_of(banner)


@pytest.mark.parametrize("months", [6, 12])
def test_the_session_is_declared_and_kept_as_long_as_the_choice_holds(
    make_site: MakeSite, months: int
) -> None:
    site = make_site(CONSENT_LIFETIME_MONTHS=months)
    visitor = Visitor(site)
    banner = visitor.get("/").banner
    assert banner is not None
    assert f"session, {months} months" in text_of(banner)
    visitor.choose("accept_all")
    for path in ("/cookies", "/privacy"):
        assert f"{months} months," in visitor.get(path).text
    row = next(
        row for row in visitor.get("/cookies").all("tr") if "session (cookie)" in text_of(row)
    )
    assert f"{months} months" in text_of(row)
    (record,) = records(site)
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    assert cookie.expires == record.expires_at.replace(microsecond=0)


def test_a_changed_policy_asks_again_and_a_changed_wording_does_not(
    make_site: MakeSite, tmp_path: Path
) -> None:
    visitor = Visitor(make_site())
    visitor.choose("accept_all")
    shipped = REGISTRY.read_text(encoding="utf-8")
    for name, text, asks in (
        ("substance", shipped.replace("gpc = true", "gpc = true\nmeaning = 2"), True),
        ("less", shipped.replace('"P180D"', '"P90D"'), False),
        ("wording", shipped.replace("Remember the choice", "Keep the choice"), False),
    ):
        assert text != shipped
        registry = tmp_path / f"{name}.toml"
        registry.write_text(text, encoding="utf-8")
        returning = Visitor(make_site(CONSENT_REGISTRY=str(registry)))
        returning.client.set_cookie("session", session_cookie(visitor))
        assert (returning.get("/").banner is not None) is asks
        assert ("New since your choice" in returning.get("/cookies").text) is asks


def test_the_database_refuses_to_change_a_record(site: Flask, visitor: Visitor) -> None:
    visitor.choose("reject")
    refusal = pytest.raises(DBAPIError, match="a consent record is never changed")
    with site.app_context(), refusal, db.engine.begin() as connection:
        connection.execute(update(ConsentRecord).values(content="{}"))
    assert records(site)[0].method == "banner.reject"


def test_global_privacy_control_is_shown_recorded_and_overruled_by_a_choice(site: Flask) -> None:
    visitor = Visitor(site, Sec_GPC="1")
    assert (
        "Your browser sends the Global Privacy Control signal, and this site honours it."
        in visitor.get("/cookies").text
    )
    assert visitor.cookies == set()
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    (record,) = records(site)
    assert record.gpc
    assert record.statuses["advertising"] == "given"


def test_the_banner_does_not_ask_for_what_the_signal_refuses(site: Flask) -> None:
    visitor = Visitor(site, Sec_GPC="1")
    page = visitor.get("/")
    assert [box.get("value") for box in page.all("input", type="checkbox")] == ["personalization"]
    assert "Personalised advertising: off and not asked, as" in page.text
    boxes = visitor.get("/cookies").all("input", type="checkbox")
    assert [box.get("value") for box in boxes] == ["personalization", "advertising"]
    visitor.choose("accept_all")
    (record,) = records(site)
    assert record.gpc
    assert record.statuses == {"personalization": "given", "advertising": "refused"}
    assert (
        "Not accepted Your browser’s privacy signal refuses this as well."
        in visitor.get("/cookies").text
    )
    visitor.headers["Sec-GPC"] = "0"
    assert "privacy signal" not in visitor.get("/cookies").text


def test_what_a_page_without_the_signal_asked_for_is_what_counts(site: Flask) -> None:
    """Accepting all means what was read, whatever the browser sends since."""
    visitor = Visitor(site)
    form = visitor.get("/").form("/cookies")
    visitor.headers["Sec-GPC"] = "1"
    visitor.submit(form, "accept_all")
    assert records(site)[0].statuses["advertising"] == "given"


@pytest.mark.parametrize(
    ("value", "on"), [("1", True), ("0, 1", True), ("0", False), ("true", False), ("", False)]
)
def test_only_the_value_1_is_the_signal(make_site: MakeSite, value: str, *, on: bool) -> None:
    page = Visitor(make_site(), Sec_GPC=value).get("/cookies")
    assert ("signal is honoured" in page.text) is on


def test_a_thousand_first_views_leave_nothing_behind(site: Flask, visitor: Visitor) -> None:
    first_views = ("/", "/pt/", ARTICLE, "/cookies", "/privacy")
    for path in first_views * (1000 // len(first_views)):
        assert "Set-Cookie" not in visitor.raw_get(path).headers
    assert records(site) == []
    assert count_sessions(site) == 0
    assert visitor.cookies == set()
