"""The operator's commands about one visitor, by whatever that visitor has in hand."""

import json
import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from browserlike import Visitor
from evidence import records
from flask import Flask
from log import decision, fill, run, seal

from blueprints.consent import services
from blueprints.consent.models import ConsentRecord
from blueprints.database import write

pytestmark = pytest.mark.stores("sqlite")

COMMANDS = ("find", "check-receipt", "erase")


def hands(site: Flask, visitor: Visitor, tmp_path: Path) -> dict[str, str]:
    """What somebody can name themselves by."""
    file = tmp_path / "receipt.jsonld"
    file.write_bytes(visitor.raw_get("/cookies/receipt").data)
    record = records(site)[-1]
    return {"file": str(file), "record": str(record.id), "subject": str(record.subject)}


@pytest.mark.parametrize("by", ["file", "record", "subject"])
def test_each_command_takes_whatever_the_visitor_has(site: Flask, tmp_path: Path, by: str) -> None:
    Visitor(site).choose("accept_all")
    visitor = Visitor(site)
    visitor.choose("accept_all")
    given = hands(site, visitor, tmp_path)
    seal(site)
    for command in COMMANDS:
        answer = run(site, command, given[by])
        assert answer.exit_code == 0, (command, answer.output)
        assert given["subject"] in answer.output, command
    left = [record.subject is None for record in records(site)]
    assert left == [False, True], "erased, and nobody else's"


@pytest.mark.parametrize("hyphen", [" ", "", " - ", "\u2010", "\u2011", "\u2013", "\u00ad", "-\n"])
def test_each_command_takes_a_number_however_it_was_copied(site: Flask, hyphen: str) -> None:
    Visitor(site).choose("accept_all")
    (record,) = records(site)
    for number in (record.id, record.subject):
        copied = f"{str(number).upper().replace('-', hyphen)}."
        divided = copied.split()  # as a shell has it
        for given in ([copied], divided, [f"urn:uuid:{number}"]):
            for command in COMMANDS[:2]:
                answer = run(site, command, *given)
                assert answer.exit_code == 0, answer.output
                assert str(record.id) in answer.output
    assert run(site, "erase", *divided).output == f"Erased 1 record of {record.subject}.\n"


def test_two_numbers_are_none(site: Flask) -> None:
    for command in COMMANDS:
        answer = run(site, command, str(uuid4()), str(uuid4()))
        assert answer.exit_code == 2
        assert answer.stderr.count("\n") == 1


def test_what_is_checked_by_number_is_the_record_itself(site: Flask, tmp_path: Path) -> None:
    visitor = Visitor(site)
    visitor.choose("reject")
    given = hands(site, visitor, tmp_path)
    early = run(site, "check-receipt", given["record"])
    assert early.output.startswith("Not yet sealed. The record fits its digest.")
    seal(site)
    found = run(site, "check-receipt", given["subject"])
    assert re.match(r"Valid\. The record is in seal 1 of .*, head [0-9a-f]{64}\.\n", found.output)
    assert found.output.endswith(f"Record {given['record']} of visitor {given['subject']}.\n")
    run(site, "erase", given["record"])
    erased = run(site, "check-receipt", given["record"])
    assert erased.output.endswith(f"Record {given['record']} of visitor erased.\n")
    of_the_file = run(site, "check-receipt", given["file"])
    assert of_the_file.output.startswith("Valid. ")
    assert f"Record {given['record']} of visitor {given['subject']}." in of_the_file.output


@pytest.mark.parametrize("by", ["file", "record"])
def test_after_an_erasure_what_is_left_is_said(site: Flask, tmp_path: Path, by: str) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    given = hands(site, visitor, tmp_path)
    fill(site, [decision(subject=str(UUID(int=number))) for number in (1, 2**128 - 1)])
    assert run(site, "erase", given["subject"]).exit_code == 0
    found = run(site, "find", given[by])
    assert found.exit_code == 0, found.output
    assert f"RECORD {given['record']}\n  Erased " in found.output
    assert given["subject"] not in found.output
    again = run(site, "erase", given[by])
    assert (again.exit_code, again.output) == (0, f"Record {given['record']} is erased already.\n")


def test_a_receipt_of_a_record_that_is_erased_leads_to_the_others_of_its_visitor(
    site: Flask, tmp_path: Path
) -> None:
    visitor = Visitor(site)
    visitor.choose("reject")
    given = hands(site, visitor, tmp_path)
    visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    with site.app_context():
        first = ConsentRecord.id == UUID(given["record"])
        write(lambda connection: services.erase(connection, first))
    later = str(records(site)[-1].id)
    assert f"RECORD {later}" in run(site, "find", given["file"]).output
    assert run(site, "erase", given["file"]).output == f"Erased 1 record of {given['subject']}.\n"


def test_a_forged_receipt_leads_to_nobody_else(site: Flask, tmp_path: Path) -> None:
    Visitor(site).choose("accept_all")
    (record,) = records(site)
    file = tmp_path / "receipt.jsonld"
    fields = {"subject": str(uuid4()), "id": str(record.id)}
    file.write_text(json.dumps({"site:digestedFields": fields}), encoding="utf-8")
    for command in ("find", "erase"):
        answer = run(site, command, str(file))
        assert answer.exit_code == 2
        assert str(record.subject) not in answer.output
    assert records(site)[0].subject


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (b"no", "The file is not JSON, so it is no receipt."),
        (b'{"site:digest": "x"}', "names no visitor."),
        (b'{"site:digest": "x", "site:digestedFields": {"subject": 1}}', "names no visitor."),
    ],
)
def test_a_file_that_names_nobody_is_said_in_one_sentence(
    site: Flask, tmp_path: Path, written: bytes, says: str
) -> None:
    file = tmp_path / "receipt.jsonld"
    file.write_bytes(written)
    for command in ("find", "erase"):
        answer = run(site, command, str(file))
        assert answer.exit_code == 2, answer.output
        assert answer.stderr.startswith("Error: ")
        assert answer.stderr.endswith(f"{says}\n")
        assert answer.stderr.count("\n") == 1
