"""`flask consent check-receipt`: is this receipt from this site, and is it as it was given out?"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
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
from blueprints.rights.context import Node
from blueprints.rights.dossier import Entry, compile_dossier
from blueprints.rights.receipt_check import AlteredError, check
from blueprints.rights.subjects import as_number, erased_record, joined, read_receipt_file

VALID, NOT_YET_SEALED, ALTERED, UNKNOWN = "Valid", "Not yet sealed", "Altered", "Unknown"
GOOD = {VALID, NOT_YET_SEALED}

Verdict = tuple[str, str]  # one of these, and why


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
    if seals_file:
        try:
            answer, why = _checked(receipt, read_heads(seals_file))
        except HeadFileError as error:
            raise BadInputError(str(error)) from None
    else:
        with database():
            answer, why = _checked(receipt, None)
            if answer in GOOD:
                erased = erased_record(UUID(receipt["site:decision"]))
    click.echo(f"{answer}. {why}")
    if answer != ALTERED:
        fields = receipt["site:digestedFields"]
        click.echo(f"Record {fields['id']} of visitor {fields['subject']}.")
    if answer in GOOD:
        click.echo(
            "This is so of the fields of the record and of the notice that they name; what "
            "stands beside them in the file is told by the file alone."
        )
    if erased:
        click.echo("It is erased by now: of the record itself the log holds only the digest.")
    if answer not in GOOD:
        sys.exit(1)


def _checked(receipt: Node, heads: Mapping[int, str] | None) -> Verdict:
    """Check a receipt against these heads, or else against the log."""
    try:
        record, digest, seal = check(receipt)
    except AlteredError as error:
        return ALTERED, str(error)
    if not seal and heads is None:  # It may have been sealed since.
        if not _is_in_log(digest):
            return UNKNOWN, "It is whole, but its digest is not in this log."
        proof = prove(record)
        seal = proof.seal.as_json if proof and proof.leads_from(digest) else None
    if not seal:
        # The log finds the seal of this one too; there may be no other, once its record is erased.
        again = "download it again" if heads is not None else "check it again"
        return (
            NOT_YET_SEALED,
            f"It is whole, and it was made before its record was sealed: {again} later.",
        )
    number, head = seal["number"], seal["head"]
    if not (_has(number, head) if heads is None else heads.get(number) == head):
        return UNKNOWN, f"It is whole, but no seal here has the head {head}."
    return VALID, f"Its record is in seal {number} of {seal['sealed_at']}, head {head}."


def _has(number: int, head: str) -> bool:
    seal = find_seal(number)
    return seal is not None and seal.head == head


def _is_in_log(digest: bytes) -> bool:
    """Whether the log has a record or leaf with this digest."""
    with db.engine.connect() as connection:
        return any(
            connection.execute(select(of.digest).where(of.digest == digest).limit(1)).first()
            for of in (ConsentRecord, ConsentLeaf)
        )


def _check_records(number: UUID) -> None:
    with database():
        found = compile_dossier(number, datetime.now(UTC))
    if found is None:
        raise BadInputError(f"There is no record and no visitor with the number {number}.")
    answers = set()
    for entry in found.entries:
        answer, why = _verdict(entry)
        answers.add(answer)
        click.echo(f"{answer}. {why}")
        click.echo(f"Record {entry.record['id']} of visitor {entry.record['subject'] or 'erased'}.")
    if not answers <= GOOD:
        sys.exit(1)


def _verdict(entry: Entry) -> Verdict:
    if entry.fits_digest is False or (entry.proof and not entry.is_proven):
        return ALTERED, "The record does not fit its digest, or not its seal."
    if entry.proof is None:
        return NOT_YET_SEALED, "The record fits its digest."
    seal = entry.proof.seal.as_json
    return (
        VALID,
        f"The record is in seal {seal['number']} of {seal['sealed_at']}, head {seal['head']}.",
    )
