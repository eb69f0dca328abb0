"""Who is not recognised any more sees and erases their records by their number or a receipt."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from browserlike import HTML, Page, Visitor, text_of
from conftest import ALL_STORES, MakeSite
from evidence import count_sessions, records
from flask import Flask
from log import run
from registries import shipped_with
from werkzeug.test import TestResponse

from blueprints.consent.digest import utc_text
from blueprints.database import db

PATH = "/cookies/records"


@pytest.fixture
def receipt(site: Flask) -> bytes:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    return visitor.raw_get("/cookies/receipt").get_data()


@pytest.fixture
def later(receipt: bytes, site: Flask) -> Iterator[Visitor]:
    """Return who chose, seven months later: their cookie has ended with the choice."""
    assert receipt
    (record,) = records(site)
    with time_machine.travel(record.decided_at + timedelta(days=215), tick=False):
        yield Visitor(site)


def number(site: Flask) -> str:
    return str(records(site)[0].subject)


@pytest.mark.parametrize("path", ["/cookies/history", "/cookies/erase", "/cookies/receipt"])
def test_a_page_says_what_is_known_and_where_to_go_on(later: Visitor, path: str) -> None:
    page = later.get(path)
    assert "We do not recognise this browser" in page.text
    for untrue in ("Nothing is recorded", "nothing to erase", "we keep no choice"):
        assert untrue not in page.text
    assert PATH in [link.get("href") for link in page.all("a")]


def test_settings_do_not_say_that_nobody_chose(later: Visitor) -> None:
    page = later.get("/cookies")
    assert "or it is no longer recognised" in page.text
    assert PATH in [link.get("href") for link in page.all("a")]


def test_the_number_stands_in_history_and_receipt(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("reject")
    assert number(site) in visitor.get("/cookies/history").text
    assert number(site) in visitor.raw_get("/cookies/receipt").text


@pytest.mark.parametrize(
    ("sent", "headline", "told"),
    [
        (
            {"number": ""},
            "No number was entered",
            "Enter your number, or choose the file of a receipt.",
        ),
        (
            {"number": "5"},
            "This is not a number of ours",
            "The number of a visitor has 36 characters",
        ),
        (
            {"number": str(uuid4())},
            "Your records were not found",
            "We keep no records under this number",
        ),
        (
            {"receipt": b"{}"},
            "This file is no receipt",
            "The file is no receipt of this site",
        ),
        (
            {"receipt": b"x" * 200_000},
            "This file is no receipt",
            "It is too large: a receipt is a small",
        ),
    ],
)
def test_what_is_wrong_is_said_of_what_was_sent(
    site: Flask, sent: dict[str, str | bytes], headline: str, told: str
) -> None:
    form = {
        name: value if isinstance(value, str) else (BytesIO(value), "x.json")
        for name, value in sent.items()
    }
    page = Page(Visitor(site).post(PATH, form))
    assert page.status in {400, 404, 413}
    assert text_of(page.one("h1")) == f"Error: {headline}"
    assert told in page.text


def test_records_are_shown_by_number(site: Flask, later: Visitor) -> None:
    answer = later.submit(with_number(later, number(site)))
    page = Page(answer)
    assert answer.status_code == 200
    assert number(site) in page.text
    assert "Accepted" in page.text
    assert "counts now" not in page.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("hyphen", [" ", "", " - ", "\u2011", "\u2013", "-\n"])
def test_a_number_counts_however_it_was_copied_from_paper(
    site: Flask, later: Visitor, hyphen: str
) -> None:
    typed = number(site).upper().replace("-", hyphen) + "."
    assert number(site) in Page(later.post(PATH, {"number": typed})).text


def test_the_page_does_not_say_that_every_record_outlives_its_choice(later: Visitor) -> None:
    # A refusal without an acceptance before it goes with its validity.
    english = later.get(PATH)
    assert english.status == 200
    assert "Records of choices may be kept for longer." in english.text
    portuguese = later.get("/pt/cookies/records").text
    assert "Os registos das escolhas podem ser conservados por mais tempo." in portuguese


def test_a_printed_history_says_where_its_number_is_of_use(site: Flask) -> None:
    for path in ("/cookies/history", "/pt/cookies/history"):
        visitor = Visitor(site)
        visitor.choose("accept_all")
        printed = visitor.get(path).one("span", class_="printed")
        assert str(printed.text).endswith(f"{path.removesuffix('history')}records")


def test_the_privacy_page_leads_to_records_whose_browser_is_not_recognised(site: Flask) -> None:
    for path, leads_to in (
        ("/privacy", "/cookies/records"),
        ("/pt/privacidade", "/pt/cookies/records"),
    ):
        link = Visitor(site).get(path).one("a", href=leads_to)
        assert link.text in ("see and erase them", "vê-los e apagá-los")


@pytest.mark.parametrize("size", [0, 100_000], ids=["shipped", "with many services"])
def test_records_are_shown_by_receipt(
    site: Flask, later: Visitor, receipt: bytes, size: int
) -> None:
    sent = BytesIO(receipt.ljust(size))  # which may be larger than any other form
    page = Page(later.post(PATH, {"number": "", "receipt": (sent, "r.jsonld")}))
    assert number(site) in page.text
    assert page.all("link", rel="alternate") == [], "in the other language it has no address"


def test_they_are_given_out_as_json(site: Flask, later: Visitor) -> None:
    answer = later.post(PATH, {"number": number(site)}, Accept="application/json")
    (told,) = json.loads(answer.data)["records"]
    (record,) = records(site)
    assert told == {
        "id": str(record.id),
        "subject": number(site),
        "decided_at": utc_text(record.decided_at),
        "expires_at": utc_text(record.expires_at),
        "statuses": {"advertising": "given", "personalization": "given"},
        "policy_version": record.policy_version,
        "language": "en",
        "model": "opt_in",
        "method": "banner.accept_all",
        "gpc": False,
        "is_consent": True,
        "notice": record.notice,
        "digest": record.digest.hex(),
        "salt": record.salt,
    }


@pytest.mark.stores(*ALL_STORES)
def test_they_are_erased_from_the_page_that_shows_them_and_says_what_is_lost(
    site: Flask, later: Visitor
) -> None:
    assert "This only shows your records." in later.get(PATH).text
    shown = Page(later.submit(with_number(later, number(site))))
    assert "This cannot be undone." in shown.text
    assert "we can no longer help you prove what you chose" in shown.text
    assert records(site)[0].subject is not None
    erased = later.submit(shown.form(PATH), "yes")
    assert "1 record of your choices was erased" in Page(erased).text
    (record,) = records(site)
    assert record.subject is None
    assert count_sessions(site) == 0


def test_in_portuguese_it_works_alike(site: Flask, later: Visitor) -> None:
    answer = later.post("/pt/cookies/records", {"number": number(site)})
    assert "Isto é tudo o que registámos com o número" in Page(answer).text


@pytest.mark.usefixtures("receipt")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"number": "me"}, 400),
        ({"number": ""}, 400),
        ({"number": str(uuid4())}, 404),
        ({"number": str(uuid4()), "erase": "yes"}, 404),
        ({"number": str(uuid4()), "erase": "all"}, 400),
        ({"receipt": b"{}"}, 400),
        ({"receipt": b'{"site:digestedFields": []}'}, 400),
        ({"receipt": b"x" * 200_000}, 413),
    ],
)
def test_what_is_no_number_of_anybody_changes_nothing(
    site: Flask, sent: dict[str, Any], status: int
) -> None:
    if "receipt" in sent:
        sent = {"receipt": (BytesIO(sent["receipt"]), "r.jsonld")}
    answer = Visitor(site).post(PATH, sent)
    assert answer.status_code == status
    assert Page(answer).all("h1")
    assert records(site)[0].subject is not None


@pytest.mark.parametrize(
    ("path", "title"),
    [
        (PATH, "Error: These records have been erased"),
        (f"/pt{PATH}", "Erro: Estes registos foram apagados"),
    ],
)
def test_whose_receipt_is_of_an_erased_record_is_told_that_it_was_erased(
    site: Flask, later: Visitor, receipt: bytes, path: str, title: str
) -> None:
    def answer(content: bytes, **headers: str) -> TestResponse:
        sent = {"number": "", "receipt": (BytesIO(content), "r.jsonld")}
        return later.post(path, sent, **headers)

    assert later.post(PATH, {"number": number(site), "erase": "yes"}).status_code == 200
    assert answer(receipt).status_code == 404
    assert (Page(answer(receipt)).one("title").text or "").startswith(title)
    assert answer(receipt, Accept="application/json").json == {"error": "erased"}
    sent = {"receipt": (BytesIO(receipt), "r.jsonld"), "erase": "yes"}
    assert later.post(path, sent, Accept="application/json").json == {"error": "erased"}
    other = json.loads(receipt)
    other["site:digestedFields"]["id"] = str(uuid4())
    unknown = answer(json.dumps(other).encode(), Accept="application/json")
    assert unknown.json == {"error": "unknown"}


def test_numbers_cannot_be_tried_by_the_thousand(site: Flask) -> None:
    visitor = Visitor(site)
    with time_machine.travel(datetime.now(UTC), tick=False):  # all within one minute
        answers = [visitor.post(PATH, {"number": str(uuid4())}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [404] * 10 + [429]
    assert "Too many numbers" in Page(answers[-1]).text


@pytest.mark.usefixtures("receipt")
def test_another_site_cannot_do_it(site: Flask) -> None:
    sent = {"number": number(site), "erase": "yes"}
    answer = Visitor(site).post(PATH, sent, Sec_Fetch_Site="cross-site")
    assert answer.status_code == 403
    assert records(site)[0].subject is not None


def with_number(visitor: Visitor, value: str) -> Any:  # noqa: ANN401 - an element
    form = visitor.get(PATH).form(PATH)
    for field in form.iter():
        if field.get("name") == "number":
            field.set("value", value)
    for parent in form.iter():
        for field in [child for child in parent if child.get("type") == "file"]:
            parent.remove(field)
    return form


def test_who_erases_another_number_is_told_nothing_untrue_about_this_browser(
    site: Flask, receipt: bytes
) -> None:
    assert receipt
    other = Visitor(site)
    other.choose("accept_all")
    erased = Page(other.post(PATH, {"number": number(site), "erase": "yes"}))
    assert "1 record of your choices was erased" in erased.text
    assert "A choice made in this browser was not changed." in erased.text
    for untrue in ("Everything optional is off", "with its cookie", "as if you were here"):
        assert untrue not in erased.text
    assert len(other.get("/cookies").all("input", checked="")) == 2


@pytest.mark.stores(*ALL_STORES)
def test_who_erases_their_own_number_is_not_recognised_any_more(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    erased = Page(visitor.post(PATH, {"number": number(site), "erase": "yes"}))
    assert "Everything optional is off" in erased.text
    assert erased.all("form", action="/cookies/withdraw") == []
    assert "session" not in visitor.cookies
    assert count_sessions(site) == 0


@pytest.mark.usefixtures("receipt")
def test_what_was_typed_comes_back_with_the_error_and_the_field_names_it(site: Flask) -> None:
    page = Page(Visitor(site).post(PATH, {"number": "0123"}))
    field = page.one("input", id="number")
    assert field.get("value") == "0123"
    assert (field.get("aria-invalid"), field.get("aria-describedby")) == ("true", "problem")
    assert "36 characters" in text_of(page.one("span", id="problem"))
    alert = page.one("div", role="alert")
    assert text_of(page.one("span", id="problem")) in text_of(alert)
    (link,) = alert.iter(f"{HTML}a")
    assert link.get("href") == "#number"
    sent = {"number": "", "receipt": (BytesIO(b"{}"), "r.jsonld")}
    page = Page(Visitor(site).post(PATH, sent))
    assert page.one("input", id="number").get("aria-invalid") is None
    assert page.one("input", id="receipt").get("aria-invalid") == "true"


def test_who_asks_to_see_records_in_an_outage_is_not_told_of_erasing(make_site: MakeSite) -> None:
    site = make_site()
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE consent_records")
    asked = Page(Visitor(site).post(PATH, {"number": str(uuid4())}))
    assert asked.status == 503
    assert "cannot be looked up" in asked.text
    assert "erased" not in asked.text
    erasing = Page(Visitor(site).post(PATH, {"number": str(uuid4()), "erase": "yes"}))
    assert erasing.status == 503
    assert "Nothing was erased" in erasing.text


NAMED = 'name = "InvestPorto"\naddress'
DATA = 'personal_data = ["Preference"'
CHANGES = {  # of the registry -> what page and command say of who had accepted everything
    "nothing": (shipped_with(), "his is the choice that counts now.", "still valid"),
    "one purpose": (
        shipped_with((DATA, f'{DATA}, "Age"')),
        "something has changed since: Personalised content.",
        "still valid",
    ),
    "every purpose": (
        shipped_with((NAMED, NAMED.replace("Porto", "Lisboa"))),
        "This no longer counts, because something has changed since.",
        "counts no longer",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.stores("sqlite", "postgresql")
def test_validity_is_told_alike_by_number_by_browser_and_by_command(
    site: Flask, make_site: MakeSite, change: str
) -> None:
    registry, on_page, by_command = CHANGES[change]
    visitor = Visitor(site)
    visitor.choose("reject")
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    settings = {"SQLALCHEMY_DATABASE_URI": site.config["SQLALCHEMY_DATABASE_URI"]}
    later = make_site(**settings, registry=registry)
    returning = Visitor(later)
    cookie = visitor.client.get_cookie("session")
    assert cookie is not None
    returning.client.set_cookie("session", cookie.value)
    by_browser = returning.get("/cookies/history")
    by_number = Visitor(later).post(PATH, {"number": number(site)})
    by_own_number = returning.post(PATH, {"number": number(site)})
    if change == "nothing":
        own = Page(by_own_number).all("li", class_="state")[0]
        assert "This is the choice that counts now." in text_of(own)
    for page in (by_browser, Page(by_number)):
        newest, older = page.all("li", class_="state")
        assert on_page in text_of(newest)
        # What counts in the one browser is not said of the other.
        assert ("where it was made" in text_of(newest)) is (
            page is not by_browser and by_command == "still valid"
        )
        assert ("Everything optional is off" in text_of(newest)) is (
            page is by_browser and by_command != "still valid"
        )
        assert ("Valid until" in text_of(newest)) is (by_command == "still valid")
        assert "Replaced on" in text_of(older)
        assert "Valid until" not in text_of(older)
    found = " ".join(run(later, "find", number(site)).output.split())
    assert f"({by_command})" in found
    assert found.count("(replaced on ") == 1


def test_by_number_it_is_told_that_a_choice_has_ended(later: Visitor, site: Flask) -> None:
    page = Page(later.post(PATH, {"number": number(site)}))
    assert "This choice has ended." in page.text
    assert "counts now" not in page.text
    assert "Everything optional is off" not in page.text
