"""The consent log: what was shown, and what was decided.

A row of `consent_records` holds what GDPR Art. 7(1) asks to be shown, and nothing that identifies a
person: no IP address, no User-Agent (Art. 5(1)(c)). The database itself refuses to change or delete
a row of the log; all it allows is the erasure of a record: `subject` and `content` become NULL,
which leaves the digest and with it the log valid. See the migrations.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.database import Base, UTCDateTime


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
    """One decision, appended and never changed.

    `content` says all of it, as the canonical JSON that the digest is over; the columns beside it
    are those by which records are found, kept and named when they are erased.
    """

    __tablename__ = "consent_records"
    __table_args__ = (
        CheckConstraint("expires_at > decided_at", name="expires_after_decision"),
        CheckConstraint("(subject IS NULL) = (content IS NULL)", name="whole_or_erased"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # UUIDv7: sorts by time
    subject: Mapped[UUID | None] = mapped_column(Uuid, index=True)
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # NULL: the form named none, as the button to withdraw does; or it is older than kept notices.
    notice: Mapped[str | None] = mapped_column(String(64), ForeignKey(ConsentNotice.id))
    content: Mapped[str | None] = mapped_column(Text)  # see digest.py
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)  # SHA-256 of the content
