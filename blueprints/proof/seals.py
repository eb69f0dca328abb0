"""Seals: each closes the records that are open into a Merkle tree, chained to the seal before.

The head of a seal stands for the whole log up to it. The heads are public, so that anybody can keep
one: whoever changes the log afterwards would have to change what is kept elsewhere as well.
Which records a seal takes depends on the clock and on what is open, and never on what was sealed
before, so that no clock that was wrong once leaves a record behind. Within a seal they stand in the
order of their ids. Sealing reads first and writes last, in one short transaction, so that it never
holds up a choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from blueprints.consent.digest import sha256_of, utc_text
from blueprints.consent.models import ConsentRecord
from blueprints.database import db, reading, write
from blueprints.proof import merkle
from blueprints.proof.models import ConsentLeaf, ConsentOpen, ConsentSeal

# Each open record is looked up for its entry in the list of them, so that no database can think of
# reading the log instead, as it might with a join. An entry that is sealed already, or has no
# record, was put there by somebody: it holds up no other, and `verify` names it.
_ITS_RECORD = ConsentRecord.id == ConsentOpen.record
_DIGEST = select(ConsentRecord.digest).where(_ITS_RECORD).scalar_subquery()
_DECIDED_AT = select(ConsentRecord.decided_at).where(_ITS_RECORD).scalar_subquery()
_ITS_LEAF = ConsentLeaf.record == ConsentOpen.record
_SEAL = select(ConsentLeaf.seal).where(_ITS_LEAF).scalar_subquery()
OPEN = (
    select(
        ConsentOpen.record.label("id"),
        _DIGEST.label("digest"),
        _DECIDED_AT.label("decided_at"),
    )
    .where(_SEAL.is_(None))
    .subquery()
)
STRIKE_OFF = delete(ConsentOpen).where(ConsentOpen.record == bindparam("sealed"))


@dataclass(frozen=True)
class Seal:
    number: int
    first: int  # position of its first leaf
    size: int
    root: str
    previous: str | None  # head of the seal before
    head: str
    sealed_at: datetime

    @property
    def content(self) -> Mapping[str, Any]:
        """What the head is the SHA-256 of, as canonical JSON."""
        return {
            "number": self.number,
            "first": self.first,
            "size": self.size,
            "total": self.first + self.size,
            "root": self.root,
            "previous": self.previous,
            "sealed_at": utc_text(self.sealed_at),
        }

    @property
    def computed_head(self) -> str:
        return sha256_of(self.content).hex()

    @property
    def as_json(self) -> Mapping[str, Any]:
        """The seal as it is published."""
        return {**self.content, "head": self.head}


@dataclass(frozen=True)
class Proof:
    """That a record is in the sealed log: its digest, and the way from it to the root of a seal."""

    record: UUID
    digest: bytes
    position: int
    index: int  # of the leaf in the tree of its seal
    path: tuple[bytes, ...]
    seal: Seal

    def leads_from(self, digest: bytes) -> bool:
        """Whether it leads from this digest to a seal whose head fits."""
        seal = self.seal
        try:
            root = bytes.fromhex(seal.root)
            is_in = merkle.is_in(digest, self.index, seal.size, self.path, root)
        except (ValueError, TypeError):  # What was put there is no digest at all.
            return False
        return is_in and seal.computed_head == seal.head


def seal_open_records(now: datetime, at_most: int) -> Seal | None:
    """Seal the records that are open, up to a number of them; those dated later than now wait.

    Returns None where there is none, or where somebody else sealed at the same moment.

    Raises:
        SQLAlchemyError: the database did not do it; nothing has changed.

    """
    with db.engine.connect() as connection:
        last = _last(connection)
        due = select(OPEN.c.id, OPEN.c.digest).where(OPEN.c.decided_at <= now)
        records = connection.execute(due.order_by(OPEN.c.id).limit(at_most)).all()
    if not records:
        return None
    seal = _next_seal(last, [bytes(row.digest) for row in records], now)
    leaves = [
        {"position": position, "seal": seal.number, "record": row.id, "digest": row.digest}
        for position, row in enumerate(records, start=seal.first)
    ]

    def append(connection: Connection) -> None:
        connection.execute(insert(ConsentSeal).values(vars(seal)))
        connection.execute(insert(ConsentLeaf), leaves)
        connection.execute(STRIKE_OFF, [{"sealed": row.id} for row in records])

    try:
        write(append, at_leisure=True)
    except IntegrityError:
        return None  # The number is taken: another process was first.
    return seal


def _next_seal(last: Seal | None, digests: list[bytes], now: datetime) -> Seal:
    bare = Seal(
        number=last.number + 1 if last else 1,
        first=last.first + last.size if last else 0,
        size=len(digests),
        root=merkle.root(digests).hex(),
        previous=last.head if last else None,
        head="",
        sealed_at=now,
    )
    return replace(bare, head=bare.computed_head)


def _seal(row: Row[Any]) -> Seal:
    return Seal(**row._asdict())


def _last(connection: Connection) -> Seal | None:
    query = select(ConsentSeal.__table__).order_by(ConsentSeal.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _seal(row) if row else None


def find_seal(number: int) -> Seal | None:
    with db.engine.connect() as connection:
        row = connection.execute(
            select(ConsentSeal.__table__).where(ConsentSeal.number == number)
        ).one_or_none()
    return _seal(row) if row else None


def newest_seals(at_most: int, before: int | None = None) -> list[Seal]:
    """Return the newest seals, or those before a number, in the order of their numbers."""
    query = select(ConsentSeal.__table__).order_by(ConsentSeal.number.desc()).limit(at_most)
    if before is not None:
        query = query.where(ConsentSeal.number < before)
    with reading() as connection:
        return [_seal(row) for row in reversed(connection.execute(query).all())]


def count_open(now: datetime, at_most: int) -> tuple[int, datetime | None]:
    """Count what can be sealed now, up to a number, and tell when the first was decided."""
    due = select(OPEN.c.decided_at).where(OPEN.c.decided_at <= now)
    times = due.order_by(OPEN.c.id).limit(at_most).subquery()
    with db.engine.connect() as connection:
        number, first = connection.execute(select(func.count(), func.min(times.c.decided_at))).one()
    return number, first


def length_of_open() -> int:
    with reading() as connection:
        return connection.scalar(select(func.count()).select_from(ConsentOpen)) or 0


def oldest_open() -> datetime | None:
    """Return when the first record was decided that no seal has taken yet."""
    with reading() as connection:
        first = select(OPEN.c.decided_at).order_by(OPEN.c.id).limit(1)
        at: datetime | None = connection.scalar(first)
    return at


def count_waiting(now: datetime) -> tuple[int, datetime | None]:
    """Count the records that are dated later than now, and tell the last of their times."""
    found = select(func.count(), func.max(OPEN.c.decided_at)).where(OPEN.c.decided_at > now)
    with db.engine.connect() as connection:
        number, last = connection.execute(found).one()
    return number, last


def prove(record: UUID) -> Proof | None:
    """Prove that a record is in the log; None while it is not sealed, and where there is none."""
    with reading() as connection:
        leaf = connection.execute(
            select(ConsentLeaf.__table__).where(ConsentLeaf.record == record)
        ).one_or_none()
        if leaf is None:
            return None
        seal = _seal(
            connection.execute(
                select(ConsentSeal.__table__).where(ConsentSeal.number == leaf.seal)
            ).one()
        )
        its_leaves = ConsentLeaf.position.between(seal.first, seal.first + seal.size - 1)
        digests = connection.scalars(
            select(ConsentLeaf.digest).where(its_leaves).order_by(ConsentLeaf.position)
        ).all()
    index = leaf.position - seal.first
    return Proof(record, leaf.digest, leaf.position, index, merkle.proof(digests, index), seal)
