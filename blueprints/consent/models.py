"""The consent log: what was shown, what was decided, and the seals that close it.

A row of `consent_records` holds what GDPR Art. 7(1) asks to be shown, and nothing that identifies a
person: no IP address, no User-Agent (Art. 5(1)(c)). The database itself refuses to change or delete
a row of these tables; all it allows is the erasure of a record (subject, statuses and salt become
NULL), which leaves the digest and with it the log valid. See the migrations.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.database import Base, UTCDateTime

# SQLite finds a row fastest by an INTEGER PRIMARY KEY, which holds 64 bits there.
Position = BigInteger().with_variant(Integer, "sqlite")


class ConsentNotice(Base):
    """The exact words of a notice, kept for as long as a record may name them."""

    __tablename__ = "consent_notices"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the content, hex
    content: Mapped[str] = mapped_column(Text)  # canonical JSON
    policy_version: Mapped[str] = mapped_column(String(12))
    language: Mapped[str] = mapped_column(String(2))
    model: Mapped[str] = mapped_column(String(7))
    kept_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ConsentRecord(Base):
    """One decision, appended and never changed."""

    __tablename__ = "consent_records"
    __table_args__ = (
        CheckConstraint("language IN ('en', 'pt')", name="language"),
        CheckConstraint("model IN ('opt_in', 'implied')", name="model"),
        CheckConstraint("expires_at > decided_at", name="expires_after_decision"),
        CheckConstraint("is_consent = (method <> 'continued_use')", name="is_consent"),
        CheckConstraint(
            "(subject IS NULL) = (statuses IS NULL) AND (subject IS NULL) = (salt IS NULL)",
            name="whole_or_erased",
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # UUIDv7: sorts by time
    subject: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    # purpose -> given, refused, withdrawn
    statuses: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    policy_version: Mapped[str] = mapped_column(String(12))
    language: Mapped[str] = mapped_column(String(2))
    model: Mapped[str] = mapped_column(String(7))
    method: Mapped[str] = mapped_column(String(32))
    is_consent: Mapped[bool]  # false for continued use: no consent under the GDPR
    gpc: Mapped[bool]
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # NULL: written by a version of the site that did not keep its notices.
    notice: Mapped[str | None] = mapped_column(String(64), ForeignKey(ConsentNotice.id))
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # see digest.py


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
