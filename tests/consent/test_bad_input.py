"""Bad input gets a clear answer, the right status, and changes nothing."""

from typing import Any
from urllib.parse import urlencode

import pytest
from browserlike import Page, Visitor
from conftest import MakeSite
from evidence import records
from flask import Flask
from werkzeug.datastructures import MultiDict

ELSEWHERE = [
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "https://evil.example/",
    "javascript:alert(1)",
    "evil.example",
    "",
]


@pytest.fixture
def site(make_site: MakeSite) -> Flask:
    return make_site()


@pytest.fixture
def chooser(site: Flask) -> Visitor:
    """Somebody who has accepted personalisation, so that there is something to lose."""
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("personalization",))
    return visitor


def token(visitor: Visitor) -> str:
    (field, *_) = visitor.get("/cookies").all("input", name="csrf_token")
    return field.get("value", "")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ([], "choice"),
        ([("choice", "")], "choice"),
        ([("choice", "everything")], "choice"),
        ([("choice", "accept_selected"), ("purposes", "nonsense")], "purposes"),
        ([("choice", "accept_selected"), ("purposes", "necessary")], "purposes"),
        ([("choice", "reject"), ("choice", "accept_all")], "twice"),
        ([("choice", "reject"), ("next", "/"), ("next", "/cookies")], "twice"),
        ([("choice", "accept_selected"), *[("purposes", "advertising")] * 2], "twice"),
        ([("choice", "accept_all"), ("subject", "me")], "unknown_key"),
        ([("choice", "accept_all"), ("decided_at", "2020-01-01")], "unknown_key"),
    ],
)
@pytest.mark.parametrize("path", ["/cookies", "/pt/cookies"])
def test_a_wrong_form_is_refused_and_the_choice_stays(
    site: Flask, chooser: Visitor, sent: list[tuple[str, str]], error: str, path: str
) -> None:
    form: Any = MultiDict([*sent, ("csrf_token", token(chooser))])
    page = Page(chooser.post(path, form))
    assert page.status == 400
    says = "Nada foi alterado." if path.startswith("/pt") else "Nothing was changed."
    assert says in page.text
    ticked = [box.get("value") for box in page.all("input", checked="")]
    assert ticked == ["personalization"], "the form shows the choice that still counts"
    answer = chooser.post(path, form, Accept="application/json")
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert answer.json is not None
    assert answer.json["error"] == error
    assert says in answer.json["message"]
    assert len(records(site)) == 1


def test_after_a_wrong_form_nothing_is_ticked_for_somebody_who_has_not_chosen(site: Flask) -> None:
    sent = {"choice": "nonsense", "purposes": "advertising"}
    page = Page(Visitor(site).post("/cookies", sent))
    assert page.status == 400
    assert page.all("input", checked="") == []
    assert records(site) == []


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_with_a_session_the_token_must_be_right(
    site: Flask, chooser: Visitor, token: str | None
) -> None:
    sent = {"choice": "accept_all"} | ({} if token is None else {"csrf_token": token})
    page = Page(chooser.post("/cookies", sent))
    assert page.status == 400
    assert "The page was open for a long time" in page.text
    assert len(records(site)) == 1


def test_an_expired_token_is_refused_and_the_new_form_works(site: Flask, chooser: Visitor) -> None:
    site.config["WTF_CSRF_TIME_LIMIT"] = -1
    form = chooser.get("/cookies").form("/cookies")
    page = Page(chooser.submit(form, "reject"))
    assert page.status == 400
    assert "The page was open for a long time" in page.text
    site.config["WTF_CSRF_TIME_LIMIT"] = 3600
    assert chooser.submit(page.form("/cookies"), "reject").status_code == 303
    assert len(records(site)) == 2


def test_a_token_of_somebody_else_is_refused(site: Flask, chooser: Visitor) -> None:
    other = Visitor(site)
    other.choose("reject")
    sent = {"choice": "accept_all", "csrf_token": token(other)}
    assert chooser.post("/cookies", sent).status_code == 400


