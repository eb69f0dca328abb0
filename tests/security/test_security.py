"""Who may change something, what every answer carries, and settings that are wrong."""

import pytest
from browserlike import Page, Visitor
from conftest import MakeSite
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

pytestmark = pytest.mark.stores("sqlite")

ENDLESS_DATES = [
    f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT",
    f"Mon, 01 Jan 2020 00:00:00 +{'9' * 20}",
    "Thu, 99 Nov 99999 00:00:00 GMT",
]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "nonsense"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "https://localhost"}, 303),
        ({"Origin": "http://LOCALHOST"}, 303),
        # A proxy took the port out of Host, or put one in.
        ({"Origin": "http://localhost:8000"}, 303),
        ({"Origin": "https://localhost", "Host": "localhost:443"}, 303),
        ({"Origin": "http://localhost:8000", "Host": "localhost:8000"}, 303),
        ({"Origin": "http://localhost:8000", "Host": "localhost:8001"}, 403),
        ({"Origin": "http://[::1]:8000", "Host": "[::1]"}, 303),
        ({"Origin": "http://[::1]", "Host": "[::2]"}, 403),
        ({"Origin": "http://localhost:99999"}, 403),
        ({"Origin": "localhost"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://localhost@evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[", "Host": "localhost"}, 403),
        ({}, 303),
    ],
)
def test_a_choice_must_come_from_this_site(
    site: Flask, headers: dict[str, str], status: int
) -> None:
    answer = site.test_client().post("/cookies", data={"choice": "reject"}, headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert "counts only when it is made on this site" in Page(answer).text


@pytest.mark.parametrize("path", ["/", "/none", "/cookies/withdraw", "/static/x"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_origin_is_checked_on_every_address(site: Flask, method: str, path: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert site.test_client().open(path, method=method, headers=headers).status_code == 403
    assert site.test_client().get(path, headers=headers).status_code != 403


def test_the_policy_without_consent_names_nobody_else(site: Flask) -> None:
    answer = Visitor(site).raw_get("/privacy")
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) <= {"'self'", "'none'"}
    assert policy["frame-ancestors"] == "'none'"


def test_files_carry_the_headers_too_and_may_be_kept_for_ever(site: Flask) -> None:
    visitor = Visitor(site)
    address = visitor.get("/privacy").one("link", rel="stylesheet").get("href") or ""
    answer = visitor.raw_get(address)
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_hsts_is_sent_over_https_only(make_site: MakeSite) -> None:
    assert "Strict-Transport-Security" not in Visitor(make_site()).raw_get("/").headers
    secure = Visitor(make_site(PREFERRED_URL_SCHEME="https"))
    assert secure.raw_get("/").headers["Strict-Transport-Security"] == "max-age=63072000"
    told = "max-age=60; includeSubDomains"
    other = Visitor(make_site(PREFERRED_URL_SCHEME="https", HSTS=told))
    assert other.raw_get("/").headers["Strict-Transport-Security"] == told
    with pytest.raises(SystemExit, match="FLASK_HSTS must be max-age"):
        make_site(HSTS="includeSubDomains")
    assert secure.get("/").one("link", rel="canonical").get("href", "").startswith("https://")


def test_an_etag_answers_304_until_something_is_different(site: Flask) -> None:
    visitor = Visitor(site)
    first = visitor.raw_get("/")
    assert visitor.raw_get("/", If_None_Match=first.headers["ETag"]).status_code == 304
    assert visitor.raw_get("/", If_None_Match='"other"').status_code == 200
    visitor.post("/cookies", {"choice": "reject"})
    assert visitor.raw_get("/", If_None_Match=first.headers["ETag"]).status_code == 200


def test_a_host_that_is_not_trusted_is_refused_with_a_page(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(TRUSTED_HOSTS="www.example.pt, example.pt"))
    assert visitor.get("/", Host="example.pt").status == 200
    for host in ("evil.example", "a b", "example.pt,evil.example"):
        page = visitor.get("/", Host=host)
        assert page.status == 400
        assert visitor.post("/cookies", {"choice": "reject"}, Host=host).status_code == 400


MALFORMED = ["a b", "a,b", "<x>", "a/b", "a..b", ".a", "a" * 64 + ".pt", "a." * 200, "a:123456"]
MALFORMED += ["[::1", "[x]", ":80", "é.pt", "a_b.pt"]


@pytest.mark.parametrize("host", MALFORMED)
@pytest.mark.parametrize("cookie", ["", "interests=x; session=x"])
def test_a_malformed_host_is_refused_and_nothing_is_built_from_it(
    site: Flask, host: str, cookie: str
) -> None:
    for path in ("/", "/none", "/cookies", "/pt/cookies"):
        page = Visitor(site).get(path, Host=host, Cookie=cookie)
        assert page.status == 400
        assert page.all("link", rel="alternate", hreflang="en") == [] or all(
            (link.get("href") or "").startswith("http://localhost/")
            for link in page.all("link", rel="alternate")
            if link.get("hreflang")
        )


@pytest.mark.parametrize("host", ["xn--a.pt", "[::::]", "[" + ":" * 60 + "]"])
@pytest.mark.parametrize("path", ["/", "/cookies", "/pt", "/none"])
def test_a_host_of_which_no_address_can_be_built_is_refused(
    site: Flask, host: str, path: str
) -> None:
    environ = create_environ(path, headers={"Referer": "http://localhost/x"})
    _body, status, _headers = run_wsgi_app(site, environ | {"HTTP_HOST": host})
    assert status == "400 BAD REQUEST"


def test_a_trusted_name_in_capitals_is_that_which_browsers_send(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(TRUSTED_HOSTS="WWW.Example.pt"))
    for host in ("www.example.pt", "WWW.EXAMPLE.PT", "Www.Example.pt:8443"):
        assert visitor.raw_get("/", Host=host).status_code == 200
    assert visitor.raw_get("/", Host="evil.example").status_code == 400


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_a_probe_of_a_site_with_an_accent_in_its_name_is_answered(
    make_site: MakeSite, path: str
) -> None:
    visitor = Visitor(make_site(TRUSTED_HOSTS="www.câmara.pt"))
    for host in ("127.0.0.1:8000", "www.xn--cmara-xqa.pt", "evil.example"):
        assert visitor.raw_get(path, Host=host).status_code == 200


@pytest.mark.parametrize("host", ["www.example.pt.", "[::1]:8000", "xn--mnchen-3ya.pt"])
def test_an_unusual_host_gets_the_page(site: Flask, host: str) -> None:
    assert Visitor(site).get("/", Host=host, Cookie="interests=x").status == 200


@pytest.mark.parametrize("host", ["evil.example", "a..b", "[::1]"])
def test_an_untrusted_host_with_cookies_is_refused_with_a_page(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    visitor = Visitor(make_site(TRUSTED_HOSTS="www.example.pt"))
    for path in ("/", "/pt/cookies", "/none"):
        page = visitor.get(path, Host=host, Cookie="interests=x; session=x")
        assert page.status == 400
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("scheme", ["http://[::1", "ftp", "javascript", ""])
def test_a_scheme_that_cannot_be_is_refused(make_site: MakeSite, scheme: str) -> None:
    visitor = Visitor(make_site(PROXY_HOPS=1))
    sent = {"X_Forwarded_Proto": scheme, "Referer": "http://localhost/pt/"}
    for path in ("/", "/cookies"):
        assert visitor.get(path, **sent).status == (400 if scheme else 200)
        assert visitor.get(path, **(sent | {"X_Forwarded_Proto": "https"})).status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/" + "a" * 30_000, "/?" + "a" * 30_000, "/" + "%C3%A9" * 700),
        "/" + "a" * 1500 + "?" + "a" * 1500,
    ],
)
def test_an_address_without_an_end_is_refused(site: Flask, path: str) -> None:
    page = Visitor(site).get(path)
    assert page.status == 414
    assert "There is no page at this address" in page.text
    assert len(page.response.data) < len(Visitor(site).get("/none").response.data) * 1.1


def test_no_cache_keeps_that_something_went_wrong(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(TRUSTED_HOSTS="localhost"))
    for status, path, sent in (
        (404, "/none", {}),
        (405, "/cookies/withdraw", {}),
        (400, "/", {"Host": "evil.example"}),
        (414, "/?" + "a" * 3000, {}),
    ):
        answer = visitor.raw_get(path, **sent)
        assert answer.status_code == status
        assert answer.headers["Cache-Control"] == "no-store"


def test_proxies_are_believed_as_many_as_there_are(make_site: MakeSite) -> None:
    sent = {"X-Forwarded-Host": "www.example.pt"}
    direct = make_site().test_client().get("/", headers=sent).get_data(as_text=True)
    behind = make_site(PROXY_HOPS=1).test_client().get("/", headers=sent).get_data(as_text=True)
    assert "//www.example.pt/" not in direct
    assert "//www.example.pt/" in behind


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("PREFERRED_URL_SCHEME", "ftp"),
        ("PROXY_HOPS", "one"),
        ("PROXY_HOPS", -1),
        ("TRUSTED_HOSTS", ""),
        ("TRUSTED_HOSTS", 3),
        ("CONSENT_MODEL", "opt_out"),
        ("CONSENT_LIFETIME_MONTHS", 5),
        ("CONSENT_LIFETIME_MONTHS", 14),
        ("CONSENT_LIFETIME_MONTHS", "six"),
        ("REDIS_URL", "http://x"),
        ("SQLALCHEMY_DATABASE_URI", "nonsense"),
        ("SQLALCHEMY_DATABASE_URI", "nonsense://x"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence_that_names_it(
    make_site: MakeSite, setting: str, value: object
) -> None:
    with pytest.raises(SystemExit, match=f"^FLASK_{setting} ") as caught:
        make_site(**{setting: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/consent/seals.json", "/none"])
@pytest.mark.parametrize("date", ENDLESS_DATES)
def test_a_date_that_cannot_be_is_as_none(site: Flask, path: str, date: str) -> None:
    client = site.test_client()
    plain = client.get(path).status_code
    for _ in range(2):  # the second page is one that was kept ready
        for name in ("If-Modified-Since", "If-Unmodified-Since"):
            assert client.get(path, headers={name: date}).status_code == plain
        part = client.get(path, headers={"If-Range": f'"{date}"', "Range": "bytes=0-1"})
        assert part.status_code == plain


def test_a_date_that_can_be_counts(site: Flask) -> None:
    headers = {"If-Modified-Since": "Fri, 27 Nov 2099 00:00:00 GMT"}
    assert site.test_client().get("/favicon.ico", headers=headers).status_code == 304


def test_a_part_of_a_file_is_sent_to_who_has_the_rest_of_it(site: Flask) -> None:
    visitor = Visitor(site)
    address = visitor.get("/privacy").one("link", rel="stylesheet").get("href") or ""
    whole = visitor.raw_get(address).headers
    for known in (whole["Last-Modified"], whole["ETag"]):
        part = visitor.raw_get(address, Range="bytes=0-9", If_Range=known)
        assert part.status_code == 206
