"""CONSENT_MODEL=implied: the client's banner taken at its word, and what always beats it."""

import logging
from typing import Any

import pytest
from browserlike import Visitor
from conftest import MakeSite
from evidence import ARTICLE, records
from flask import Flask


@pytest.fixture
def site(backend: dict[str, Any], make_site: MakeSite) -> Flask:
    return make_site(**backend, CONSENT_MODEL="implied")


def test_the_second_page_is_recorded_as_continued_use_and_no_consent(site: Flask) -> None:
    visitor = Visitor(site)
    assert visitor.get("/").banner is not None
    assert records(site) == []
    visitor.get(ARTICLE)
    (record,) = records(site)
    assert record.method == "continued_use"
    assert record.is_consent is False
    assert record.model == "implied"
    assert set(record.statuses.values()) == {"given"}
    page = visitor.get("/")
    assert page.banner is None
    assert page.confirmation is None, "nobody pressed anything, so nothing says saved"
    settings = visitor.get("/cookies")
    assert "this site assumed that you accept" in settings.text
    assert settings.all("input", checked="") == [], "nobody ticked anything"
    assert "Accepted" not in settings.text
    assert len(records(site)) == 1


def test_the_settings_page_and_errors_do_not_count_as_going_on(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    for path in ("/cookies", "/none", "/cookies", "/feed.xml"):
        visitor.raw_get(path)
    assert records(site) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Purpose": "prefetch"},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X_Moz": "prefetch"},
        {"Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Dest": "empty"},
    ],
)
def test_what_nobody_opened_to_read_does_not_count(site: Flask, headers: dict[str, str]) -> None:
    visitor = Visitor(site)
    for _ in range(3):
        visitor.raw_get("/", **headers)
    assert visitor.cookies == set()
    for path in ("/privacy", "/pt/privacidade", "/accessibility", "/cookies"):
        visitor.get(path)
    assert visitor.cookies == set()
    visitor.get("/")
    assert visitor.cookies == {"session"}
    visitor.raw_get(ARTICLE, **headers)
    visitor.get("/privacy")
    assert records(site) == []
    visitor.get(ARTICLE)
    assert len(records(site)) == 1


def test_gpc_always_beats_continued_use(site: Flask) -> None:
    visitor = Visitor(site, Sec_GPC="1")
    for _ in range(4):
        visitor.get("/")
    assert records(site) == []
    assert visitor.cookies == set()


def test_gpc_switched_on_later_ends_what_was_assumed(site: Flask) -> None:
    visitor = Visitor(site)
    for _ in range(3):
        visitor.get("/")
    assert visitor.get("/").banner is None
    assert visitor.get("/", Sec_GPC="1").banner is not None


def test_an_explicit_refusal_always_beats_continued_use(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.get("/")
    answer = visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
    assert answer.status_code == 303
    for _ in range(3):
        visitor.get("/")
    (record,) = records(site)
    assert set(record.statuses.values()) == {"refused"}
    assert record.is_consent


def test_the_first_pages_form_still_works_once_a_session_is_there(site: Flask) -> None:
    visitor = Visitor(site)
    first_page = visitor.get("/")
    assert visitor.submit(first_page.banner, "accept_all").status_code == 303
    assert records(site)[0].method == "banner.accept_all"


def test_back_in_opt_in_what_was_assumed_counts_for_nothing(
    site: Flask, backend: dict[str, Any], make_site: MakeSite
) -> None:
    visitor = Visitor(site)
    for _ in range(3):
        visitor.get("/")
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    later = Visitor(make_site(**backend))
    later.client.set_cookie("session", cookie.value)
    assert later.get("/").banner is not None


def test_the_start_says_that_it_is_no_consent(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        make_site(CONSENT_MODEL="implied")
    assert "no consent under the GDPR" in caplog.text


def test_opt_in_never_assumes_anything(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    for _ in range(5):
        visitor.get("/")
    assert records(site) == []
    assert visitor.cookies == set()
