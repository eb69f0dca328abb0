"""The receipt: what is in it, in which words, and how every change to it is found."""

import hashlib
import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from browserlike import Page, Visitor
from click.testing import Result
from conftest import MakeSite, leave_out
from evidence import REGISTRY, receipt, records, session_cookie
from flask import Flask
from log import decision, erase, fill, seal
from rdflib import Graph, URIRef

from blueprints.consent.choices import Model, Status
from blueprints.consent.digest import canonical, sha256_of, utc_text
from blueprints.proof.seals import newest_seals
from blueprints.rights import history
from blueprints.rights.profile import ReceiptMetadata
from blueprints.rights.receipt import write_receipt

# The terms of W3C DPV 2.3 that standards for a web consent record name; `Purpose` is the fallback.
DPV = {
    *("ConsentReceipt", "ConsentRecord", "DataSubject", "DataController", "ConsentNotice"),
    *("Process", "ThirdParty", "StorageDuration", "StorageLocation", "WithdrawConsent"),
    *("TemporalDuration", "UntilEventDuration", "RemoteLocation", "ImpliedConsent"),
    *("ExpressedConsent", "PersonalData", "DataSubjectDataSource", "DataSubjectRight"),
    *("Collect", "Use", "Store", "Share", "ProcessingLocation", "Permission", "hasProcessing"),
    *("hasDataSource", "hasProcessingCondition", "hasRule"),
    *("ServiceUsageAnalytics", "ServicePersonalisation", "PersonalisedAdvertising"),
    *("TargetedAdvertising", "Purpose", "DataProcessor"),
    *("ConsentGiven", "RenewedConsentGiven", "ConsentUnknown", "ConsentRequested"),
    *("ConsentRequestDeferred", "ConsentRefused", "ConsentWithdrawn", "ConsentExpired"),
    *("ConsentRevoked", "ConsentInvalidated"),
    *("hasIdentifier", "hasRecordOfActivity", "hasDataSubject", "hasDataController", "hasName"),
    *("hasAddress", "hasContact", "hasNotice", "hasJurisdiction", "hasApplicableLaw"),
    *("hasAuthority", "hasLegalBasis", "hasProcess", "hasPurpose", "hasPersonalData"),
    *("hasRecipient", "hasStorageCondition", "hasDuration", "hasLocation", "hasConsentControl"),
    *("isExercisedAt", "hasRight", "hasConsentStatus", "isIndicatedAtTime", "isIndicatedBy"),
    "hasIndicationMethod",
}
ALLOWED = {
    "https://w3id.org/dpv#": DPV,
    "https://w3id.org/dpv/pd#": {
        *("BrowsingBehaviour", "UID", "IPAddress", "UserAgent", "Preference")
    },
    "https://w3id.org/dpv/loc#": {"PT"},
    "https://w3id.org/dpv/legal/eu/gdpr#": {
        *("A6-1-a", "A7-3", "A15", "A16", "A17", "A18", "A20", "A21", "A77")
    },
    "https://w3id.org/dpv/tech#": {"Device"},
    "https://w3id.org/dpv/legal/eu#": {"law-GDPR"},
    "https://w3id.org/dpv/legal/pt#": {"DPA-PT"},
    "https://w3id.org/dpv/schema/dpv-27560#": {"receipt-eu-gdpr", "record-eu-gdpr"},
}
SITE = "http://localhost/cookies/receipt/about#"

Change = Callable[[Any], object]


def statuses(found: Any) -> dict[str, list[str]]:  # noqa: ANN401 - JSON of any shape
    return {
        record["dpv:hasProcess"][0]["dpv:hasPurpose"].removeprefix("dpv:"): [
            status["type"].removeprefix("dpv:") for status in record["dpv:hasConsentStatus"]
        ]
        for record in found["dpv:hasRecordOfActivity"]
    }


def check(site: Flask, tmp_path: Path, found: object, *more: str) -> Result:
    file = tmp_path / "receipt.jsonld"
    file.write_text(json.dumps(found), encoding="utf-8")
    return site.test_cli_runner().invoke(args=["consent", "check-receipt", str(file), *more])


