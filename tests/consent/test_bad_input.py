"""Bad input gets a clear answer, the right status, and changes nothing."""

from typing import Any
from urllib.parse import urlencode

import pytest
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite
from evidence import ARTICLE, records
from flask import Flask
from log import lose
from werkzeug.datastructures import MultiDict

pytestmark = pytest.mark.stores("sqlite")

PORTUGUESE_ARTICLE = "/pt/artigos/porto-e-uma-das-cidades-inteligentes-em-iniciativa-europeia"

ELSEWHERE = [
    "//evil.example/",
    "////evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "https://evil.example/",
    "javascript:alert(1)",
    "evil.example",
    "",
]


@pytest.fixture
def chooser(site: Flask) -> Visitor:
    """Somebody who has accepted personalisation, so that there is something to lose."""
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("personalization",))
    return visitor


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
    form: Any = MultiDict(sent)
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


@pytest.mark.parametrize(
    ("choice", "ticked"), [("accept_selected", ["advertising"]), ("accept_all", []), ("x", [])]
)
def test_only_what_the_visitor_ticked_is_still_ticked_where_it_could_not_be_recorded(
    site: Flask, choice: str, ticked: list[str]
) -> None:
    """A box is ticked by the visitor or by nobody (GDPR Recital 32)."""
    lose(site, "consent_records")
    sent = {"choice": choice, "purposes": "advertising", "next": ARTICLE}
    page = Page(Visitor(site).post("/cookies", sent))
    assert page.status == (400 if choice == "x" else 503)
    assert page.one("h1") in list(page.one("div", role="alert"))
    assert [box.get("value") for box in page.all("input", checked="")] == ticked
    if page.status == 503:
        assert page.one("input", name="next").get("value") == ARTICLE


def test_what_has_changed_since_is_not_ticked_again(site: Flask) -> None:
    sent = {"choice": "accept_selected", "purposes": "advertising", "notice": "0" * 64}
    page = Page(Visitor(site).post("/cookies", sent))
    assert page.status == 400
    assert page.all("input", checked="") == [], "nobody has read what this would accept"


def test_after_a_wrong_form_nothing_is_ticked_for_somebody_who_has_not_chosen(site: Flask) -> None:
    visitor = Visitor(site)
    sent = {"choice": "nonsense", "purposes": "advertising"}
    page = Page(visitor.post("/cookies", sent))
    assert page.status == 400
    for each in (page, visitor.get("/cookies"), visitor.get("/")):
        assert each.all("input", type="checkbox", checked="") == []
    assert records(site) == []


def test_a_refusal_from_another_tab_counts(site: Flask) -> None:
    stranger = Visitor(site)
    form = stranger.get("/").banner  # open in two tabs
    stranger.submit(form, "accept_all")
    assert stranger.submit(form, "reject").status_code == 303
    assert set(records(site)[-1].statuses.values()) == {"withdrawn"}
    assert stranger.get("/cookies").all("input", checked="") == []


def test_going_back_and_choosing_again_counts(site: Flask) -> None:
    visitor = Visitor(site)
    form = visitor.get("/").banner
    for button in ("reject", "reject", "accept_all", "reject"):
        assert visitor.submit(form, button).status_code == 303
    assert len(records(site)) == 4


@pytest.mark.parametrize("token", ["", "forged", "a.b.c" * 100])
@pytest.mark.needs("rights")
def test_a_token_of_a_page_from_before_is_ignored(chooser: Visitor, token: str) -> None:
    for path, sent in (
        ("/cookies", {"choice": "reject"}),
        ("/cookies/withdraw", {}),
        ("/cookies/allow", {"purpose": "advertising"}),
        ("/preferences", {"size": "large", "theme": "dark"}),
        ("/cookies/erase", {}),
    ):
        answer = chooser.post(path, sent | {"csrf_token": token})
        assert answer.status_code in {200, 303}, path


def test_a_page_survives_a_new_secret(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    visitor.choose("accept_all")
    form = visitor.get("/cookies").form("/cookies")
    visitor.site = make_site(SECRET_KEY="another " * 8)
    visitor.client.application = visitor.site
    assert visitor.submit(form, "reject").status_code == 303
    assert set(records(visitor.site)[-1].statuses.values()) == {"withdrawn"}


def test_no_page_holds_a_token(chooser: Visitor) -> None:
    for path in ("/", ARTICLE, "/cookies", "/cookies/erase", "/none"):
        names = {field.get("name") for field in chooser.get(path).all("input")}
        assert not {name for name in names if name and "token" in name}, path


# What each form that takes `next` sends besides, and where it leads without.
WITH_NEXT = {
    "/cookies": ({"choice": "reject"}, "/cookies"),
    "/cookies/allow": ({"purpose": "advertising"}, "/cookies"),
    "/preferences": ({"size": "large", "theme": "auto"}, "/?size=large#reading"),
}


@pytest.mark.parametrize("address", ELSEWHERE)
def test_next_leads_nowhere_but_to_this_site(site: Flask, address: str) -> None:
    for path, (sent, where) in WITH_NEXT.items():
        answer = Visitor(site).post(path, {**sent, "next": address})
        assert answer.status_code == 303
        assert answer.headers["Location"] == where
    assert len(records(site)) == 2
    settings = Visitor(site).get(f"/cookies?{urlencode({'next': address})}")
    assert settings.all("input", name="next") == []


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
    assert "The form was too large." in page.text
    assert records(site) == []


def test_a_body_of_16_kb_is_read(site: Flask) -> None:
    for size, status in ((16 * 1024, 303), (16 * 1024 + 1, 413)):
        sent = {"choice": "reject", "csrf_token": ""}
        sent["csrf_token"] = "x" * (size - len(urlencode(sent)))
        assert Visitor(site).post("/cookies", sent).status_code == status


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
    assert text_of(page.one("div", role="alert")).startswith(text_of(page.one("h1")))
    assert text_of(page.one("h1")).startswith("Erro: " if path.startswith("/pt") else "Error: ")
    newest = [link.get("href") for link in page.one("main").iter(HTML + "a")]
    assert newest[0] in {ARTICLE, PORTUGUESE_ARTICLE}
    assert page.one("main").find(f".//{HTML}img") is not None
    assert page.banner is not None, "and it is still asked, below"


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


def test_a_refusal_counts_whatever_its_page_was_the_last_to_offer(
    site: Flask, chooser: Visitor
) -> None:
    sent = {"choice": "reject", "purposes": "gone", "not_asked": "gone", "next": "/"}
    assert chooser.post("/cookies", sent).status_code == 303
    assert records(site)[-1].statuses == {"personalization": "withdrawn", "advertising": "refused"}
