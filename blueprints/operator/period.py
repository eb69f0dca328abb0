"""What `report` and `export` share: a period of days, and its records one by one.

They are read as a stream: a log of any length passes through a fixed amount of memory.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import click
from sqlalchemy import ColumnElement, Select, func, select, true

from blueprints.consent.commands import BadInputError, progress
from blueprints.consent.models import ConsentRecord
from blueprints.consent.records import Record, read_record, select_records
from blueprints.database import db

RECORDS_AT_ONCE = 200  # more of them cost memory and are no faster
RECORDS_PER_UPDATE = 1000
YEARS = range(2000, 3000)  # each day of a report is counted, and the calendar ends in 9999


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


def period(since: date | None, until: date | None) -> ColumnElement[bool]:
    """Return what selects the records of these days, in UTC and both included; None: no limit.

    Raises:
        BadInputError: it ends before it begins.

    """
    today = datetime.now(UTC).date()
    if since and since > (until or today):
        end = until or f"{today}, which is today"
        raise BadInputError(f"The period ends before it begins: {since} is after {end}.")
    selects: ColumnElement[bool] = true()
    if since:
        selects &= ConsentRecord.decided_at >= datetime.combine(since, time(), UTC)
    if until:
        after = until + timedelta(days=1)
        selects &= ConsentRecord.decided_at < datetime.combine(after, time(), UTC)
    return selects


def records(
    of: ColumnElement[bool], label: str, query: Select[Any] | None = None
) -> Iterator[Record]:
    """Yield each record of a period, the oldest first, and show how far that is.

    `query` selects them where more than records is wanted.
    """
    query = select_records() if query is None else query
    query = query.where(of).order_by(ConsentRecord.id).execution_options(yield_per=RECORDS_AT_ONCE)
    with db.engine.connect() as connection:
        counted = select(func.count()).select_from(ConsentRecord).where(of)
        length = connection.scalar(counted) or 0
        with progress(length, label) as bar:
            for done, row in enumerate(connection.execute(query), start=1):
                yield read_record(row)
                if done % RECORDS_PER_UPDATE == 0:
                    bar.update(RECORDS_PER_UPDATE)
            bar.update(length - bar.pos)
