"""Pages kept ready to send: the same for everybody, and never for somebody who has chosen."""

from collections.abc import Callable
from typing import Any

import pytest
from browserlike import Visitor
from conftest import MakeSite
from flask import Flask


@pytest.fixture
def site(make_site: MakeSite) -> Flask:
    return make_site()


def test_a_copy_is_the_page_itself(site: Flask) -> None:
    for path in ("/", "/pt/", "/privacy"):
        made, copied = Visitor(site).raw_get(path), Visitor(site).raw_get(path)
        assert made.data == copied.data
        ours = {key: value for key, value in made.headers if key != "Date"}
        assert ours == {key: value for key, value in copied.headers if key != "Date"}
        etag = made.headers["ETag"]
        assert Visitor(site).raw_get(path, If_None_Match=etag).status_code == 304


def test_a_page_is_made_once_for_everybody(site: Flask) -> None:
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    Visitor(site).get("/")
    first = len(made)
    assert first > 0
    Visitor(site).get("/")
    assert len(made) == first
    Visitor(site).get("/?size=large")
    assert len(made) > first


def test_a_page_is_made_anew_when_what_it_is_made_of_has_changed(site: Flask) -> None:
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    versions = [1]
    site.extensions["copies"].depend_on(lambda: versions[-1])
    Visitor(site).get("/")
    made.clear()
    Visitor(site).get("/")
    assert made == []
    versions.append(2)
    Visitor(site).get("/")
    assert made


def test_signals_and_hosts_that_somebody_invents_push_out_no_copy_that_is_asked_for(
    site: Flask,
) -> None:
    made: list[str] = []
    site.jinja_env.globals["url_for"] = counted(site, made)
    for number in range(150):
        Visitor(site).raw_get("/privacy", Sec_GPC=f"0.{number}")
        Visitor(site).raw_get("/privacy", Host=f"host-{number}.example")
        if number == 0:
            Visitor(site).raw_get("/")
        made.clear()
        Visitor(site).raw_get("/")
        assert made == []


@pytest.mark.parametrize(("signal", "is_honoured"), [("1, 0", True), ("0", False), ("01", False)])
def test_an_odd_signal_gets_its_own_page_every_time(
    site: Flask, signal: str, *, is_honoured: bool
) -> None:
    for _ in range(2):
        assert ("signal is honoured" in Visitor(site, Sec_GPC=signal).get("/").text) is is_honoured
        assert "signal is honoured" not in Visitor(site).get("/").text


def counted(site: Flask, made: list[str]) -> Callable[..., str]:
    original: Any = site.jinja_env.globals["url_for"]

    def url_for(endpoint: str, **values: object) -> str:
        made.append(endpoint)
        return str(original(endpoint, **values))

    return url_for


def test_each_kind_of_visitor_has_a_copy_of_their_own(site: Flask) -> None:
    for _ in range(2):
        plain = Visitor(site).get("/")
        assert "signal is honoured" not in plain.text
        assert "signal is honoured" in Visitor(site, Sec_GPC="1").get("/").text
        assert Visitor(site).raw_get("/", Accept_Encoding="br").headers["Content-Encoding"] == "br"
        other = Visitor(site).get("/", Host="other.example").one("link", rel="canonical")
        assert "//other.example/" in (other.get("href") or "")


def test_somebody_who_has_chosen_never_gets_a_copy(site: Flask) -> None:
    Visitor(site).get("/")
    visitor = Visitor(site)
    assert visitor.choose("reject").banner is None
    assert visitor.get("/").banner is None
    assert Visitor(site).get("/").banner is not None


def test_in_the_implied_model_each_visitor_still_gets_a_session(make_site: MakeSite) -> None:
    site = make_site(CONSENT_MODEL="implied")
    cookies = {Visitor(site).raw_get("/").headers["Set-Cookie"] for _ in range(3)}
    assert len(cookies) == 3
