"""The digest of a record and of a seal: SHA-256 over canonical JSON (RFC 8785).

Two programs that agree on the values agree on the bytes, so that anybody can compute a digest again
years later. The random salt makes sure that nobody can guess an erased record from its digest: a
record has few likely contents (GDPR Recital 26).
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785

SALT_BYTES = 16
SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Write the value as RFC 8785 says.

    Raises:
        ValueError: it is no JSON that RFC 8785 can write.

    """
    return rfc8785.dumps(value)


def new_salt() -> bytes:
    return secrets.token_bytes(SALT_BYTES)


def utc_text(at: datetime) -> str:
    """Write a time as digests have it: ISO 8601, UTC, with microseconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def sha256_of(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    return hashlib.sha256(canonical(value)).digest()


def record_content(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the digest of a record is over, by the names of the columns."""
    return {
        "id": str(record["id"]),
        "subject": str(record["subject"]),
        "statuses": {key: str(status) for key, status in record["statuses"].items()},
        "policy_version": record["policy_version"],
        "language": record["language"],
        "model": str(record["model"]),
        "method": record["method"],
        "is_consent": record["is_consent"],
        "gpc": record["gpc"],
        "decided_at": utc_text(record["decided_at"]),
        "expires_at": utc_text(record["expires_at"]),
        "notice": record["notice"],
        "salt": record["salt"].hex(),
    }


def record_digest(record: Mapping[str, Any]) -> bytes:
    """Compute the digest of a record that has not been erased.

    A record holds texts, yes, no and null, under keys of ASCII: there sorted JSON has the very
    bytes of RFC 8785, and costs a tenth. A test shows that it is so.
    """
    return hashlib.sha256(SORTED.encode(record_content(record)).encode()).digest()
