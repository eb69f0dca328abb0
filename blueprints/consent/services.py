"""Writes to the log of consent: appends a decision, erases what is kept no longer.

Both write on a connection that is given to them, so that what the session holds is changed in the
same transaction.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, insert, null, select, update
from uuid_utils.compat import uuid7

from blueprints.consent.choices import Circumstances, Decision, Status
from blueprints.consent.digest import digest_of, new_salt, write_content
from blueprints.consent.models import ConsentRecord

# Made once: every choice goes through it, and every erasure.
APPEND = insert(ConsentRecord)
ERASE = update(ConsentRecord).values(subject=null(), content=null())
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
TICK = timedelta(milliseconds=1)  # the smallest step between two times that sorts UUIDv7


def decide(
    statuses: Mapping[str, Status],
    circumstances: Circumstances,
    last: Decision | None,
    now: datetime,
    lifetime_months: int,
) -> Decision:
    """Make a decision of an answer and its circumstances.

    `last` is the visitor's last decision, counting or not: this one is theirs too, and never
    earlier, even where the clock was set back. It expires after calendar months, so that a refusal
    lasts as long as the regulators ask (CNIL 2020-091, Garante 2021), and visits do not prolong it.
    """
    at = max(now, last.decided_at + TICK) if last else now
    return Decision(
        **vars(circumstances),
        id=str(uuid7(nanoseconds=(at - EPOCH) // MICROSECOND * 1000)),
        subject=last.subject if last else str(uuid4()),
        statuses=statuses,
        decided_at=at,
        expires_at=months_after(at, lifetime_months),
    )


def as_rest_of(before: Decision, decision: Decision) -> Decision:
    """Let a decision that only takes something back be about what the one `before` was about.

    What is left of a consent lasts no longer for it.
    """
    is_of_then = decision.policy_version == before.policy_version
    return replace(
        decision,
        policy_version=before.policy_version,
        notice=decision.notice if is_of_then else None,
        expires_at=before.expires_at if decision.accepts else decision.expires_at,
    )


def months_after(moment: datetime, months: int) -> datetime:
    """Return the same day so many months later, or the last one of a month that is shorter."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    _weekday, days = monthrange(year, month + 1)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, days))


def record(connection: Connection, decision: Decision) -> None:
    """Append the decision to the log, with its digest. It is one insert.

    Raises:
        SQLAlchemyError: the database did not take it.

    """
    connection.execute(APPEND, columns_of(decision, new_salt()))


def is_last(connection: Connection, decision: Decision) -> bool:
    """Whether the last that the log has of the subject is the record of this decision."""
    theirs = select(ConsentRecord.id).where(ConsentRecord.subject == UUID(decision.subject))
    last = theirs.order_by(ConsentRecord.decided_at.desc()).limit(1)
    return connection.scalar(last) == UUID(decision.id)


def columns_of(decision: Decision, salt: bytes) -> dict[str, Any]:
    """Return the columns of a record: its content, and what stands beside it."""
    content = write_content(decision, salt)
    return {
        "id": UUID(decision.id),
        "subject": UUID(decision.subject),
        "decided_at": decision.decided_at,
        "expires_at": decision.expires_at,
        "notice": decision.notice,
        "content": content,
        "digest": digest_of(content),
    }


def erase(connection: Connection, which: ColumnElement[bool]) -> int:
    """Erase who decided, what and how from each of these records; return how many there were.

    The digest stays, so that the log can still be verified, and without the salt it tells nothing
    (GDPR Art. 17; Recital 26).

    Raises:
        SQLAlchemyError: the database did not do it; nothing has changed.

    """
    return connection.execute(ERASE.where(which)).rowcount
