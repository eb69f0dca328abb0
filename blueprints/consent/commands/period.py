"""What `report` and `export` share: a period of days, and its records one by one."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import click
from sqlalchemy import Row
from sqlalchemy.orm import InstrumentedAttribute

from blueprints.consent.commands.shared import BadInputError, progress
from blueprints.consent.log import reading
from blueprints.consent.log.reading import Period

ROWS_PER_UPDATE = 1000


class Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:  # noqa: ANN401 - as in click
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise BadInputError(f"'{value}' is no date: write it as 2026-11-24.") from None


def of_a_period(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--from` and `--to`, handed over as `since` and `until`."""
    for name, to, words in (
        ("--to", "until", "The last day, in UTC; without it, until now."),
        ("--from", "since", "The first day, in UTC; without it, from the beginning."),
    ):
        command = click.option(name, to, type=Day(), metavar="DATE", help=words)(command)
    return command


def period(since: date | None, until: date | None) -> Period:
    if since and until and since > until:
        raise BadInputError(f"The period ends before it begins: {since} is after {until}.")
    return Period(since, until)


def rows(columns: list[InstrumentedAttribute[Any]], of: Period, label: str) -> Iterator[Row[Any]]:
    """Yield these columns of each record, the oldest first, and show how far that is."""
    length = reading.count(of)
    with progress(length, label) as bar:
        for done, row in enumerate(reading.stream(columns, of), start=1):
            yield row
            if done % ROWS_PER_UPDATE == 0:
                bar.update(ROWS_PER_UPDATE)
        bar.update(length - bar.pos)
