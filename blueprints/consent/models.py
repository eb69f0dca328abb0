"""The consent record: one row per decision, appended and never changed.

A row holds what GDPR Art. 7(1) asks to be shown, and nothing that identifies a person: no IP
address, no User-Agent (Art. 5(1)(c)). The database itself refuses an UPDATE; see the migrations.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.database import Base, UTCDateTime


class ConsentRecord(Base):
    __tablename__ = "consent_records"
    __table_args__ = (
        CheckConstraint("language IN ('en', 'pt')", name="language"),
        CheckConstraint("model IN ('opt_in', 'implied')", name="model"),
        CheckConstraint("expires_at > decided_at", name="expires_after_decision"),
        CheckConstraint("is_consent = (method <> 'continued_use')", name="is_consent"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)  # UUIDv7: sorts by time
    subject: Mapped[UUID] = mapped_column(Uuid, index=True)
    statuses: Mapped[dict[str, str]] = mapped_column(JSON)  # purpose -> given, refused, withdrawn
    policy_version: Mapped[str] = mapped_column(String(12))
    language: Mapped[str] = mapped_column(String(2))
    model: Mapped[str] = mapped_column(String(7))
    method: Mapped[str] = mapped_column(String(32))
    is_consent: Mapped[bool]  # false for continued use: no consent under the GDPR
    gpc: Mapped[bool]
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