@pytest.mark.parametrize("address", ELSEWHERE)
def test_next_leads_nowhere_but_to_this_site(site: Flask, address: str) -> None:
    answer = Visitor(site).post("/cookies", {"choice": "reject", "next": address})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/cookies"
    assert len(records(site)) == 1


def test_next_leads_to_a_path_of_this_site(site: Flask) -> None:
    answer = Visitor(site).post("/cookies", {"choice": "reject", "next": "/pt/?a=b#c"})
    assert answer.headers["Location"] == "/pt/?a=b#c"


@pytest.mark.parametrize("value", ["forged", "a" * 4000, "", "é", "../../etc/passwd"])
def test_a_forged_session_is_no_session(site: Flask, value: str) -> None:
    visitor = Visitor(site)
    page = visitor.get("/", Cookie=f"session={value}")
    assert page.status == 200
    assert page.banner is not None
    answer = visitor.post("/cookies", {"choice": "reject"}, Cookie=f"session={value}")
    assert answer.status_code == 303
    assert value == "" or f"session={value};" not in answer.headers["Set-Cookie"]


def test_a_body_over_16_kb_is_refused(site: Flask) -> None:
    page = Page(Visitor(site).post("/cookies", {"choice": "reject", "next": "/" * 17_000}))
    assert page.status == 413
    assert "larger than any" in page.text
    assert records(site) == []


def test_a_body_of_unknown_length_is_refused(site: Flask) -> None:
    answer = Visitor(site).post(
        "/cookies", {"choice": "reject"}, Transfer_Encoding="chunked", Accept="application/json"
    )
    assert answer.status_code == 411
    assert records(site) == []


def test_half_a_body_is_no_choice(site: Flask) -> None:
    body = urlencode({"choice": "accept_all", "next": "/"}).encode()
    answer = site.test_client().post(
        "/cookies",
        data=body,
        content_type="application/x-www-form-urlencoded",
        environ_overrides={"CONTENT_LENGTH": str(len(body) + 50), "wsgi.input_terminated": True},
    )
    assert answer.status_code == 400
    assert records(site) == []


@pytest.mark.parametrize(("path", "says"), [("/none", "no page"), ("/pt/none", "nenhuma página")])
def test_an_unknown_page_says_so_in_the_visitors_language(
    site: Flask, path: str, says: str
) -> None:
    page = Visitor(site).get(path)
    assert page.status == 404
    assert says in page.text
    assert page.banner is not None


def test_a_wrong_method_says_which_are_right(site: Flask) -> None:
    visitor = Visitor(site)
    for path, right in (("/", "GET"), ("/cookies/withdraw", "POST")):
        answer = visitor.post(path, {}) if right == "GET" else visitor.raw_get(path)
        assert answer.status_code == 405
        assert right in answer.headers["Allow"]
        assert Page(answer).one("h1") is not None


@pytest.mark.parametrize("path", ["/none", "/cookies/withdraw"])
def test_errors_are_json_for_a_client_that_asks_for_json(site: Flask, path: str) -> None:
    answer = Visitor(site).raw_get(path, Accept="application/json")
    assert answer.status_code in {404, 405}
    assert answer.json is not None
    assert set(answer.json) == {"error", "message"}


def test_granting_again_and_again_is_limited_and_refusing_never_is(site: Flask) -> None:
    statuses = [
        Visitor(site).post("/cookies", {"choice": "accept_all"}).status_code for _ in range(31)
    ]
    assert statuses == [303] * 30 + [429]
    limited = Page(Visitor(site).post("/cookies", {"choice": "accept_all"}))
    assert limited.response.headers["Retry-After"] == "60"
    assert "Rejecting is always possible" in limited.text
    for _ in range(40):
        assert Visitor(site).post("/cookies", {"choice": "reject"}).status_code == 303
