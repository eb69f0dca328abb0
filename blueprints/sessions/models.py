"""Where sessions live when there is no Redis."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from blueprints.database import Base, UTCDateTime


class StoredSession(Base):
    __tablename__ = "sessions"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the id, hex
    data: Mapped[bytes] = mapped_column(LargeBinary)  # msgpack
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    # Whose choice it holds, so that an erasure finds it; NULL where it holds none.
    subject: Mapped[UUID | None] = mapped_column(Uuid, index=True)
