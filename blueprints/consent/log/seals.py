"""Seals: each closes the records that are open into a Merkle tree, chained to the seal before.

The head of a seal stands for the whole log up to it. The heads are public, so that anybody can keep
one: whoever changes the log afterwards would have to change what is kept elsewhere as well.
Records are sealed in the order of their ids, which is the order of time; sealing reads first and
writes last, in one short transaction, so that it never holds up a choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, exists, func, insert, select
from sqlalchemy.exc import IntegrityError

from blueprints.consent.log import merkle
from blueprints.consent.log.digest import sha256_of, utc_text
from blueprints.consent.models import ConsentLeaf, ConsentRecord, ConsentSeal
from blueprints.database import db

# A record is written within seconds of its decision, and clocks of several machines agree within
# minutes. What turns up later than this before the last sealed record was put there by somebody.
LATE = timedelta(days=1)


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


def seal_open_records(now: datetime, at_most: int) -> Seal | None:
    """Seal the records that are open, up to a number of them.

    Returns None where there is none, or where somebody else sealed at the same moment.

    Raises:
        SQLAlchemyError: the database did not do it; nothing has changed.

    """
    with db.engine.connect() as connection:
        last = _last(connection)
        records = list(connection.execute(open_records(connection).limit(at_most)))
    if not records:
        return None
    seal = _next_seal(last, [bytes(row.digest) for row in records], now)
    leaves = [
        {"position": position, "seal": seal.number, "record": row.id, "digest": row.digest}
        for position, row in enumerate(records, start=seal.first)
    ]
    try:
        with db.engine.begin() as connection:
            connection.execute(insert(ConsentSeal).values(_columns(seal)))
            connection.execute(insert(ConsentLeaf), leaves)
    except IntegrityError:
        return None  # The number is taken: another process was first.
    return seal


def open_records(connection: Connection) -> Select[UUID, bytes]:
    """Return the query for id and digest of the records that the next seal takes, in order."""
    leaf = exists().where(ConsentLeaf.record == ConsentRecord.id)
    query = select(ConsentRecord.id, ConsentRecord.digest).where(~leaf).order_by(ConsentRecord.id)
    horizon = horizon_of(connection)
    return query if horizon is None else query.where(ConsentRecord.id >= horizon)


def horizon_of(connection: Connection) -> UUID | None:
    """Return the id before which no record can be new; None where nothing is sealed."""
    query = select(ConsentLeaf.record).order_by(ConsentLeaf.record.desc()).limit(1)
    newest = connection.scalar(query)
    return newest and earlier(newest)


def earlier(newest: UUID) -> UUID:
    """Return the first id of the time that is `LATE` before an id; both are UUIDv7."""
    milliseconds = (newest.int >> 80) - int(LATE.total_seconds() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)


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
    return Seal(**_columns(bare) | {"head": bare.computed_head})


def _columns(seal: Seal) -> dict[str, Any]:
    return dict(vars(seal))


def _seal(row: Row[Any]) -> Seal:
    return Seal(**row._asdict())


def _last(connection: Connection) -> Seal | None:
    query = select(ConsentSeal.__table__).order_by(ConsentSeal.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _seal(row) if row else None


def last_seal() -> Seal | None:
    with db.engine.connect() as connection:
        return _last(connection)


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
    with db.engine.connect() as connection:
        return [_seal(row) for row in reversed(connection.execute(query).all())]


def count_open(at_most: int) -> tuple[int, datetime | None]:
    """Count the open records, up to a number, and tell when the first of them was decided."""
    with db.engine.connect() as connection:
        found = open_records(connection).with_only_columns(ConsentRecord.decided_at)
        times = found.limit(at_most).subquery()
        number, first = connection.execute(select(func.count(), func.min(times.c.decided_at))).one()
    return number, first


def prove(record: UUID) -> Proof | None:
    """Prove that a record is in the log; None while it is not sealed, and where there is none."""
    with db.engine.connect() as connection:
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
