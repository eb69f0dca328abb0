"""`flask consent check-receipt`: is this receipt from this site, and is it as it was given out?"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from blueprints.consent.commands import BadInputError, database
from blueprints.consent.models import ConsentRecord
from blueprints.database import db
from blueprints.proof.heads import HeadFileError, read_heads
from blueprints.proof.models import ConsentLeaf
from blueprints.proof.seals import find_seal, prove
from blueprints.rights import receipt_check
from blueprints.rights.dossier import Entry, UnknownIdError, compile_dossier
from blueprints.rights.receipt_check import Answer, Verdict
from blueprints.rights.subjects import as_number, erased_record, joined, read_receipt_file


@click.command("check-receipt")
@click.argument("file", metavar="FILE", nargs=-1, required=True, callback=joined)
@click.option(
    "--seals",
    "seals_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check against a kept copy of /consent/seals.json instead of the database.",
)
@with_appcontext
def check_receipt(file: str, seals_file: Path | None) -> None:
    """Check a consent receipt that somebody holds in their hand.

    Answers valid, not yet sealed (both status 0), altered, or unknown: of another site or of
    another log (both status 1), and the numbers of its record and visitor; of these is looked up
    only whether the record is erased by now.
    In place of FILE the number of a record or of a visitor says the same of the records themselves.
    """
    if (number := as_number(file)) and not seals_file:
        _check_records(number)
        return
    receipt = read_receipt_file(Path(file))
    erased = None
    try:
        if seals_file:
            heads = read_heads(seals_file)
            verdict = receipt_check.check(
                receipt,
                lambda number, head: heads.get(number) == head,
                None,
                lambda _record, _digest: None,
            )
        else:
            with database():
                verdict = receipt_check.check(receipt, _knows_head, _knows_digest, _seal_of)
                if verdict.answer.is_good:
                    erased = erased_record(UUID(receipt["site:decision"]))
    except HeadFileError as error:
        raise BadInputError(str(error)) from None
    _say(verdict)
    if verdict.answer is not Answer.ALTERED:
        fields = receipt["site:digestedFields"]
        click.echo(f"Record {fields['id']} of visitor {fields['subject']}.")
    if verdict.answer.is_good:
        click.echo(
            "This is so of the fields of the record and of the notice that they name; what "
            "stands beside them in the file is told by the file alone."
        )
    if erased:
        click.echo("It is erased by now: of the record itself the log holds only the digest.")
    if not verdict.answer.is_good:
        sys.exit(1)


def _say(verdict: Verdict) -> None:
    click.echo(f"{verdict.answer.capitalize()}. {verdict.why}")


def _check_records(number: UUID) -> None:
    try:
        with database():
            entries = compile_dossier(number, datetime.now(UTC)).entries
    except UnknownIdError:
        raise BadInputError(
            f"There is no record and no visitor with the number {number}."
        ) from None
    verdicts = [_verdict(entry) for entry in entries]
    for entry, verdict in zip(entries, verdicts, strict=True):
        _say(verdict)
        click.echo(f"Record {entry.record['id']} of visitor {entry.record['subject'] or 'erased'}.")
    if not all(verdict.answer.is_good for verdict in verdicts):
        sys.exit(1)


def _verdict(entry: Entry) -> Verdict:
    if entry.fits_digest is False or (entry.proof and not entry.is_proven):
        return Verdict(Answer.ALTERED, "The record does not fit its digest, or not its seal.")
    if entry.proof is None:
        return Verdict(Answer.NOT_YET_SEALED, "The record fits its digest.")
    seal = entry.proof.seal.as_json
    return Verdict(
        Answer.VALID,
        f"The record is in seal {seal['number']} of {seal['sealed_at']}, head {seal['head']}.",
    )


def _knows_head(number: int, head: str) -> bool:
    seal = find_seal(number)
    return seal is not None and seal.head == head


def _seal_of(record: UUID, digest: bytes) -> Mapping[str, Any] | None:
    """Return the seal that holds the digest of the record, where the proof leads to its head."""
    proof = prove(record)
    return proof.seal.as_json if proof and proof.leads_from(digest) else None


def _knows_digest(digest: bytes) -> bool:
    """Whether the log has a record or leaf with this digest."""
    with db.engine.connect() as connection:
        return any(
            connection.execute(select(of.digest).where(of.digest == digest).limit(1)).first()
            for of in (ConsentRecord, ConsentLeaf)
        )
