"""The rows of ISO/IEC TS 27560 and of DPV's profile for the GDPR, in every kind of receipt."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from browserlike import Visitor
from conftest import MakeSite
from evidence import receipt, session_cookie
from flask import Flask
from pyshacl import validate
from rdflib import Graph
from registries import FILLED_IN, FILM, shipped_with

HERE = Path(__file__).parent
SHAPES = Graph().parse(HERE / "profile.ttl")
OF_VERSION_1 = HERE / "receipt_of_version_1.jsonld"
GIVEN_OUT = sorted(HERE.glob("receipt_of_*.jsonld"))
PARTNER = (
    FILM.replace('"personalization"', '"advertising"')
    + """
[[services.cookies]]
name = "film"
storage = "cookie"
party = "third"
lifetime = "session"
purpose = { en = "Plays the film", pt = "Mostra o filme" }
"""
)


def faults(found: object) -> str:
    graph = Graph().parse(data=json.dumps(found), format="json-ld")
    conforms, _graph, text = validate(graph, shacl_graph=SHAPES)
    return "" if conforms else str(text)


def of_purpose(found: Any, purpose: str) -> Any:  # noqa: ANN401 - JSON of any shape
    (record,) = (
        record
        for record in found["dpv:hasRecordOfActivity"]
        if record["dpv:hasProcess"][0]["dpv:hasPurpose"] == f"dpv:{purpose}"
    )
    return record


@pytest.mark.parametrize("way", ["/", "/pt/"])
@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_every_kind_of_receipt_has_every_row(make_site: MakeSite, model: str, way: str) -> None:
    site = make_site(CONSENT_MODEL=model)
    for choice in ("accept_all", "accept_selected"):
        visitor = Visitor(site)
        visitor.choose(choice, path=way)
        assert faults(receipt(visitor)) == ""
        settings = f"{way}cookies"
        for again in ("reject", "accept_all"):
            visitor.submit(visitor.get(settings).form(settings), again)
            assert faults(receipt(visitor)) == "", again
    if model == "implied":
        going_on = Visitor(site)
        for _ in range(2):
            going_on.get(way)
        assert faults(receipt(going_on)) == ""


@pytest.mark.usefixtures("whole_minute")
def test_what_was_accepted_in_vain_is_neither_given_nor_refused_in_a_receipt(
    make_site: MakeSite,
) -> None:
    visitor = Visitor(make_site())
    visitor.choose("accept_selected", ticks=("advertising",))
    for _ in range(30):
        Visitor(visitor.site).post("/cookies", {"choice": "accept_all"})
    sent = {"choice": "accept_selected", "purposes": "personalization"}
    notice = visitor.get("/cookies").one("input", name="notice").get("value")
    assert visitor.post("/cookies", {**sent, "notice": notice}).status_code == 429
    found = receipt(visitor)
    assert faults(found) == ""
    (status,) = of_purpose(found, "ServicePersonalisation")["dpv:hasConsentStatus"]
    assert status["type"] == "dpv:ConsentUnknown"
    assert status["dpv:isIndicatedBy"] == "dpv:DataController"


def test_where_no_notice_was_shown_no_profile_is_claimed(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    visitor.choose("accept_all")
    visitor.post("/cookies/withdraw", {})
    found = receipt(visitor)
    assert "profile" not in json.dumps(found)
    assert "dct:conformsTo" not in found
    assert "dct:conformsTo" not in found["dpv:hasRecordOfActivity"][0]
    assert "hasNotice" in faults(found)


@pytest.mark.parametrize("choice", ["withdraw", "reject"])
def test_where_no_notice_was_shown_nobody_is_called_the_only_recipient(
    make_site: MakeSite, tmp_path: Path, choice: str
) -> None:
    visitor = Visitor(make_site(registry=shipped_with(*FILLED_IN, more=PARTNER)))
    visitor.choose("accept_all")
    if choice == "withdraw":
        visitor.post("/cookies/withdraw", {})
    else:
        visitor.post("/cookies", {"choice": choice})
    found = receipt(visitor)
    assert found["site:noticeContent"].keys() == {"controller"}
    for record in found["dpv:hasRecordOfActivity"]:
        (process,) = record["dpv:hasProcess"]
        kept, there = process["dpv:hasStorageCondition"]
        assert kept == {"type": "dpv:StorageDuration", "dpv:hasDuration": "P3Y6M"}
        assert there == {"type": "dpv:StorageLocation", "dpv:hasLocation": "dpv:RemoteLocation"}
        assert process.keys() == {
            *("type", "dct:title", "dpv:hasPurpose"),
            *("dpv:hasDataController", "dpv:hasStorageCondition"),
        }
    assert "Hosting Lda" in json.dumps(found["site:noticeContent"])
    file = tmp_path / "receipt.jsonld"
    file.write_text(json.dumps(found), encoding="utf-8")
    assert checked_by(visitor.site, file).startswith("Not yet sealed.")


def rows(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Give the way to each property of a record that a profile asks for."""
    if isinstance(node, dict):
        for key in node:
            if key.startswith(("dpv:", "dct:", "schema:")):
                yield (*way, key)
            yield from rows(node[key], (*way, key))
    elif isinstance(node, list):
        for index, part in enumerate(node):
            yield from rows(part, (*way, index))


