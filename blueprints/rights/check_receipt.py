"""`flask consent check-receipt`: is this receipt from this site, and is it as it was given out?"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from blueprints.consent.commands import BadInputError, database
from blueprints.consent.models import ConsentRecord
from blueprints.database import db
from blueprints.proof import merkle
from blueprints.proof.heads import HeadFileError, read_heads
from blueprints.proof.models import ConsentLeaf
from blueprints.proof.seals import find_seal, prove
from blueprints.rights import receipt_check
from blueprints.rights.receipt_check import NotAReceiptError, Verdict


@click.command("check-receipt")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--seals",
    "seals_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check against a kept copy of /consent/seals.json instead of the database.",
)
@with_appcontext
def check_receipt(file: Path, seals_file: Path | None) -> None:
    """Check a consent receipt that somebody holds in their hand.

    Answers valid, not yet sealed (both status 0), altered, or unknown: of another site or of
    another log (both status 1). Its visitor is not looked up.
    """
    try:
        receipt = receipt_check.read(_bytes(file))
        if seals_file:
            heads = read_heads(seals_file)
            verdict = receipt_check.check(
                receipt, lambda number, head: heads.get(number) == head, None, _no_seal
            )
        else:
            with database():
                verdict = receipt_check.check(receipt, _knows_head, _knows_digest, _seal_of)
    except (NotAReceiptError, HeadFileError) as error:
        raise BadInputError(str(error)) from None
    _answer(verdict)


def _answer(verdict: Verdict) -> None:
    click.echo(f"{verdict.answer.capitalize()}. {verdict.why}")
    if not verdict.answer.is_good:
        sys.exit(1)


def _bytes(file: Path) -> bytes:
    """Read the file, unless it is larger than any receipt.

    Raises:
        BadInputError: it is larger, or cannot be read.

    """
    try:
        with file.open("rb") as opened:
            return opened.read(receipt_check.MAX_BYTES + 1)
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}.") from None


def _knows_head(number: int, head: str) -> bool:
    seal = find_seal(number)
    return seal is not None and seal.head == head


def _no_seal(_record: UUID, _digest: bytes) -> None:
    return None


def _seal_of(record: UUID, digest: bytes) -> Mapping[str, Any] | None:
    """Return the seal that holds the digest of the record, where the proof leads to its head."""
    proof = prove(record)
    if proof is None or proof.digest != digest:
        return None
    seal = proof.seal
    is_in = merkle.is_in(digest, proof.index, seal.size, proof.path, bytes.fromhex(seal.root))
    return seal.as_json if is_in and seal.computed_head == seal.head else None


def _knows_digest(digest: bytes) -> bool:
    """Whether the log has a record or leaf with this digest."""
    with db.engine.connect() as connection:
        return any(
            connection.execute(select(of.digest).where(of.digest == digest).limit(1)).first()
            for of in (ConsentRecord, ConsentLeaf)
        )
