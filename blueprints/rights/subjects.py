"""Whom a command of the operator is asked about: by a number, or by the file of a receipt."""

from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from blueprints.consent.commands import BadInputError
from blueprints.consent.models import ConsentRecord
from blueprints.database import reading
from blueprints.rights import receipt_check
from blueprints.rights.context import Node
from blueprints.rights.receipt_check import NotAReceiptError


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
    try:
        return UUID(read_receipt_file(file)["site:digestedFields"]["subject"])
    except (LookupError, TypeError, ValueError, AttributeError):
        raise BadInputError(f"The receipt {file} names no visitor.") from None


def as_number(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
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
