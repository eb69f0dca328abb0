"""Retention: a record is kept while it can be relied on, and then erased.

`CONSENT_RETENTION_YEARS` counts from the end of a record's validity: three years is when claims
lapse (Lei 58/2019, Art. 40). Erasing leaves the digest, so the log stays valid.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, Connection, and_, func, select

from blueprints.consent import services
from blueprints.consent.models import ConsentRecord
from blueprints.database import db, write

BATCH = 1000


def _is_past(now: datetime, years: int) -> ColumnElement[bool]:
    ended = ConsentRecord.expires_at <= now - relativedelta(years=years)
    return and_(ConsentRecord.subject.is_not(None), ended)


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
