"""What the log holds about one visitor: their records, and the receipt of one of them.

What reads records takes the subject; a view passes the one of the visitor's own session alone.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from blueprints.consent.choices import ACCEPTED, TELL_OF_ACCEPTANCE, Model, Status
from blueprints.consent.models import ConsentNotice, ConsentRecord
from blueprints.consent.notice_store import Notices
from blueprints.consent.records import Record, read_record, select_records
from blueprints.consent.registry import Registry
from blueprints.database import reading
from blueprints.proof import seals
from blueprints.rights.context import Node
from blueprints.rights.profile import ReceiptMetadata
from blueprints.rights.receipt import Inclusion, validity, write_receipt
from blueprints.rights.standing import Standing, standing_of

# Made once: to make it takes longer than to run it.
OF_SUBJECT = (
    select_records()
    .where(ConsentRecord.subject == bindparam("subject"))
    .order_by(ConsentRecord.decided_at.desc(), ConsentRecord.id.desc())
)


def records_of(subject: UUID, at_most: int | None = None) -> list[Record]:
    """Return the records of a subject, the newest first."""
    with reading() as connection:
        found = connection.execute(OF_SUBJECT.limit(at_most), {"subject": subject})
        return [read_record(row) for row in found]


def standings_of(records: list[Record], now: datetime) -> Mapping[UUID, Standing]:
    """Say how each of a subject's records stands, by its number; they are the newest, in order."""
    newer = (None, *(record["decided_at"] for record in records))
    pairs = zip(records, newer, strict=False)
    return {record["id"]: standing_of(record, at, now) for record, at in pairs}


def names_of_purposes(
    registry: Registry, records: Iterable[Record], language: str
) -> dict[str, str]:
    """Call the purposes of records by name; one that the registry has no more, as it was shown.

    That is in a notice of the record's policy version: one in this language, if any was kept, and
    among these the one that the record names, or else the last before it.

    Raises:
        SQLAlchemyError: the database cannot be asked.

    """
    names = {purpose.id: purpose.name[language] for purpose in registry.purposes}
    older = [record for record in records if (record.get("statuses") or {}).keys() - names.keys()]
    if not older:
        return names
    of_then = ConsentNotice.policy_version.in_({record["policy_version"] for record in older})
    named = ConsentNotice.id.in_({record["notice"] for record in older} - {None})
    query = select(ConsentNotice.content).where(of_then)
    by_then = ConsentNotice.kept_at <= max(record["decided_at"] for record in older)
    best_last = query.order_by(
        ConsentNotice.language == language, named, by_then, ConsentNotice.kept_at
    )
    with reading() as connection:
        contents = [json.loads(content) for content in connection.scalars(best_last)]
    entries = (entry for content in contents for entry in content.get("purposes", ()))
    return names | {entry["id"]: entry["name"] for entry in entries} | names


def receipt_of(
    subject: UUID, record: UUID, notices: Notices, metadata: ReceiptMetadata, retention_years: int
) -> Node | None:
    """Write the receipt of a record; None where the subject has no such record."""
    records = records_of(subject)
    position = next((at for at, row in enumerate(records) if row["id"] == record), None)
    if position is None:
        return None
    row = records[position]
    kept = notices.find(row["notice"]) if row["notice"] else None
    in_force = notices.in_force[row["language"]].content
    notice = kept.content if kept else {"controller": in_force["controller"]}
    before = records[position + 1 :]
    metadata = replace(
        metadata,
        renewed=_renewed(row, before),
        assumed=_only_assumed(row, before),
        kept_for=_kept_for(records[position:], retention_years),
    )
    return write_receipt(json.loads(row["content"]), notice, metadata, inclusion_of(record))


def _kept_for(records: list[Record], years: int) -> str:
    """Say how long the first of these records, the newest, is kept (retention.py has the rule)."""
    said = {status for record in records for status in record["statuses"].values()}
    valid = validity(records[0]["decided_at"], records[0]["expires_at"])
    return valid if said.isdisjoint(TELL_OF_ACCEPTANCE) else f"P{years}Y{valid.removeprefix('P')}"


def _renewed(row: Record, before: list[Record]) -> tuple[str, ...]:
    """Return the purposes that the record before this one gave already, and this one gives."""
    if not before:
        return ()
    both = row["statuses"].items() & before[0]["statuses"].items()
    return tuple(sorted(purpose for purpose, status in both if status == Status.GIVEN))


def _only_assumed(row: Record, before: list[Record]) -> tuple[str, ...]:
    """Return the purposes that this record takes back and that nobody had given.

    A record says only that they are withdrawn. Where the one that accepted them is erased already,
    no consent is claimed under the model that assumes.
    """
    taken_back = (key for key, status in row["statuses"].items() if status == Status.WITHDRAWN)
    return tuple(
        sorted(key for key in taken_back if _accepted_as(key, row, before) != Status.GIVEN)
    )


def _accepted_as(purpose: str, row: Record, before: list[Record]) -> str:
    said = (record["statuses"].get(purpose) for record in before)
    unknown = Status.ASSUMED if row["model"] == Model.IMPLIED else Status.GIVEN
    return next((status for status in said if status in ACCEPTED), unknown)


def inclusion_of(record: UUID) -> Inclusion | None:
    proof = seals.prove(record)
    if proof is None:
        return None
    return Inclusion(proof.index, tuple(step.hex() for step in proof.path), proof.seal.as_json)
