"""The digest: the same bytes however it is computed, and others for anything else."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from conftest import MakeSite
from flask import Flask
from log import tampering
from sqlalchemy import insert, select

from blueprints.consent.log.digest import record_content, record_digest, utc_text
from blueprints.consent.log.rows import open_rows, record_bytes, snapshot
from blueprints.consent.models import ConsentRecord

RECORD: dict[str, Any] = {
    "id": UUID("01a20c66-bee4-75ef-bf2a-c38af3588982"),
    "subject": UUID("d70a0a30-af9c-4b8d-8e3c-db9a2a6d8c1f"),
    "statuses": {"personalization": "given", "advertising": "refused"},
    "policy_version": "0123456789ab",
    "language": "en",
    "model": "opt_in",
    "method": "banner.reject",
    "is_consent": True,
    "gpc": False,
    "decided_at": datetime(2026, 11, 24, 10, 0, 0, 5, tzinfo=UTC),
    "expires_at": datetime(2027, 5, 24, 10, tzinfo=UTC),
    "notice": "a" * 64,
    "salt": bytes(range(16)),
}
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
    assert record_digest(RECORD) == hashlib.sha256(by_hand.encode()).digest()


def variants() -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = [{}, {"notice": None}, {"gpc": True}, {"statuses": {}}]
    changes += [{"method": text} for text in TEXTS]
    changes += [{"policy_version": text} for text in TEXTS]
    changes += [{"statuses": {"z": text, "a_b-1": text}} for text in TEXTS]
    changes += [
        {"decided_at": datetime(2026, 1, 2, 3, 4, 5, n, tzinfo=UTC)} for n in (0, 10**6 - 1)
    ]
    return [RECORD | change for change in changes]


@pytest.mark.parametrize("record", variants())
def test_the_quick_way_to_write_has_the_bytes_of_the_standard(record: dict[str, Any]) -> None:
    standard = rfc8785.dumps(record_content(record))
    assert record_digest(record) == hashlib.sha256(standard).digest()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_quick_way_to_read_has_the_bytes_of_the_standard(
    make_site: MakeSite, request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    uri = f"sqlite:///{tmp_path}/site.db"
    if database == "postgresql":
        uri = request.getfixturevalue("postgresql_uri")
    site = make_site(SQLALCHEMY_DATABASE_URI=uri)
    records = [
        record | {"id": UUID(int=number), "digest": bytes([number]) * 32}
        for number, record in enumerate(variants())
    ]
    with tampering(site) as connection:
        for record in records:
            connection.execute(insert(ConsentRecord).values(record))
    written = read(site)
    assert written == [rfc8785.dumps(record_content(record)) for record in records]
    assert len(set(written)) == len(records)


def read(site: Flask) -> list[bytes]:
    with site.app_context(), snapshot() as connection, open_rows(connection) as rows:
        return [record_bytes(row) for row in rows]


def test_what_the_database_gives_back_has_the_digest_that_was_written(
    make_site: MakeSite,
) -> None:
    site = make_site()
    with tampering(site) as connection:
        row = RECORD | {"digest": record_digest(RECORD)}
        connection.execute(insert(ConsentRecord).values(row))
        found = connection.execute(select(ConsentRecord.__table__)).mappings().one()
    assert record_digest(dict(found)) == found["digest"]


def test_times_are_written_in_utc_with_microseconds() -> None:
    at = datetime(2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=1)))
    assert utc_text(at) == "2026-11-24T09:00:00.000000Z"


def test_without_the_salt_a_digest_tells_nothing() -> None:
    """Whoever tries all likely contents still has to guess sixteen random bytes."""
    others = {record_digest(RECORD | {"salt": bytes([n]) * 16}) for n in range(256)}
    assert len(others) == 256
    assert "salt" in json.loads(rfc8785.dumps(record_content(RECORD)))
