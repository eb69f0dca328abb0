"""Flask-Session's known traps, each closed."""

import logging
import pickle
from pathlib import Path
from typing import Any

import pytest
from browserlike import Page, Visitor
from conftest import MakeSite, statements
from flask import Flask
from redis import Redis
from sqlalchemy import update

from blueprints.database import db
from blueprints.sessions.models import StoredSession


def test_without_a_cookie_the_store_is_never_asked(make_site: MakeSite) -> None:
    site = make_site()
    seen = statements(site)
    visitor = Visitor(site)
    for path in ("/", "/pt/", "/cookies", "/privacy", "/none", "/health", "/robots.txt"):
        visitor.raw_get(path)
    assert seen == []


def test_with_a_cookie_a_page_is_one_look_up_and_no_write(make_site: MakeSite) -> None:
    site = make_site()
    visitor = Visitor(site)
    page = visitor.choose("reject")
    seen = statements(site)
    visitor.get("/")
    assert len(seen) == 1
    assert seen[0].startswith("SELECT")
    visitor.get("/cookies")
    assert len(seen) == 2
    stylesheet = page.one("link", rel="stylesheet").get("href") or ""
    for path in (stylesheet, "/health", "/robots.txt"):
        assert visitor.raw_get(path).status_code == 200
    assert len(seen) == 2


def test_a_pickle_in_the_store_is_not_run(make_site: MakeSite, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (open, (f"{tmp_path}/sprung", "w"))

    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    with site.app_context(), db.engine.begin() as connection:
        connection.execute(update(StoredSession).values(data=pickle.dumps(Trap())))
    assert visitor.get("/").banner is not None
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x80"])
def test_rubbish_in_the_store_is_no_session(make_site: MakeSite, data: bytes) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with site.app_context(), db.engine.begin() as connection:
        connection.execute(update(StoredSession).values(data=data))
    assert visitor.get("/").banner is not None
    assert visitor.post("/cookies", {"choice": "reject"}).status_code == 303


def test_the_cookie_over_https_is_bound_to_the_host(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(PREFERRED_URL_SCHEME="https"))
    cookie = visitor.post("/cookies", {"choice": "reject"}).headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Expires="):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_two_visitors_do_not_share_a_page_through_a_cache(make_site: MakeSite) -> None:
    site = make_site()
    chooser = Visitor(site)
    chooser.choose("reject")
    own = chooser.raw_get("/")
    first = Visitor(site).raw_get("/")
    assert own.headers["Cache-Control"].startswith("private")
    assert first.headers["Cache-Control"].startswith("public")
    for answer in (own, first):
        assert {"Cookie", "Sec-GPC"} <= {part.strip() for part in answer.headers["Vary"].split(",")}
    assert chooser.raw_get("/cookies").headers["Cache-Control"] == "no-store"


@pytest.fixture
def dead_redis_site(make_site: MakeSite, redis_url: str) -> tuple[Flask, Visitor]:
    """A site whose Redis went away after a visitor had accepted everything."""
    site = make_site(REDIS_URL=redis_url)
    visitor = Visitor(site)
    visitor.choose("accept_all")
    interface: Any = site.session_interface
    interface.client = Redis.from_url("redis://127.0.0.1:1/0")
    return site, visitor


def test_without_its_session_store_the_site_serves_everybody_with_all_off(
    dead_redis_site: tuple[Flask, Visitor], caplog: pytest.LogCaptureFixture
) -> None:
    _site, visitor = dead_redis_site
    with caplog.at_level(logging.ERROR):
        page = visitor.get("/")
    assert page.status == 200
    assert page.banner is not None
    assert "cannot be reached" in caplog.text
    assert "everything optional is off" in visitor.get("/cookies").text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_without_its_session_store_a_choice_is_503_and_nothing_is_recorded(
    dead_redis_site: tuple[Flask, Visitor], accept: str
) -> None:
    site, visitor = dead_redis_site
    for client in (visitor, Visitor(site)):
        answer = client.post("/cookies", {"choice": "reject"}, Accept=accept)
        assert answer.status_code == 503
        assert "Set-Cookie" not in answer.headers
        assert "Nothing was recorded" in answer.get_data(as_text=True)
    with site.app_context(), db.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from consent_records").scalar() == 1


def test_without_its_database_a_choice_is_503_and_the_article_is_served(
    make_site: MakeSite,
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("alter table consent_records rename to gone")
    answer = visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")
    page = Page(answer)
    assert page.status == 503
    assert page.confirmation is None
    assert "Set-Cookie" not in answer.headers
    kept = visitor.get("/cookies")
    assert [box.get("value") for box in kept.all("input", checked="")] == [
        "personalization",
        "advertising",
    ]
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("alter table sessions rename to gone_too")
    assert visitor.get("/").status == 200
    assert visitor.get("/").banner is not None
    assert Visitor(site).post("/cookies", {"choice": "reject"}).status_code == 503


def test_a_request_beside_a_renewal_does_not_bring_the_old_session_back(
    make_site: MakeSite,
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.post("/cookies", {"choice": "accept_all"})
    old = visitor.client.get_cookie("session")
    assert old is not None
    with site.test_request_context("/", headers={"Cookie": f"session={old.value}"}) as context:
        context.session.pop("confirm")  # a slow page view is under way ...
        visitor.submit(visitor.get("/cookies").form("/cookies"), "reject")  # ... a choice overtakes
        site.session_interface.save_session(site, context.session, site.response_class())
    late = Visitor(site)
    late.client.set_cookie("session", old.value)
    assert late.get("/").banner is not None
