"""Retention: a record is kept while it can be relied on, and then erased.

An acceptance must be shown for as long as the site may have to answer for it (GDPR Art. 7(1)), and
with it what withdrew or followed it. `CONSENT_RETENTION_YEARS` counts from the end of its validity:
three years is how long a very serious administrative offence is prosecuted (Lei 58/2019, Art. 40).
No law asks to show a refusal where nothing was accepted before: it is kept only while it spares the
visitor the question (EDPB 05/2020, 107). Erasing leaves the digest, so the log stays valid.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, exists, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from blueprints.consent import services
from blueprints.consent.choices import TELL_OF_ACCEPTANCE
from blueprints.consent.models import ConsentRecord
from blueprints.consent.services import months_after
from blueprints.database import db, write

BATCH = 1000


def _is_past(now: datetime, years: int) -> ColumnElement[bool]:
    long_ago, earlier = months_after(now, -12 * years), aliased(ConsentRecord)
    accepted_before = exists().where(
        earlier.subject == ConsentRecord.subject,
        earlier.decided_at < ConsentRecord.decided_at,
        earlier.expires_at > long_ago,
        _tells_of_acceptance(earlier.content),
    )
    only_refuses = and_(
        ConsentRecord.expires_at <= now,
        not_(_tells_of_acceptance(ConsentRecord.content)),
        not_(accepted_before),
    )
    ended = or_(ConsentRecord.expires_at <= long_ago, only_refuses)
    return and_(ConsentRecord.subject.is_not(None), ended)


def _tells_of_acceptance(content: InstrumentedAttribute[str | None]) -> ColumnElement[bool]:
    """Whether a purpose is accepted in a record, or withdrawn: its content is canonical JSON."""
    said = (content.contains(f':"{status}"', autoescape=True) for status in TELL_OF_ACCEPTANCE)
    return or_(*said)


def count_past(now: datetime, years: int) -> int:
    """Count the records whose time is over."""
    with db.engine.connect() as connection:
        query = select(func.count()).select_from(ConsentRecord).where(_is_past(now, years))
        return connection.scalar(query) or 0


def purge(now: datetime, years: int, progress: Callable[[int], None]) -> int:
    """Erase the records whose time is over, a batch at a time, and return how many there were.

    Each batch is committed, so that it holds up no choice, and so that it goes on where it was when
    it is run again after an interruption.

    Raises:
        SQLAlchemyError: the database did not go on; the batches before are erased.

    """
    erased, after = 0, UUID(int=0)

    def erase(connection: Connection) -> Sequence[UUID]:
        query = select(ConsentRecord.id).where(_is_past(now, years), ConsentRecord.id > after)
        ids = connection.scalars(query.order_by(ConsentRecord.id).limit(BATCH)).all()
        services.erase(connection, ConsentRecord.id.in_(ids))
        return ids

    while ids := write(erase):
        erased, after = erased + len(ids), ids[-1]
        progress(len(ids))
    return erased