# What the record has beyond the compulsory rows, or says in more than one place.
BEYOND = {
    *("dct:title", "dpv:hasApplicableLaw", "dpv:hasAuthority", "dpv:hasIndicationMethod"),
    *("dpv:hasAddress", "dpv:hasContact", "schema:email", "schema:streetAddress"),
    *("dpv:hasDuration", "dpv:hasLocation"),
}
NAMED_BY_THEIR_IRI = {("dpv:hasDataSubject", "dct:identifier"), ("dpv:hasNotice", "dct:identifier")}


def test_the_shapes_see_each_row_that_is_gone(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    visitor.choose("accept_all")
    found = receipt(visitor)
    record = found["dpv:hasRecordOfActivity"][0]
    for way in list(rows(record)):
        if way[-1] in BEYOND or way in NAMED_BY_THEIR_IRI:
            continue
        changed = deepcopy(found)
        del changed["dpv:hasRecordOfActivity"][1:]  # They share nodes with this one.
        part = changed["dpv:hasRecordOfActivity"][0]
        for step in way[:-1]:
            part = part[step]
        del part[way[-1]]
        assert faults(changed), way


def test_a_receipt_says_who_receives_what_where_and_for_how_long(make_site: MakeSite) -> None:
    number = ('contact = "privacy', 'tax_number = "501234567"\ncontact = "privacy')
    visitor = Visitor(
        make_site(registry=shipped_with(number, more=PARTNER), CONSENT_RETENTION_YEARS=4)
    )
    visitor.choose("accept_selected", ticks=("personalization",))
    found = receipt(visitor)
    advertising = of_purpose(found, "PersonalisedAdvertising")
    (process,) = advertising["dpv:hasProcess"]
    assert process["dpv:hasRecipient"] == [{"type": "dpv:ThirdParty", "dpv:hasName": "Films Ltd"}]
    assert process["dpv:hasPersonalData"] == ["pd:BrowsingBehaviour"]
    assert set(process["dpv:hasProcessing"]) == {
        *("dpv:Collect", "dpv:Use", "dpv:Store", "dpv:Share")
    }
    assert process["dpv:hasRule"]["dpv:hasLocation"] == ["loc:IE", "loc:PT"]
    durations = [part.get("dpv:hasDuration") for part in process["dpv:hasStorageCondition"]]
    until_closed = {"type": "dpv:UntilEventDuration", "rdf:value": "the browser is closed"}
    assert [part for part in durations if part] == ["P4Y6M", "P90D", until_closed]
    places = [part.get("dpv:hasLocation") for part in process["dpv:hasStorageCondition"]]
    assert [part for part in places if part] == ["dpv:RemoteLocation", "tech:Device"]
    content = of_purpose(found, "ServicePersonalisation")
    controller = content["dpv:hasDataController"]
    assert controller["dct:identifier"] == "501234567"
    (recipient,) = content["dpv:hasProcess"][0]["dpv:hasRecipient"]
    assert recipient["id"] == controller["id"] == "http://localhost/privacy#controller"
    assert "dpv:Share" not in content["dpv:hasProcess"][0]["dpv:hasProcessing"]
    for right in content["dpv:hasRight"]:
        path = right["dpv:isExercisedAt"].removeprefix("http://localhost")
        assert visitor.raw_get(path).status_code == 200
    assert visitor.get("/privacy").one("h2", id="controller") is not None


def test_who_works_for_the_controller_is_a_recipient_where_they_are(
    make_site: MakeSite, tmp_path: Path
) -> None:
    abroad = ('country = "DE"', 'country = "US"')
    visitor = Visitor(make_site(registry=shipped_with(*FILLED_IN, abroad, more=PARTNER)))
    visitor.choose("accept_all")
    found = receipt(visitor)
    assert faults(found) == ""
    hosting = {"type": "dpv:DataProcessor", "dpv:hasName": "Hosting Lda"}
    film = {"type": "dpv:ThirdParty", "dpv:hasName": "Films Ltd"}
    for purpose, recipients, places in (
        ("PersonalisedAdvertising", [film, hosting], ["loc:IE", "loc:PT", "loc:US"]),
        ("ServicePersonalisation", [hosting], ["loc:PT", "loc:US"]),
    ):
        (process,) = of_purpose(found, purpose)["dpv:hasProcess"]
        assert process["dpv:hasRecipient"] == recipients
        for condition in ("dpv:hasProcessingCondition", "dpv:hasRule"):
            assert process[condition]["dpv:hasLocation"] == places
    receipt_file = tmp_path / "receipt.jsonld"
    receipt_file.write_text(json.dumps(found), encoding="utf-8")
    check = ["consent", "check-receipt", str(receipt_file)]
    assert visitor.site.test_cli_runner().invoke(args=check).output.startswith("Not yet sealed.")


def test_a_refusal_is_kept_only_while_it_is_valid_and_says_so(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    with time_machine.travel(datetime(2026, 1, 15, tzinfo=UTC), tick=False) as clock:
        visitor.choose("reject")
        assert receipt(visitor)["site:keptFor"] == "P6M"
        for month, choice in ((3, "accept_all"), (5, "reject"), (7, "reject")):
            clock.move_to(datetime(2026, month, 15, tzinfo=UTC))
            visitor.submit(visitor.get("/cookies").form("/cookies"), choice)
        assert receipt(visitor)["site:keptFor"] == "P3Y6M", "an acceptance was before it"


def test_asked_again_about_one_purpose_the_other_still_counts(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    visitor.choose("accept_all")
    returning = Visitor(make_site(registry=shipped_with(("gpc = true", "gpc = true\nmeaning = 2"))))
    returning.client.set_cookie("session", session_cookie(visitor))
    found = receipt(returning)
    kinds = {
        purpose: [status["type"] for status in of_purpose(found, purpose)["dpv:hasConsentStatus"]]
        for purpose in ("PersonalisedAdvertising", "ServicePersonalisation")
    }
    assert kinds == {
        "PersonalisedAdvertising": ["dpv:ConsentGiven", "dpv:ConsentExpired"],
        "ServicePersonalisation": ["dpv:ConsentGiven"],
    }


def checked(make_site: MakeSite, file: Path) -> str:
    return checked_by(make_site(), file)


def checked_by(site: Flask, file: Path) -> str:
    return site.test_cli_runner().invoke(args=["consent", "check-receipt", str(file)]).output


@pytest.mark.parametrize("file", GIVEN_OUT, ids=[file.stem for file in GIVEN_OUT])
def test_a_receipt_that_was_given_out_says_the_same_when_it_is_written_again(
    make_site: MakeSite, file: Path
) -> None:
    """The checker writes it again by the code of today, which so can leave out or change nothing.

    One was given again, with the signal, and has grown since: others receive, and it is sealed.
    """
    assert len(GIVEN_OUT) > 2
    assert checked(make_site, file).startswith("Unknown. It is whole, but ")


def test_a_receipt_of_before_says_of_itself_that_it_is_none_of_now(
    make_site: MakeSite, tmp_path: Path
) -> None:
    before = json.loads(OF_VERSION_1.read_bytes())
    for change in (
        {"site:version": 2},
        {"site:version": 3},
        {"site:version": 4},
        {"site:keptFor": "P9Y"},
    ):
        file = tmp_path / "receipt.jsonld"
        file.write_text(json.dumps(before | change), encoding="utf-8")
        assert checked(make_site, file).startswith("Altered."), change


@pytest.mark.parametrize(
    ("service", "is_one"),
    [
        ('country = "PT"\n', False),
        ('country = "US"\nsafeguard = { en = "Clauses", pt = "Cláusulas" }\n', True),
        ('country = "PT"\nprivacy = "https://agency.test/privacy"\n', True),
        (
            'country = "PT"\nhosts = { img = ["https://agency.test"] }\nprivacy = "https://a.test"\n',
            True,
        ),
        ('country = "PT"\nITEM', True),
    ],
)
def test_who_is_a_recipient_to_the_privacy_page_is_one_in_the_receipt(
    make_site: MakeSite, service: str, *, is_one: bool
) -> None:
    item = PARTNER[PARTNER.index("\n[[services.cookies]]") :]
    agency = (
        '\n[[services]]\nid = "agency"\npurpose = "advertising"\nname = "Ads"\nvendor = "Agency"\n'
    )
    own = shipped_with(more=agency + service.replace("ITEM", item))
    visitor = Visitor(make_site(registry=own))
    visitor.choose("accept_all")
    found = receipt(visitor)
    assert faults(found) == ""
    (process,) = of_purpose(found, "PersonalisedAdvertising")["dpv:hasProcess"]
    told = [recipient.get("dpv:hasName") for recipient in process["dpv:hasRecipient"]]
    assert told == (["Agency"] if is_one else [None])
    assert ("dpv:Share" in process["dpv:hasProcessing"]) is is_one
    assert ("Agency (" in visitor.get("/privacy").text) is is_one
