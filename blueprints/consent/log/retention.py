"""Retention: a record is kept while it can be relied on, and then erased.

`CONSENT_RETENTION_YEARS` counts from the end of a record's validity: three years is when claims
lapse (Lei 58/2019, Art. 40). Erasing leaves the digest, so the log stays valid.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy import ColumnElement, and_, func, select, update

from blueprints.consent.models import ConsentRecord
from blueprints.consent.services import ERASED
from blueprints.database import db

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
    while True:
        query = select(ConsentRecord.id).where(_is_past(now, years), ConsentRecord.id > after)
        with db.engine.begin() as connection:
            ids = connection.scalars(query.order_by(ConsentRecord.id).limit(BATCH)).all()
            if not ids:
                return erased
            connection.execute(
                update(ConsentRecord).where(ConsentRecord.id.in_(ids)).values(ERASED)
            )
        erased, after = erased + len(ids), ids[-1]
        progress(len(ids))