@pytest.fixture
def chooser(site: Flask, visitor: Visitor) -> Visitor:
    """Somebody with a mixed choice, between two others."""
    Visitor(site).choose("accept_all")
    visitor.choose("accept_selected", ticks=("personalization",))
    Visitor(site).choose("reject")
    return visitor


def test_a_receipt_holds_one_consent_record_per_purpose(site: Flask, chooser: Visitor) -> None:
    answer = chooser.raw_get("/cookies/receipt")
    assert answer.mimetype == "application/ld+json"
    assert answer.headers["Cache-Control"] == "no-store"
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="consent-receipt-{today}.jsonld"'
    )
    found = json.loads(answer.data)
    assert statuses(found) == {
        "PersonalisedAdvertising": ["ConsentRefused"],
        "ServicePersonalisation": ["ConsentGiven"],
    }
    row = records(site)[1]
    assert found["site:digest"] == row.digest.hex()
    assert found["site:digestedFields"]["subject"] == str(row.subject)
    assert {
        record["dpv:hasNotice"]["site:sha256"] for record in found["dpv:hasRecordOfActivity"]
    } == {row.notice}
    status = found["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0]
    assert status["dpv:hasIndicationMethod"] == "banner.accept_selected"
    assert status["dpv:hasDuration"]["rdf:value"] == "P6M"


def test_every_term_is_in_the_vocabulary_and_no_network_is_needed(
    site: Flask, chooser: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(site)
    text = chooser.raw_get("/cookies/receipt").data

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", refuse)
        graph = Graph().parse(data=text, format="json-ld")
    terms = {term for triple in graph for term in triple if isinstance(term, URIRef)}
    used: dict[str, set[str]] = {}
    for term in terms:
        namespace, _hash, name = str(term).rpartition("#")
        if namespace.startswith("https://w3id.org/"):
            used.setdefault(f"{namespace}#", set()).add(name)
    assert set(used) == set(ALLOWED)
    for namespace, names in used.items():
        assert names <= ALLOWED[namespace]
    kinds = {str(kind).rpartition("#")[2] for kind in graph.objects(None, RDF_TYPE)}
    assert {"ConsentReceipt", "ConsentRecord", "ConsentNotice", "InclusionProof"} <= kinds


RDF_TYPE = URIRef("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


@pytest.mark.parametrize("path", ["/cookies/receipt/about", "/pt/cookies/receipt/about"])
def test_our_own_words_are_explained_where_they_point(
    site: Flask, chooser: Visitor, path: str
) -> None:
    seal(site)
    page = chooser.get(path)
    explained = {element.get("id") for element in page.root.iter() if element.get("id")}
    graph = Graph().parse(data=chooser.raw_get("/cookies/receipt").data, format="json-ld")
    ours = {str(t) for triple in graph for t in triple if str(t).startswith(SITE)}
    assert len(ours) > 10
    assert {term.removeprefix(SITE) for term in ours} <= explained


def test_the_addresses_in_a_receipt_answer(chooser: Visitor) -> None:
    record = receipt(chooser)["dpv:hasRecordOfActivity"][0]
    for address in (
        record["dpv:hasConsentControl"]["dpv:isExercisedAt"],
        record["dpv:hasNotice"]["id"],
        receipt(chooser)["site:heads"],
    ):
        assert chooser.raw_get(address.removeprefix("http://localhost")).status_code == 200


def test_a_receipt_in_portuguese_carries_the_portuguese_notice(visitor: Visitor) -> None:
    visitor.choose("reject", path="/pt/")
    found = receipt(visitor)
    assert found["dct:language"] == "pt-PT"
    assert found["site:noticeContent"]["banner"]["heading"] == "Política de Cookies"
    control = found["dpv:hasRecordOfActivity"][0]["dpv:hasConsentControl"]
    assert control["dpv:isExercisedAt"] == "http://localhost/pt/cookies"


def test_given_again_is_renewed_and_withdrawn_is_withdrawn(visitor: Visitor) -> None:
    visitor.choose("accept_all")
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_selected", ("advertising",))
    assert statuses(receipt(visitor)) == {
        "PersonalisedAdvertising": ["RenewedConsentGiven"],
        "ServicePersonalisation": ["ConsentWithdrawn"],
    }
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    assert statuses(receipt(visitor))["ServicePersonalisation"] == ["ConsentGiven"]


def test_what_was_only_assumed_is_never_called_given(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    for _ in range(3):
        visitor.get("/")
    found = receipt(visitor)
    assert set(map(tuple, statuses(found).values())) == {("ConsentUnknown",)}
    assert found["site:isConsent"] is False
    bases = {record["dpv:hasLegalBasis"] for record in found["dpv:hasRecordOfActivity"]}
    assert bases == {"dpv:ImpliedConsent"}
    assert "ConsentGiven" not in json.dumps(found)
    assert check(site, tmp_path, found).output.startswith("Not yet sealed.")


def test_a_consent_that_counts_no_more_is_expired(make_site: MakeSite, tmp_path: Path) -> None:
    visitor = Visitor(make_site())
    visitor.choose("accept_selected", ticks=("advertising",))
    changed = tmp_path / "changed.toml"
    meant = REGISTRY.read_text(encoding="utf-8").replace("gpc = true", "gpc = true\nmeaning = 2")
    changed.write_text(meant, "utf-8")
    later = make_site(CONSENT_REGISTRY=str(changed))
    returning = Visitor(later)
    returning.client.set_cookie("session", session_cookie(visitor))
    found = receipt(returning)
    assert statuses(found) == {
        "PersonalisedAdvertising": ["ConsentGiven", "ConsentExpired"],
        "ServicePersonalisation": ["ConsentRefused"],
    }
    assert found["site:counts"] is False
    assert check(later, tmp_path, found).output.startswith("Not yet sealed.")


def test_a_record_from_before_notices_were_kept_has_a_receipt_without_one(
    site: Flask, tmp_path: Path
) -> None:
    (subject,) = fill(site, [decision()])
    (record,) = records(site)
    now, given = utc_text(datetime.now(UTC)), ("personalization",)
    metadata = ReceiptMetadata(str(uuid4()), now, "http://localhost", counts=True, counting=given)
    with site.app_context():
        found = history.receipt_of(subject, record.id, site.extensions["notices"], metadata, 3)
    assert found is not None
    assert "dpv:hasNotice" not in found["dpv:hasRecordOfActivity"][0]
    assert statuses(found) == {"Purpose": ["ConsentGiven"]}
    assert check(site, tmp_path, found).output.startswith("Not yet sealed.")


def test_somebody_without_a_choice_gets_a_page_that_says_so(site: Flask, visitor: Visitor) -> None:
    for path, words in (("/cookies/receipt", "no receipt yet"), ("/pt/cookies/receipt", "recibo")):
        page = visitor.get(path)
        assert page.status == 404
        assert words in page.text
        assert page.response.headers["Cache-Control"] == "no-store"
    assert records(site) == []


def test_not_yet_sealed_then_valid_then_altered(
    site: Flask, chooser: Visitor, tmp_path: Path
) -> None:
    early = receipt(chooser)
    answer = check(site, tmp_path, early)
    assert (answer.exit_code, answer.output.partition(".")[0]) == (0, "Not yet sealed")
    assert "before its record was sealed: check it again later." in answer.output
    seal(site)
    answer = check(site, tmp_path, early)
    assert (answer.exit_code, answer.output.partition(".")[0]) == (0, "Valid"), "of before the seal"
    found = receipt(chooser)
    answer = check(site, tmp_path, found)
    assert (answer.exit_code, answer.output.partition(".")[0]) == (0, "Valid")
    found["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0]["type"] = "dpv:ConsentGiven"
    answer = check(site, tmp_path, found)
    assert (answer.exit_code, answer.output.partition(".")[0]) == (1, "Altered")


def test_it_is_valid_whichever_seal_its_record_is_in(site: Flask, tmp_path: Path) -> None:
    found = []
    for _ in range(3):
        visitor = Visitor(site)
        visitor.choose("reject")
        seal(site)
        found.append(receipt(visitor))
    for number, each in enumerate(found, start=1):
        answer = check(site, tmp_path, each)
        assert answer.output.startswith(f"Valid. Its record is in seal {number} of "), answer.output


def test_it_stays_valid_when_its_record_is_erased(
    site: Flask, chooser: Visitor, tmp_path: Path
) -> None:
    early = receipt(chooser)
    assert "erased" not in check(site, tmp_path, early).output
    seal(site)
    found = receipt(chooser)
    assert "erased" not in check(site, tmp_path, found).output
    erase(site, UUID(found["site:digestedFields"]["subject"]))
    assert chooser.raw_get("/cookies/receipt").status_code == 404
    for of_now in (found, early):  # The second was sealed meanwhile.
        answer = check(site, tmp_path, of_now)
        assert answer.exit_code == 0
        valid, numbers, proven, erased = answer.output.splitlines()
        assert proven.endswith("what stands beside them in the file is told by the file alone.")
        assert valid.startswith("Valid.")
        assert numbers.startswith("Record ")
        assert erased == "It is erased by now: of the record itself the log holds only the digest."


def test_it_is_checked_against_kept_heads_without_the_database(
    site: Flask, chooser: Visitor, make_site: MakeSite, tmp_path: Path
) -> None:
    seal(site)
    found, kept = receipt(chooser), tmp_path / "seals.json"
    with site.app_context():
        (head,) = newest_seals(1)
    kept.write_text(json.dumps({"seals": [head.as_json]}), encoding="utf-8")
    nowhere = make_site(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/unreadable.db")
    (tmp_path / "unreadable.db").write_text("this is no database", encoding="utf-8")
    assert check(nowhere, tmp_path, found, "--seals", str(kept)).output.startswith("Valid.")
    kept.write_text(json.dumps({"seals": [{"number": 1, "head": "0" * 64}]}), encoding="utf-8")
    answer = check(nowhere, tmp_path, found, "--seals", str(kept))
    assert (answer.exit_code, answer.output.partition(".")[0]) == (1, "Unknown")
    kept.write_text("no", encoding="utf-8")
    assert check(nowhere, tmp_path, found, "--seals", str(kept)).exit_code == 2


@pytest.mark.parametrize("sealed", [False, True])
def test_a_receipt_of_another_site_is_unknown(
    site: Flask, make_site: MakeSite, tmp_path: Path, *, sealed: bool
) -> None:
    other = make_site(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/other.db")
    visitor = Visitor(other)
    visitor.choose("accept_all")
    Visitor(site).choose("accept_all")
    if sealed:
        seal(other)
        seal(site)
    answer = check(site, tmp_path, receipt(visitor))
    assert (answer.exit_code, answer.output.partition(".")[0]) == (1, "Unknown")


def resummed(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Compute the checksum again, as a forger would."""
    found.pop("site:checksum")
    return found | {"site:checksum": sha256_of(found).hex()}


def forged_status(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0]["type"] = "dpv:ConsentGiven"
    return resummed(found)


def forged_fields(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["site:digestedFields"]["statuses"]["advertising"] = "given"
    return resummed(found)


def forged_digest(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["site:digestedFields"]["statuses"]["advertising"] = "given"
    found["site:digest"] = sha256_of(found["site:digestedFields"]).hex()
    return resummed(forged_status(found))


def forged_notice(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["site:noticeContent"]["banner"]["heading"] = "Nothing to see here"
    return resummed(found)


def forged_controller(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["dpv:hasRecordOfActivity"][0]["dpv:hasDataController"]["dpv:hasName"] = "Somebody"
    return resummed(found)


def forged_seal(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["site:inclusionProof"]["site:seal"]["sealed_at"] = "2020-01-01T00:00:00.000000Z"
    return resummed(found)


def forged_path(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["site:inclusionProof"]["site:path"].reverse()
    return resummed(found)


def forged_place(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    found["site:inclusionProof"]["site:leafIndex"] = 0
    return resummed(found)


def said_more(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    return resummed(found | {"dpv:hasRisk": "none"})


def said_true_as_1(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    return resummed(found | {"site:counts": 1})


def renewed_what_was_refused(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    return resummed(found | {"site:renewed": ["advertising"]})


def lost_its_notice(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    del found["site:noticeContent"]
    return resummed(found)


def lost_its_shape(found: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    return found | {"site:digestedFields": ["id"], "@context": None}


@pytest.mark.parametrize(
    "forge",
    [
        *(forged_status, forged_fields, forged_digest, forged_notice, forged_controller),
        *(forged_seal, forged_path, forged_place, said_more, said_true_as_1),
        *(renewed_what_was_refused, lost_its_notice, lost_its_shape),
    ],
)
def test_a_forger_who_mends_the_checksum_is_found_out(
    make_site: MakeSite, tmp_path: Path, forge: Callable[[Any], Any]
) -> None:
    site = make_site()
    visitor = Visitor(site)
    for _ in range(4):
        Visitor(site).choose("accept_all")
    visitor.choose("reject")
    for _ in range(2):
        Visitor(site).choose("accept_all")
    seal(site)
    found = receipt(visitor)
    assert check(site, tmp_path, found).exit_code == 0
    answer = check(site, tmp_path, forge(deepcopy(found)))
    assert (answer.exit_code, answer.output.partition(".")[0]) == (1, "Altered")


@pytest.mark.parametrize(
    "told",
    [
        {"renewed": ("advertising",)},
        {"counting": ("advertising", "personalization")},
        {"assumed": ("personalization",)},
        {"assumed": ("advertising",)},
        {"kept_for": "for ever"},
        {"version": 4},
    ],
    ids=str,
)
def test_a_forger_who_has_the_code_of_this_site_is_found_out(
    site: Flask, chooser: Visitor, tmp_path: Path, told: dict[str, Any]
) -> None:
    found = receipt(chooser)  # personalisation given, advertising refused
    metadata = ReceiptMetadata(
        id=found["dct:identifier"],
        created_at=found["dct:created"],
        origin="http://localhost",
        counts=True,
        counting=("personalization",),
        kept_for=found["site:keptFor"],
    )
    fields, notice = found["site:digestedFields"], found["site:noticeContent"]
    assert write_receipt(fields, notice, metadata) == found
    forged = write_receipt(fields, notice, replace(metadata, **told))
    assert check(site, tmp_path, forged).output.startswith("Altered.")


@pytest.mark.slow
def test_a_change_of_any_one_character_is_noticed(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    Visitor(site).choose("reject")
    seal(site)
    text = json.dumps(receipt(visitor))
    file = tmp_path / "receipt.jsonld"
    run = site.test_cli_runner()
    for position in range(0, len(text), 31):
        was = text[position]
        other = "1" if was.isdecimal() and was != "1" else "2" if was.isdecimal() else "x"
        if was in ' "' or was == other:
            continue
        file.write_text(text[:position] + other + text[position + 1 :], encoding="utf-8")
        answer = run.invoke(args=["consent", "check-receipt", str(file)])
        assert answer.exit_code in {1, 2}, text[position - 40 : position + 40]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not JSON"),
        ("no JSON", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "no consent receipt"),
        ('{"@context": {}}', "no consent receipt"),
        ('{"site:digest": "a", "site:digest": "b"}', "a key twice"),
        ("\x00\xff", "is not JSON"),
        (" " * (10 * 1024 * 1024), "larger than any receipt"),
    ],
)
def test_what_is_no_receipt_is_said_in_one_sentence(
    make_site: MakeSite, tmp_path: Path, content: str, says: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content.encode("latin-1"))
    answer = make_site().test_cli_runner().invoke(args=["consent", "check-receipt", str(file)])
    assert answer.exit_code == 2
    assert says in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_file_that_is_not_there_is_said_in_one_sentence(
    make_site: MakeSite, tmp_path: Path
) -> None:
    for file in (tmp_path / "none", tmp_path):
        answer = make_site().test_cli_runner().invoke(args=["consent", "check-receipt", str(file)])
        assert answer.exit_code == 2
        assert answer.stderr.startswith(f"Error: {file} cannot be read: ")
        assert answer.stderr.count("\n") == 1


def test_the_commands_of_the_page_check_a_receipt(site: Flask, tmp_path: Path) -> None:
    jq = shutil.which("jq") or leave_out("jq")
    visitor = Visitor(site)
    visitor.choose("accept_all", path="/pt/")
    seal(site)
    (tmp_path / "receipt.jsonld").write_bytes(visitor.raw_get("/cookies/receipt").data)
    found = receipt(visitor)
    printed = []
    for command in visitor.get("/pt/cookies/receipt/about").all("pre"):
        words = "".join(command.itertext()).split("'")
        out = subprocess.run(  # noqa: S603 - the filter stands on our own page
            [jq, "-jcS", words[1], "receipt.jsonld"], cwd=tmp_path, capture_output=True, check=True
        ).stdout
        printed.append(hashlib.sha256(out).hexdigest())
    fields = found["site:digestedFields"]
    assert printed == [
        found["site:digest"],
        fields["notice"],
        found["site:inclusionProof"]["site:seal"]["head"],
    ]
    assert hashlib.sha256(canonical(fields)).hexdigest() == printed[0]


def test_half_a_year_is_six_months_whatever_the_calendar(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    with time_machine.travel(datetime(2026, 8, 31, 12, tzinfo=UTC), tick=False) as clock:
        visitor.choose("accept_all")
        clock.shift(timedelta(days=1))
        found = receipt(visitor)
    (status,) = found["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"]
    assert status["dpv:hasDuration"]["rdf:value"] == "P6M"


def test_the_page_about_receipts_is_linked_from_settings_once_there_is_a_choice(
    make_site: MakeSite,
) -> None:
    visitor = Visitor(make_site())
    links = [link.get("href") for link in visitor.get("/cookies").all("a")]
    assert "/cookies/receipt" not in links
    visitor.choose("reject")
    page: Page = visitor.get("/cookies")
    links = [link.get("href") for link in page.all("a")]
    assert {"/cookies/receipt", "/cookies/history", "/cookies/receipt/about"} <= set(links)


WRONG: list[Any] = [[1], {"a": 1}, True, "1", None, 0, -1, 2**40, 2**53 - 1, 1.5]


@pytest.mark.parametrize("key", ["number", "size", "head", "sealed_at"])
def test_a_seal_of_other_kinds_is_altered_and_never_the_databases_fault(
    make_site: MakeSite, tmp_path: Path, key: str
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    seal(site)
    kept = tmp_path / "seals.json"
    kept.write_bytes(visitor.raw_get("/consent/seals.json").data)
    whole = receipt(visitor)
    for wrong in WRONG:
        proof = deepcopy(whole["site:inclusionProof"])
        proof["site:seal"][key] = wrong
        proof["site:treeSize"] = proof["site:seal"]["size"]
        if key != "head":
            head = proof["site:seal"].pop("head")
            assert head != sha256_of(proof["site:seal"]).hex()
            proof["site:seal"]["head"] = sha256_of(proof["site:seal"]).hex()
        forged = resummed(whole | {"site:inclusionProof": proof})
        for seals in ((), ("--seals", str(kept))):
            answer = check(site, tmp_path, forged, *seals)
            assert (answer.exit_code, answer.output.partition(".")[0]) == (1, "Altered"), wrong


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", [1], 1])
def test_a_receipt_of_a_time_that_cannot_be_is_altered(
    make_site: MakeSite, tmp_path: Path, time: object
) -> None:
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("reject")
    answer = check(site, tmp_path, resummed(receipt(visitor) | {"dct:created": time}))
    assert (answer.exit_code, answer.output.partition(".")[0]) == (1, "Altered")


@pytest.mark.parametrize(
    ("path", "assumed", "always"),
    [
        (
            "/cookies/receipt/about",
            ("it says what this site assumed", "or this site has assumed that you accept"),
            ("where isConsent is false, only assumed", "where they name none"),
        ),
        (
            "/pt/cookies/receipt/about",
            ("diz o que este sítio presumiu", "ou que este sítio presuma que aceita"),
            ("se isConsent for falso, apenas presumidas", "se não indicarem nenhum"),
        ),
    ],
)
def test_the_page_is_true_of_a_receipt_of_what_was_assumed_and_of_one_without_a_notice(
    make_site: MakeSite, path: str, assumed: tuple[str, ...], always: tuple[str, ...]
) -> None:
    for model in ("opt_in", "implied"):
        text = Visitor(make_site(CONSENT_MODEL=model)).get(path).text
        assert all(words in text for words in always)
        assert all((words in text) is (model == "implied") for words in assumed)


@pytest.mark.parametrize("way", ["withdraw", "reject", "accept_selected"])
def test_who_objects_to_what_was_only_assumed_is_not_said_to_withdraw_a_consent(
    make_site: MakeSite, tmp_path: Path, way: str
) -> None:
    site = make_site(CONSENT_MODEL="implied")
    visitor = Visitor(site)
    for _ in range(2):
        visitor.get("/")
    if way == "withdraw":
        visitor.post("/cookies/withdraw", {})
    else:
        visitor.submit(visitor.get("/cookies").form("/cookies"), way, ("advertising",))
    found = receipt(visitor)
    assert set(found["site:digestedFields"]["statuses"].values()) <= {"given", "withdrawn"}
    given = {"PersonalisedAdvertising"} if way == "accept_selected" else set()
    taken_back = [
        record
        for record in found["dpv:hasRecordOfActivity"]
        if record["dpv:hasProcess"][0]["dpv:hasPurpose"].removeprefix("dpv:") not in given
    ]
    assert len(taken_back) == 2 - len(given)
    for record in taken_back:
        (status,) = record["dpv:hasConsentStatus"]
        assert status["type"] == "dpv:ConsentRefused"
        assert status["dpv:isIndicatedBy"] == "dpv:DataSubject"
        assert record["dpv:hasLegalBasis"] == "dpv:ImpliedConsent"
        assert rights_in(record) >= {"A21"}
    assert "ConsentWithdrawn" not in json.dumps(found)
    assert ("ConsentGiven" in json.dumps(found)) is bool(given)
    objected = ["advertising", "personalization"][len(given) :]
    assert found["site:onlyAssumed"] == objected
    assert found["site:isConsent"] is bool(given)
    assert check(site, tmp_path, found).output.startswith("Not yet sealed.")
    for spoilt in ([], ["advertising", "personalization", "x"]):
        forged = resummed(found | {"site:onlyAssumed": spoilt})
        assert check(site, tmp_path, forged).output.startswith("Altered.")
    visitor.post("/cookies/withdraw", {})  # once more, of what is off already
    assert ("ConsentWithdrawn" in json.dumps(receipt(visitor))) is bool(given)


def rights_in(record: Any) -> set[str]:  # noqa: ANN401 - JSON of any shape
    return {right["type"][1].removeprefix("eu-gdpr:") for right in record["dpv:hasRight"]}


@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_who_had_given_it_withdraws_under_either_model(make_site: MakeSite, model: str) -> None:
    visitor = Visitor(make_site(CONSENT_MODEL=model))
    for _ in range(2):
        visitor.get("/")
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    assert set(map(tuple, statuses(receipt(visitor)).values())) == {("ConsentGiven",)}
    assert all("A21" not in rights_in(item) for item in receipt(visitor)["dpv:hasRecordOfActivity"])
    visitor.post("/cookies/withdraw", {})
    found = receipt(visitor)
    assert set(map(tuple, statuses(found).values())) == {("ConsentWithdrawn",)}
    assert found["site:onlyAssumed"] == []
    assert found["site:isConsent"] is True
    bases = {record["dpv:hasLegalBasis"] for record in found["dpv:hasRecordOfActivity"]}
    assert bases == {"eu-gdpr:A6-1-a"}


@pytest.mark.parametrize(("model", "assumed"), [("opt_in", ()), ("implied", ("personalization",))])
def test_of_whom_no_acceptance_is_kept_any_more_none_is_claimed_where_it_may_have_been_assumed(
    make_site: MakeSite, model: str, assumed: tuple[str, ...]
) -> None:
    site = make_site()
    statuses = {"personalization": Status.WITHDRAWN}
    (subject,) = fill(site, [decision(model=Model(model), statuses=statuses)])
    (record,) = records(site)
    now = utc_text(datetime.now(UTC))
    metadata = ReceiptMetadata(str(uuid4()), now, "http://localhost", counts=True)
    with site.app_context():
        found = history.receipt_of(subject, record.id, site.extensions["notices"], metadata, 3)
    assert found is not None
    assert found["site:onlyAssumed"] == list(assumed)
    assert ("ConsentWithdrawn" in json.dumps(found)) is not bool(assumed)


def test_who_refuses_may_object_to_the_record(visitor: Visitor) -> None:
    visitor.choose("accept_selected", ticks=("advertising",))
    may = {
        record["dpv:hasProcess"][0]["dpv:hasPurpose"]: "A21" in rights_in(record)
        for record in receipt(visitor)["dpv:hasRecordOfActivity"]
    }
    assert may == {"dpv:PersonalisedAdvertising": False, "dpv:ServicePersonalisation": True}
