"""Promises about every answer, whatever it is: its headers, whole, and the cookies that it sets."""

from datetime import UTC, datetime
from http.cookies import Morsel, SimpleCookie

import pytest
from addresses import addresses
from browserlike import HEADERS, POLICY, SECURE, Visitor, check_headers, policy_of
from flask import Flask
from werkzeug.test import TestResponse

pytestmark = pytest.mark.stores("sqlite")

REFUSED = [
    ("/none", {}, 404),
    ("/?" + "x" * 2500, {}, 414),
    ("/", {"Host": "a..b"}, 400),
    ("/cookies/receipt", {}, 404),
]
POSTS = [
    ({"choice": "reject"}, {}, 303),
    ({"choice": "reject"}, {"Accept": "application/json"}, 200),
    ({"choice": "perhaps"}, {}, 400),
    ({"choice": "reject"}, {"Sec_Fetch_Site": "cross-site"}, 403),
    ({"choice": "reject", "next": "x" * 20_000}, {}, 413),
]
# Who may keep what: without a cookie, and with one.
EVERYBODYS = ("public, max-age=0, must-revalidate, s-maxage=60", "private, no-cache")
NOBODYS = ("no-store", "no-store")
KEPT = {
    "article.all_articles": EVERYBODYS,
    "article.article": EVERYBODYS,
    "article.embed": EVERYBODYS,  # of which test_embeds.py has an article
    "article.feed": EVERYBODYS,
    "article.front_page": EVERYBODYS,
    "article.picture": EVERYBODYS,
    "article.sitemap": EVERYBODYS,
    "consent.notice": EVERYBODYS,
    "consent.settings": NOBODYS,
    "pages.accessibility": EVERYBODYS,
    "pages.favicon": ("no-cache", "no-cache"),
    "pages.gpc": EVERYBODYS,
    "pages.health": NOBODYS,
    "pages.privacy": EVERYBODYS,
    "pages.ready": NOBODYS,
    "pages.robots": EVERYBODYS,
    "pages.security_txt": EVERYBODYS,
    "proof.published_seals": ("public, max-age=60", "public, max-age=60"),
    "rights.about_receipt": EVERYBODYS,
    "rights.ask_before_erasing": NOBODYS,
    "rights.ask_for_number": NOBODYS,
    "rights.receipt": NOBODYS,
    "rights.show_history": NOBODYS,
}
FOR_EVER = "max-age=315360000, public, immutable"
LASTS = {"session": 184, "preferences": 180, "interests": 90}  # days, at most


@pytest.fixture(params=["http", "https"])
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"PREFERRED_URL_SCHEME": request.param}


def is_secure(site: Flask) -> bool:
    return bool(site.config["PREFERRED_URL_SCHEME"] == "https")


def test_every_answer_has_every_header_whole(site: Flask) -> None:
    stranger, chosen = Visitor(site), Visitor(site)
    chosen.post("/cookies", {"choice": "accept_all"})
    paths = [path for path in addresses(site) if not path.startswith("/static/")]
    assert len(paths) > 20
    policies = [POLICY, POLICY | {"frame-ancestors": "'self'"}]
    policies.append(POLICY | {"style-src": policy_of(stranger.raw_get("/"))["style-src"]})
    for visitor in (stranger, chosen):
        for path in paths:
            answer = visitor.raw_get(path)
            check_headers(answer, over_https=is_secure(site))
            assert policy_of(answer) in policies, path
        for path, headers, status in REFUSED[:-1]:
            answer = visitor.raw_get(path, **headers)
            assert answer.status_code == status
            check_headers(answer, over_https=is_secure(site))
            assert answer.headers["Cache-Control"] == "no-store"
    for form, headers, status in POSTS:
        answer = Visitor(site).post("/cookies", form, **headers)
        assert answer.status_code == status
        check_headers(answer, over_https=is_secure(site))
        assert answer.headers["Cache-Control"] == "no-store"


def test_every_route_says_who_may_keep_its_answer(site: Flask) -> None:
    stranger, chosen = Visitor(site), Visitor(site)
    chosen.post("/cookies", {"choice": "reject"})
    seen = set()
    for path in list(addresses(site)):  # of which each is made in a context of its own
        endpoint, _values = site.url_map.bind("localhost").match(path)
        for visitor, rule in zip((stranger, chosen), KEPT[endpoint], strict=True):
            answer = visitor.raw_get(path)
            wanted = rule if answer.status_code == 200 else "no-store"
            assert answer.headers["Cache-Control"] == wanted, path
        seen.add(endpoint)
    assert seen == set(KEPT)


def test_every_file_has_the_headers_that_files_need(site: Flask) -> None:
    visitor = Visitor(site)
    address = visitor.get("/privacy").one("link", rel="stylesheet").get("href") or ""
    for path in (address, address.replace("css/site.css", "js/consent.js")):
        answer = visitor.raw_get(path)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == FOR_EVER
        for name, value in (HEADERS | (SECURE if is_secure(site) else {})).items():
            assert answer.headers.getlist(name) == [value], name


def test_every_cookie_is_as_narrow_as_it_can_be(site: Flask) -> None:
    visitor = Visitor(site)
    answers = [
        visitor.post("/cookies", {"choice": "accept_all"}),
        visitor.post("/preferences", {"size": "large", "theme": "dark"}),
        visitor.raw_get("/"),
    ]
    prefix = "__Host-" if is_secure(site) else ""
    found = {name: cookie for answer in answers for name, cookie in cookies_of(answer).items()}
    assert set(found) == {prefix + name for name in LASTS}
    for name, cookie in found.items():
        assert cookie["path"] == "/", name
        assert cookie["domain"] == "", name
        assert cookie["httponly"] is True, name
        assert cookie["samesite"] == "Lax", name
        assert bool(cookie["secure"]) is is_secure(site), name
        kept = visitor.client.get_cookie(name)
        assert kept is not None
        assert kept.expires is not None
        lasts = kept.expires - datetime.now(UTC)
        assert lasts.days + 1 <= LASTS[name.removeprefix(prefix)], name


def test_every_cookie_goes_as_it_came(site: Flask) -> None:
    """A browser lets nothing touch a `__Host-` cookie but what might have set it."""
    stranger, leaving = Visitor(site), Visitor(site)
    prefix = "__Host-" if is_secure(site) else ""
    for name in ("preferences", "interests", "withdrawal"):
        stranger.client.set_cookie(prefix + name, "x")
    leaving.post("/cookies", {"choice": "accept_all"})
    answers = stranger.raw_get("/"), leaving.post("/cookies/erase", {})
    found = {name: cookie for answer in answers for name, cookie in cookies_of(answer).items()}
    assert set(found) == {prefix + name for name in (*LASTS, "withdrawal")}
    for name, cookie in found.items():
        assert (cookie.value, cookie["path"], cookie["domain"]) == ("", "/", ""), name
        assert bool(cookie["secure"]) is is_secure(site), name
    assert stranger.cookies == leaving.cookies == set()


def cookies_of(answer: TestResponse) -> dict[str, "Morsel[str]"]:
    found: dict[str, Morsel[str]] = {}
    for line in answer.headers.getlist("Set-Cookie"):
        found.update(SimpleCookie(line))
    return found
