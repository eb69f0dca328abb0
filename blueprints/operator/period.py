"""What `report` and `export` share: a period of days, and its records one by one.

They are read as a stream: a log of any length passes through a fixed amount of memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import click
from sqlalchemy import ColumnElement, Select, func, select

from blueprints.consent.commands import BadInputError, progress
from blueprints.consent.models import ConsentRecord
from blueprints.consent.records import Record, read_record, select_records
from blueprints.database import db

RECORDS_AT_ONCE = 200  # more of them cost memory and are no faster
RECORDS_PER_UPDATE = 1000
YEARS = range(2000, 3000)  # each day of a report is counted, and the calendar ends in 9999


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


class Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:  # noqa: ANN401 - as in click
        try:
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise BadInputError(f"'{value}' is no date: write it as 2026-11-24.") from None
        if day.year not in YEARS:
            raise BadInputError(f"'{value}' is in no year of this site, {YEARS[0]} to {YEARS[-1]}.")
        return day


def of_a_period(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--from` and `--to`, handed over as `since` and `until`."""
    for name, to, words in (
        ("--to", "until", "The last day, in UTC; without it, until now."),
        ("--from", "since", "The first day, in UTC; without it, from the beginning."),
    ):
        command = click.option(name, to, type=Day(), metavar="DATE", help=words)(command)
    return command


def period(since: date | None, until: date | None) -> Period:
    today = datetime.now(UTC).date()
    if since and since > (until or today):
        end = until or f"{today}, which is today"
        raise BadInputError(f"The period ends before it begins: {since} is after {end}.")
    return Period(since, until)


def records(of: Period, label: str, query: Select[Any] | None = None) -> Iterator[Record]:
    """Yield each record, the oldest first, and show how far that is.

    `query` selects them where more than records is wanted.
    """
    length = _count(of)
    with progress(length, label) as bar:
        for done, record in enumerate(_stream(of, query), start=1):
            yield record
            if done % RECORDS_PER_UPDATE == 0:
                bar.update(RECORDS_PER_UPDATE)
        bar.update(length - bar.pos)


def _count(period: Period) -> int:
    query = select(func.count()).select_from(ConsentRecord).where(period.condition)
    with db.engine.connect() as connection:
        return connection.scalar(query) or 0


def _stream(period: Period, query: Select[Any] | None) -> Iterator[Record]:
    query = select_records() if query is None else query
    query = query.where(period.condition).order_by(ConsentRecord.id)
    with db.engine.connect() as connection:
        rows = connection.execution_options(yield_per=RECORDS_AT_ONCE).execute(query)
        yield from map(read_record, rows)
