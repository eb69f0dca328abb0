"""`flask consent report`: how people choose, as a table and as a page for a meeting."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import current_app

from blueprints.consent.commands import period as days
from blueprints.consent.commands.shared import BadInputError, database
from blueprints.consent.models import ConsentRecord
from blueprints.consent.registry import Registry
from blueprints.consent.report.numbers import (
    ASSUMED,
    OTHER,
    SMALLEST,
    Groups,
    Report,
    Row,
    percent,
    summarise,
)
from blueprints.consent.views import blueprint

T = TypeVar("T")

COLUMNS = [getattr(ConsentRecord, name) for name in Row._fields]
STATUSES = ("given", ASSUMED, "refused", "withdrawn", OTHER)
STEPS_IN_FULL = 45  # a longer timeline is shown in the terminal month by month


@blueprint.cli.command()
@days.of_a_period
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with charts to this file: one file, no network, no script.",
)
def report(since: date | None, until: date | None, html: Path | None) -> None:
    """Show how people choose: decisions per day, share given per purpose, languages, methods.

    No visitor appears in it: groups under five are merged.
    """
    period = days.period(since, until)
    with database():
        rows: Any = days.rows(COLUMNS, period, "Reading")
        found = summarise(rows, datetime.now(UTC), since, until)
    if html:
        page = current_app.jinja_env.get_template("report/report.html").render(
            report=found,
            named=_named,
            spelled=_spelled,
            statuses=STATUSES,
            # Only here: the other commands, and the site, need not carry pygal.
            charts=import_module("blueprints.consent.report.charts"),
            smallest=SMALLEST,
            controller=_registry().controller,
        )
        try:
            html.write_text(page, encoding="utf-8")
        except OSError as error:
            raise BadInputError(
                f"The report cannot be written to {html}: {error.strerror}."
            ) from None
    click.echo("\n".join(_text(found)))


def _registry() -> Registry:
    registry: Registry = current_app.extensions["registry"]
    return registry


def _named(by_purpose: Mapping[str, T]) -> dict[str, T]:
    """Call the purposes by name; one that the registry no longer has keeps its id."""
    names = {purpose.id: purpose.name["en"] for purpose in _registry().purposes}
    return {names.get(purpose, purpose): value for purpose, value in by_purpose.items()}


def _spelled(groups: Groups) -> Groups:
    """Put codes into words: "en" and "banner.accept_all"."""
    languages = {"en": "English", "pt": "Portuguese"}
    return tuple(
        replace(
            group,
            name=languages.get(group.name, group.name.replace(".", ": ").replace("_", " ")),
        )
        for group in groups
    )


def _text(report: Report) -> Iterator[str]:
    yield f"How people chose from {report.since} to {report.until} (UTC)"
    yield ""
    if not report.is_shown:
        yield f"Fewer than {SMALLEST} decisions: a report on so few would show single people."
        return
    yield f"Decisions             {report.decisions:>11,}"
    yield f"Still valid           {_few(report.still_valid):>11}"
    yield f"Median time to expiry {_days(report.median_days_left):>11}  of those still valid"
    yield f"Median validity       {_days(report.median_days_valid):>11}  from decision to expiry"
    if report.erased:
        yield f"Erased                {_few(report.erased):>11}  counted nowhere else"
    yield from _table("What was accepted", report.answers)
    for purpose, groups in _named(report.purposes).items():
        yield from _table(purpose, groups)
    yield from _table("Global Privacy Control", report.gpc)
    yield from _table("Language", report.languages)
    yield from _table("Method", report.methods)
    yield from _table("Policy version", report.policy_versions)
    yield from _table("Consent model", report.models)
    yield from _timeline(report)


def _table(title: str, groups: Groups) -> Iterator[str]:
    yield ""
    yield title
    for group in groups or ():
        yield f"  {group.name:<26} {group.count:>10,} {percent(group.share):>7}"
    if not groups:
        yield f"  fewer than {SMALLEST} decisions"


def _timeline(report: Report) -> Iterator[str]:
    timeline = report.timeline
    yield ""
    yield f"Decisions per {timeline.step}"
    if len(timeline.counts) <= STEPS_IN_FULL:
        for day, count in timeline.counts.items():
            yield f"  {day!s:<26} {'other' if count is None else f'{count:,}':>10}"
    else:
        yield f"  {'':<26} {'all':>10} {'fewest':>7} {'most':>7}"
        for month, counts in timeline.by_month.items():
            shown = [count for count in counts.values() if count is not None]
            fewest, most = min(shown, default=0), max(shown, default=0)
            yield f"  {month:%Y-%m}{'':<19} {sum(shown):>10,} {fewest:>7,} {most:>7,}"
    if timeline.merged:
        yield f"  {OTHER:<26} {timeline.merged:>10,}"


def _days(days: int | None) -> str:
    return "unknown" if days is None else f"{days:,} days"


def _few(count: int) -> str:
    return f"under {SMALLEST}" if 0 < count < SMALLEST else f"{count:,}"
