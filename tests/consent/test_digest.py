"""The digest: the same bytes however it is computed, and others for anything else."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from browserlike import Visitor
from conftest import MakeSite
from evidence import records
from log import tampering
from sqlalchemy import insert

from blueprints.consent.choices import Decision, Model, Status
from blueprints.consent.digest import digest_of, utc_text, write_content
from blueprints.consent.models import ConsentRecord
from blueprints.consent.records import read_record, select_records
from blueprints.consent.services import columns_of

DECISION = Decision(
    id="01a20c66-bee4-75ef-bf2a-c38af3588982",
    subject="d70a0a30-af9c-4b8d-8e3c-db9a2a6d8c1f",
    decided_at=datetime(2026, 11, 24, 10, 0, 0, 5, tzinfo=UTC),
    expires_at=datetime(2027, 5, 24, 10, tzinfo=UTC),
    policy_version="0123456789ab",
    language="en",
    model=Model.OPT_IN,
    method="banner.reject",
    gpc=False,
    statuses={"personalization": Status.GIVEN, "advertising": Status.REFUSED},
    notice="a" * 64,
)
SALT = bytes(range(16))
TEXTS = ["", '"', "\\", "\\u0041", "\x01\x1f\x7f", "\b\t\n\f\r", "é", "\u2028", "😀", "</script>"]


def test_a_digest_can_be_computed_by_hand() -> None:
    by_hand = (
        '{"decided_at":"2026-11-24T10:00:00.000005Z","expires_at":"2027-05-24T10:00:00.000000Z",'
        '"gpc":false,"id":"01a20c66-bee4-75ef-bf2a-c38af3588982","is_consent":true,"language":"en",'
        f'"method":"banner.reject","model":"opt_in","notice":"{"a" * 64}",'
        '"policy_version":"0123456789ab","salt":"000102030405060708090a0b0c0d0e0f",'
        '"statuses":{"advertising":"refused","personalization":"given"},'
        '"subject":"d70a0a30-af9c-4b8d-8e3c-db9a2a6d8c1f"}'
    )
    assert write_content(DECISION, SALT) == by_hand
    assert digest_of(by_hand) == hashlib.sha256(by_hand.encode()).digest()


def variants() -> list[Decision]:
    changes: list[dict[str, Any]] = [{}, {"notice": None}, {"gpc": True}, {"statuses": {}}]
    changes += [{"method": text} for text in TEXTS]
    changes += [{"policy_version": text} for text in TEXTS]
    changes += [{"statuses": {"z": text, "a_b-1": text}} for text in TEXTS]
    changes += [
        {"decided_at": datetime(2026, 1, 2, 3, 4, 5, n, tzinfo=UTC)} for n in (0, 10**6 - 1)
    ]
    return [replace(DECISION, **change) for change in changes]


@pytest.mark.parametrize("decision", variants())
def test_the_quick_way_to_write_has_the_bytes_of_the_standard(decision: Decision) -> None:
    written = write_content(decision, SALT)
    assert rfc8785.dumps(json.loads(written)).decode() == written


def test_every_field_of_a_decision_is_in_the_digest() -> None:
    """A field that is added to the class is recorded, and nothing of a record is left out."""
    said = json.loads(write_content(DECISION, SALT))
    assert said.keys() == {field.name for field in fields(Decision)} | {"is_consent", "salt"}
    contents = {write_content(decision, SALT) for decision in variants()}
    assert len(contents) == len(variants())


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_the_database_gives_back_is_what_was_written(
    make_site: MakeSite, request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    uri = f"sqlite:///{tmp_path}/site.db"
    if database == "postgresql":
        uri = request.getfixturevalue("migrated_postgresql_uri")
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    decisions = [
        replace(decision, id=str(UUID(int=number))) for number, decision in enumerate(variants())
    ]
    with tampering(site) as connection:
        for decision in decisions:
            connection.execute(insert(ConsentRecord).values(columns_of(decision, SALT)))
        found = connection.execute(select_records().order_by(ConsentRecord.id)).all()
    for decision, row in zip(decisions, found, strict=True):
        record = read_record(row)
        assert record["content"] == write_content(decision, SALT)
        assert record["digest"] == digest_of(record["content"])
        assert record["statuses"] == decision.statuses
        assert (record["id"], record["decided_at"]) == (UUID(decision.id), decision.decided_at)


def test_times_are_written_in_utc_with_microseconds() -> None:
    at = datetime(2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=1)))
    assert utc_text(at) == "2026-11-24T09:00:00.000000Z"


def test_each_record_has_a_salt_of_its_own(make_site: MakeSite) -> None:
    site = make_site()
    for _ in range(3):
        Visitor(site).post("/cookies", {"choice": "reject"})
    salts = {bytes.fromhex(record.salt) for record in records(site)}
    assert [len(salt) for salt in salts] == [16] * 3


def test_without_the_salt_a_digest_tells_nothing() -> None:
    """Whoever tries all likely contents still has to guess sixteen random bytes."""
    others = {digest_of(write_content(DECISION, bytes([n]) * 16)) for n in range(256)}
    assert len(others) == 256
    # Each byte counts, so that sixteen are to be guessed, not fewer.
    salts = [(1 << n).to_bytes(16) for n in range(128)]
    assert len({digest_of(write_content(DECISION, salt)) for salt in salts}) == 128
