"""What the commands share: the period, the progress bar, and a refusal in one sentence."""

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import click

from blueprints.consent.reading import Period

T = TypeVar("T")


class Refusal(click.ClickException):
    """A wrong input: one sentence on standard error, exit status 2, nothing changed."""

    exit_code = 2


class Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: Any, param: Any, ctx: Any) -> date:  # noqa: ANN401 - as in click
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise Refusal(f"'{value}' is no date: write it as 2026-11-24.") from None


def period(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--from` and `--to`, handed over as `since` and `until`."""
    for name, to, words in (
        ("--to", "until", "The last day, in UTC; without it, until now."),
        ("--from", "since", "The first day, in UTC; without it, from the beginning."),
    ):
        command = click.option(name, to, type=Day(), metavar="DATE", help=words)(command)
    return command


def checked(since: date | None, until: date | None) -> Period:
    if since and until and since > until:
        raise Refusal(f"The period ends before it begins: {since} is after {until}.")
    return Period(since, until)


def with_progress(items: Iterable[T], length: int, label: str) -> Iterator[T]:
    """Yield the items, and show on a terminal how far that is."""
    quiet = not sys.stderr.isatty()
    with click.progressbar(
        items, length=length, label=label, file=sys.stderr, hidden=quiet
    ) as watched:
        yield from watched
