"""What a store of sessions does, and what stands in it."""

import hashlib
import logging
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection

Values = Mapping[str, Any]

EXPIRES_AT = "expires_at"  # POSIX seconds, beside the values
LATEST = datetime.max.replace(tzinfo=UTC).timestamp()
ID_BYTES = 32
MAP = msgspec.msgpack.Decoder(dict[str, Any])
# What msgspec raises for what is no msgpack, has text in it that is none, or is no bytes at all.
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError)

logger = logging.getLogger(__name__)


class StoreUnavailableError(Exception):
    """The session or what belongs to it could not be stored: nothing has changed."""


@dataclass(frozen=True)
class Content:
    """What a session is to hold, and until when."""

    values: Values
    expires_at: datetime

    @property
    def stored(self) -> dict[str, Any]:
        return {**self.values, EXPIRES_AT: self.expires_at.timestamp()}


# Writes what belongs to a change on the connection, given the values until now (empty where there
# is no session); returns what the session holds from now on, or None to end it. It may run in
# another thread, so it uses nothing of the request.
Work = Callable[[Connection, Values], Content | None]


class Store(ABC):
    """Sessions by key. Every method raises StoreUnavailableError when the store cannot do it."""

    # Whether the log has nothing later than what a session tells of: who keeps the log says how.
    is_up_to_date: Callable[[Connection, Values], bool] = staticmethod(lambda _c, _values: True)

    @abstractmethod
    def find(self, key: str) -> bytes | None:
        """Return what is stored under the key."""

    def probe(self) -> None:
        """Try what a visitor needs, for nobody."""
        self.find(key_of(""))

    @abstractmethod
    def replace(self, key: str, old: bytes, new: bytes) -> None:
        """Store `new` in place of `old`; do nothing where something else is stored by now."""

    @abstractmethod
    def change(self, key: str | None, fresh: str, work: Work) -> tuple[Values, Content | None]:
        """Do the work in order with whatever else changes the session; return before and after.

        Without a session under `key` the new one is stored under `fresh`.
        """

    @abstractmethod
    def end_of_subject(self, subject: UUID, work: Callable[[Connection], int]) -> int:
        """Do the work and end the sessions of a subject, and return what the work returned."""


def new_id() -> str:
    return secrets.token_urlsafe(ID_BYTES)


def key_of(session_id: str) -> str:
    sent = session_id.encode(errors="backslashreplace")  # It may be anything, and is rarely text.
    return hashlib.sha256(sent).hexdigest()


def encode(values: Values) -> bytes:
    return msgspec.msgpack.encode(dict(values))


def decode(data: bytes | None) -> dict[str, Any]:
    """Return the values in it; none where there is nothing, no msgpack map, or where it is over."""
    if data is None:
        return {}
    try:
        values = MAP.decode(data)
    except MALFORMED:
        logger.error("A stored session is not msgpack: it is left unread.")
        return {}
    return values if is_current(values.get(EXPIRES_AT)) else {}


def is_current(until: object) -> bool:
    """Whether a session is not over that ends then."""
    return isinstance(until, float) and time.time() < until < LATEST


def subject_of(values: Values) -> UUID | None:
    """Return whose session it is: the subject of the decision that `consent` keeps in it."""
    decision = values.get("decision")
    try:
        return UUID(decision["subject"]) if isinstance(decision, Mapping) else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
