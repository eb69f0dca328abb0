"""The verifier: reads the whole log and names the first thing in it that was tampered with.

It trusts no row. Every digest, root and head is computed again, from the notices over records and
leaves to the chain of seals; what cannot be computed are the contents of an erased record, of which
the digest must still be the sealed one. That the end of the log was cut off, or that the log was
made anew from some point on, shows only against a head that was kept elsewhere.

A record that was sealed long before or after its own time is told and no more: a clock that jumped
does that, a site that stood still, and somebody who dates a decision back.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Connection, Engine, String, select, type_coerce

from blueprints.consent.models import ConsentNotice
from blueprints.proof.merkle import Root
from blueprints.proof.raw_log import (
    Row,
    open_rows,
    says_the_same,
    sealed_rows,
    seals,
    snapshot,
    wrongly_open,
)
from blueprints.proof.seals import Seal

STEP = 1000  # records between two reports of progress
LATE = timedelta(days=1)  # between a record and its seal
LATE_AT_MOST = 20  # so many are told one by one
BUCKET_BITS = 28  # of the milliseconds in a UUIDv7: some three days
BUCKET_DIGITS = 5  # the hexadecimal digits before them


class TamperedError(Exception):
    """Something in the log was changed, removed, inserted or reordered; one sentence says what."""


@dataclass(frozen=True)
class Late:
    """A record whose time is more than a day away from that of its seal."""

    record: str
    decided_at: str
    seal: Seal


@dataclass
class Count:
    """What was read and found whole."""

    sealed: int = 0
    open: int = 0
    erased: int = 0
    late: int = 0
    first_late: list[Late] = field(default_factory=list)
    seals: int = 0
    last: Seal | None = None


def verify_log(
    heads: Mapping[int, str],
    progress: Callable[[int], None],
    copy: Engine | Connection | None = None,
) -> Count:
    """Check the log, and that it still contains these heads; return what it holds.

    `progress` is called with the number of records read since the last call.

    Raises:
        TamperedError: naming the first record or seal that is not as it was written.
        SQLAlchemyError: the database cannot be read.

    """
    with snapshot(copy) as connection:
        return _Check(connection, heads, progress).run()


class _Check:
    def __init__(
        self, connection: Connection, heads: Mapping[int, str], progress: Callable[[int], None]
    ) -> None:
        self.connection = connection
        self.heads = heads
        self.progress = progress
        self.count = Count()
        self.notices: set[bytes] = set()

    def run(self) -> Count:
        self.check_notices()
        with sealed_rows(self.connection) as leaves:
            self.check_seals(leaves)
        self.check_open()
        for number in sorted(self.heads):
            if number > self.count.seals:
                raise TamperedError(
                    f"Seal {number}, whose head was kept, is not in the log: its end was removed."
                )
        return self.count

    def check_seals(self, leaves: Iterator[Row]) -> None:
        try:
            for seal in seals(self.connection):
                self.check_chain(seal)
                self.check_leaves(seal, leaves)
                self.count.seals, self.count.last = seal.number, seal
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            raise TamperedError(
                f"What follows seal {self.count.seals} was changed: it holds what is never written."
            ) from None
        for position, _seal, record, *_rest in leaves:
            raise TamperedError(
                f"Record {_name(record)} at position {position} belongs to no seal: "
                "it was inserted, or its seal was removed."
            )

    def check_notices(self) -> None:
        columns = (ConsentNotice.id, ConsentNotice.content)
        query = select(*(type_coerce(column, String) for column in columns))
        for row in self.connection.execute(query):
            name, content = (value.encode() if isinstance(value, str) else value for value in row)
            if hashlib.sha256(content).hexdigest().encode() != name:
                raise TamperedError(f"Notice {name.decode(errors='replace')} was changed.")
            self.notices.add(name)

    def check_chain(self, seal: Seal) -> None:
        last = self.count.last
        number, first = (last.number + 1, last.first + last.size) if last else (1, 0)
        if seal.number != number:
            raise TamperedError(f"Seal {number} was removed: the next one is seal {seal.number}.")
        if seal.computed_head != seal.head:
            raise TamperedError(f"Seal {number} was changed: its head is not that of its content.")
        if seal.previous != (last.head if last else None) or seal.first != first:
            raise TamperedError(f"Seal {number} was changed: it does not follow the one before.")
        if self.heads.get(number, seal.head) != seal.head:
            raise TamperedError(
                f"Seal {number} has another head than the one that was kept: "
                f"the log was made anew from seal {number} or before."
            )

    def check_leaves(self, seal: Seal, leaves: Iterator[Row]) -> None:
        tree, before = Root(), b""
        earliest, latest = (_text(seal.sealed_at + by) for by in (-LATE, LATE))
        for position in range(seal.first, seal.first + seal.size):
            row = next(leaves, None)
            if row is None or row[0] != position or row[1] != seal.number:
                raise TamperedError(
                    f"The record at position {position} in seal {seal.number} was removed "
                    "from the sealed log, or moved in it."
                )
            record, digest = row[2], row[3]
            if record <= before:
                raise TamperedError(
                    f"Record {_name(record)} at position {position} in seal {seal.number} "
                    "was reordered: it does not come after the one before."
                )
            if row[4] is None:
                raise TamperedError(
                    f"Record {_name(record)} at position {position} in seal {seal.number} "
                    "was removed."
                )
            decided_at = self.check_record(row[4:], digest)
            if not earliest <= decided_at <= latest:
                self.note_late(record, decided_at, seal)
            tree.add(digest)
            before = record
            self.count.sealed += 1
            if not self.count.sealed % STEP:
                self.progress(STEP)
        if tree.digest().hex() != seal.root:
            raise TamperedError(
                f"Seal {seal.number} does not fit its records: at least one of those from "
                f"position {seal.first} to {seal.first + seal.size - 1} was changed "
                "together with its digest."
            )

    def note_late(self, record: bytes, decided_at: bytes, seal: Seal) -> None:
        self.count.late += 1
        if self.count.late <= LATE_AT_MOST:
            self.count.first_late.append(Late(_name(record), decided_at.decode(), seal))

    def check_record(self, row: Row, sealed: bytes | None) -> bytes:
        """Check a record against itself and the digest that was sealed; return its time."""
        name, subject, decided_at, _until, notice, content, digest = row
        if sealed is not None and digest != sealed:
            raise TamperedError(f"Record {_name(name)} was changed: it is not what was sealed.")
        if subject is None and content is None:
            self.count.erased += 1
            fits = type(digest) is type(decided_at) is bytes
        else:
            fits = type(content) is bytes and hashlib.sha256(content).digest() == digest
        if not fits:
            raise TamperedError(f"Record {_name(name)} was changed: its digest does not fit.")
        if content is not None and not says_the_same(row):
            raise TamperedError(f"Record {_name(name)} was changed: it says another thing beside.")
        if decided_at[:10] not in _days_of(name[:BUCKET_DIGITS]):
            raise TamperedError(
                f"Record {_name(name)} was inserted: its number is from another day than it says."
            )
        if notice is not None and notice not in self.notices:
            raise TamperedError(
                f"Notice {notice.decode()}, which record {_name(name)} names, was removed."
            )
        return bytes(decided_at)

    def check_open(self) -> None:
        with open_rows(self.connection) as rows:
            for is_listed, *row in rows:
                self.check_record(row, None)
                if not is_listed:
                    raise TamperedError(
                        f"Record {_name(row[0])} is neither sealed nor listed as open: "
                        "it was inserted, or its seal or its place in the list was removed."
                    )
                self.count.open += 1
                if not self.count.open % STEP:
                    self.progress(STEP)
        wrong = wrongly_open(self.connection)
        if wrong:
            record, leaf = wrong
            happened = "it is sealed: the list was changed" if leaf else "it was removed"
            raise TamperedError(f"Record {_name(record)} is listed as open, but {happened}.")


@lru_cache(maxsize=4096)
def _days_of(digits: bytes) -> frozenset[bytes]:
    """Return the days of which a UUIDv7 with these first digits can be, give or take `LATE`."""
    start = timedelta(milliseconds=int(digits, 16) << BUCKET_BITS)
    span = timedelta(milliseconds=1 << BUCKET_BITS) + 2 * LATE
    first = datetime(1970, 1, 1, tzinfo=UTC) + start - LATE
    days = range(span.days + 2)
    return frozenset(f"{first + timedelta(days=day):%Y-%m-%d}".encode() for day in days)


def _text(at: datetime) -> bytes:
    """Write a time as rows have it."""
    return f"{at:%Y-%m-%d %H:%M:%S.%f}".encode()


def _name(record: bytes) -> str:
    try:
        return str(UUID(record.decode()))
    except (ValueError, AttributeError):
        return repr(record)
