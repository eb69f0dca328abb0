"""Reads the log as a stream: a database of any length passes through a fixed amount of memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import InstrumentedAttribute

from blueprints.consent.models import ConsentRecord
from blueprints.database import db

ROWS_AT_ONCE = 200  # more of them cost memory and are no faster


@dataclass(frozen=True)
class Period:
    """The days, in UTC and both included, of which decisions are read; None: no limit."""

    since: date | None = None
    until: date | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = ConsentRecord.id.is_not(None)
        if self.since:
            condition &= ConsentRecord.decided_at >= datetime.combine(self.since, time(), UTC)
        if self.until:
            after = self.until + timedelta(days=1)
            condition &= ConsentRecord.decided_at < datetime.combine(after, time(), UTC)
        return condition


def count(period: Period) -> int:
    query = select(func.count()).select_from(ConsentRecord).where(period.condition)
    with db.engine.connect() as connection:
        return connection.scalar(query) or 0


def stream(columns: list[InstrumentedAttribute[Any]], period: Period) -> Iterator[Row[Any]]:
    """Yield these columns of each record, the oldest first."""
    query = select(*columns).where(period.condition).order_by(ConsentRecord.id)
    with db.engine.connect() as connection:
        yield from connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
