"""Whom somebody asks about: by a number, however it was copied, or by a receipt."""

import re
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import click
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from blueprints.consent.commands import BadInputError
from blueprints.consent.models import ConsentRecord
from blueprints.database import reading
from blueprints.rights.context import Node
from blueprints.rights.receipt_check import MAX_BYTES, NotAReceiptError, read_receipt

# Whoever copies from paper writes spaces, and a phone or a PDF another hyphen.
BETWEEN = re.compile(r"[^\w:]|_")  # with the colons of "urn:uuid:"


def joined(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> str:
    """Take for one what a shell has divided, as it does with a number that has blanks."""
    return " ".join(given)


class Named(NamedTuple):
    number: UUID  # of a visitor, or of a record
    erased: UUID | None  # the record that is all that is left, and says no more whose it was


def named_by(given: str) -> Named | None:
    """Return what a number or the file of a receipt names; None where it is neither.

    Raises:
        BadInputError: it is a file, but no receipt that names somebody.

    """
    if number := as_number(given):
        return Named(number, erased_record(number))
    file = Path(given)
    try:
        is_file = file.is_file()
    except OSError:  # It can be no name of a file.
        return None
    if not is_file:
        return None
    receipt = read_receipt_file(file)
    subject, record = number_in(receipt, "subject"), number_in(receipt, "id")
    if subject is None:
        raise BadInputError(f"The receipt {file} names no visitor.")
    has_records = _found(ConsentRecord.id, ConsentRecord.subject == subject)
    return Named(subject, erased_record(record) if record and not has_records else None)


def as_number(given: str) -> UUID | None:
    try:
        return UUID(BETWEEN.sub("", given))
    except ValueError:
        return None


def number_in(receipt: Node, field: str) -> UUID | None:
    """Return the number of the `subject` of a receipt, or the `id` of its record."""
    try:
        return UUID(receipt["site:digestedFields"][field])
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def read_receipt_file(file: Path) -> Node:
    """Read a receipt, unless it is larger than any.

    Raises:
        BadInputError: it is larger or none, or cannot be read.

    """
    try:
        with file.open("rb") as opened:
            return read_receipt(opened.read(MAX_BYTES + 1))
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}.") from None
    except NotAReceiptError as error:
        raise BadInputError(str(error)) from None


def erased_record(number: UUID) -> UUID | None:
    """Return the number of a record that is erased; None where it is whole, or there is none."""
    return _found(ConsentRecord.id, ConsentRecord.id == number, ConsentRecord.subject.is_(None))


def subject_of(number: UUID) -> UUID:
    """Return the visitor of the record with this number; any other number is a visitor's."""
    return _found(ConsentRecord.subject, ConsentRecord.id == number) or number


def _found(column: InstrumentedAttribute[Any], *where: ColumnElement[bool]) -> UUID | None:
    """Return this column of a record."""
    query = select(column).where(*where).limit(1)
    with reading() as connection:
        return connection.scalar(query)
