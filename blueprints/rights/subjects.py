"""Whom somebody asks about: by a number, however it was copied, or by a receipt."""

import re
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy import select

from blueprints.consent.commands import BadInputError
from blueprints.consent.models import ConsentRecord
from blueprints.database import reading
from blueprints.rights import receipt_check
from blueprints.rights.context import Node
from blueprints.rights.receipt_check import NotAReceiptError

# Whoever copies from paper writes spaces, and a phone or a PDF another hyphen.
BETWEEN = re.compile(r"[^\w:]|_")  # with the colons of "urn:uuid:"


def joined(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> str:
    """Take for one what a shell has divided, as it does with a number that has blanks."""
    return " ".join(given)


def number_in(given: str) -> UUID | None:
    """Return the number that was given, or the visitor's of a receipt's file; None where neither.

    Raises:
        BadInputError: it is a file, but no receipt that names somebody.

    """
    if number := as_number(given):
        return number
    file = Path(given)
    try:
        is_file = file.is_file()
    except (OSError, ValueError):  # It can be no name of a file.
        return None
    if not is_file:
        return None
    subject = subject_in(read_receipt_file(file))
    if subject is None:
        raise BadInputError(f"The receipt {file} names no visitor.")
    return subject


def as_number(given: str) -> UUID | None:
    try:
        return UUID(BETWEEN.sub("", given))
    except ValueError:
        return None


def subject_in(receipt: Node) -> UUID | None:
    try:
        return UUID(receipt["site:digestedFields"]["subject"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def read_receipt_file(file: Path) -> Node:
    """Read a receipt, unless it is larger than any.

    Raises:
        BadInputError: it is larger or none, or cannot be read.

    """
    try:
        with file.open("rb") as opened:
            return receipt_check.read_receipt(opened.read(receipt_check.MAX_BYTES + 1))
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}.") from None
    except NotAReceiptError as error:
        raise BadInputError(str(error)) from None


def subject_of(number: UUID) -> UUID:
    """Return the visitor of the record with this number; any other number is a visitor's.

    Raises:
        SQLAlchemyError: the database cannot be asked.

    """
    query = select(ConsentRecord.subject).where(ConsentRecord.id == number)
    with reading() as connection:
        return connection.scalar(query) or number
