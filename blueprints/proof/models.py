"""The seals that close the log, their leaves, and what no seal has taken yet.

As in the log itself, the database refuses to change or delete a seal or a leaf.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.database import Base, UTCDateTime

# SQLite finds a row fastest by an INTEGER PRIMARY KEY, which holds 64 bits there.
Position = BigInteger().with_variant(Integer, "sqlite")


class ConsentSeal(Base):
    """A Merkle tree (RFC 9162) over the leaves from `first` on, chained to the seal before."""

    __tablename__ = "consent_seals"
    __table_args__ = (
        CheckConstraint("number >= 1 AND first >= 0 AND size >= 1", name="counted"),
        CheckConstraint("(number = 1) = (previous IS NULL)", name="chained"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(Position, unique=True)
    size: Mapped[int]
    root: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str | None] = mapped_column(String(64), unique=True)  # head of the seal before
    head: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ConsentLeaf(Base):
    """The place of a record in the sealed log.

    It names the record without a foreign key: where a record is gone, its leaf is the evidence.
    """

    __tablename__ = "consent_leaves"

    position: Mapped[int] = mapped_column(Position, primary_key=True, autoincrement=False)
    seal: Mapped[int] = mapped_column(ForeignKey(ConsentSeal.number))
    record: Mapped[UUID] = mapped_column(Uuid, unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class ConsentOpen(Base):
    """A record that no seal has taken yet.

    The database itself lists each record when it is inserted, so that no writer can forget it, and
    the seal that takes it strikes it off: what is open is found without reading the log.
    """

    __tablename__ = "consent_open"
    __table_args__ = ({"sqlite_with_rowid": False},)

    record: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
