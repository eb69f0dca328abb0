"""`flask consent report`: how people choose, as a table and as a page for a meeting."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import click
from flask import current_app
from flask.cli import with_appcontext

from blueprints.consent.choices import Model
from blueprints.consent.commands import database
from blueprints.consent.notice_store import all_kept
from blueprints.consent.records import Record, select_with_newer
from blueprints.consent.visitor import registry, standing_of
from blueprints.operator import charts
from blueprints.operator import period as days
from blueprints.operator.numbers import (
    ASSUMED,
    OTHER,
    SMALLEST,
    Groups,
    Report,
    percent,
    summarise,
)
from blueprints.operator.output import replacing

T = TypeVar("T")

STATUSES = ("given", ASSUMED, "refused", "withdrawn", OTHER, "unknown")
ROWS_IN_FULL = 45  # more days or weeks are shown in the terminal month by month


@click.command
@days.of_a_period
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with charts to this file: one file, no network, no script.",
)
@with_appcontext
def report(since: date | None, until: date | None, html: Path | None) -> None:
    """Show how people choose: decisions per day, share given per purpose, languages, methods.

    No visitor appears in it: groups under five are merged.
    """
    period = days.period(since, until)
    with replacing(html) if html else nullcontext() as write:
        with database():
            now = datetime.now(UTC)
            records = days.records(period, "Reading", select_with_newer())

            def counts(record: Record) -> bool:
                return standing_of(record, record["newer_at"], now).counts

            found = summarise(records, now, since, until, counts=counts)
            found = _named(found)
        if write:
            write(_page(found))
    click.echo("\n".join(_text(found)))


def _page(report: Report) -> str:
    return current_app.jinja_env.get_template("operator/report.html").render(
        report=report,
        spelled=_spelled,
        statuses=STATUSES,
        charts=charts,
        percent=percent,
        smallest=SMALLEST,
        about_the_model=" ".join(_about_the_model()),
        controller=registry().controller,
    )


def _named(report: Report) -> Report:
    """Call the purposes by name; one that the registry has no more, as it was shown, with its id.

    The id tells it from one that has its name now.
    """
    kept = sorted(all_kept(), key=lambda kept: (kept.notice.language == "en", kept.kept_at))
    shown = [entry for of_then in kept for entry in of_then.notice.content.get("purposes", ())]
    names = {entry["id"]: f"{entry['name']} ({entry['id']})" for entry in shown}
    names |= {purpose.id: purpose.name["en"] for purpose in registry().purposes}

    def named(by_purpose: Mapping[str, T]) -> dict[str, T]:
        return {names.get(purpose, purpose): value for purpose, value in by_purpose.items()}

    return replace(
        report, purposes=named(report.purposes), given_by_month=named(report.given_by_month)
    )


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
    yield from _about_the_model()
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
    for purpose, groups in report.purposes.items():
        yield from _table(purpose, groups)
    yield from _table("Global Privacy Control", report.gpc)
    yield from _table("Language", report.languages)
    yield from _table("Method", report.methods)
    yield from _table("Policy version", report.policy_versions)
    yield from _table("Consent model", report.models)
    yield from _timeline(report)


def _about_the_model() -> Iterator[str]:
    if current_app.config["CONSENT_MODEL"] == Model.IMPLIED:
        yield "CONSENT_MODEL=implied: what continued use assumes is no consent under the GDPR."


def _table(title: str, groups: Groups) -> Iterator[str]:
    yield ""
    yield title
    for group in groups:
        yield f"  {group.name:<26} {group.count:>10,} {percent(group.share):>7}"
    if not groups:
        yield f"  fewer than {SMALLEST} decisions"


def _timeline(report: Report) -> Iterator[str]:
    timeline = report.timeline
    yield ""
    yield f"Decisions per {timeline.interval}"
    in_full = timeline.interval == "month" or len(timeline.counts) <= ROWS_IN_FULL
    yield from _about_the_rows(timeline.interval, in_full=in_full)
    if in_full:
        for day, count in timeline.counts.items():
            yield f"  {day!s:<26} {'other' if count is None else f'{count:,}':>10}"
    else:
        yield f"  {'':<26} {'all':>10} {'fewest':>7} {'most':>7}"
        for month, counts in timeline.by_month.items():
            shown = {day: count for day, count in counts.items() if count is not None}
            whole = [
                f"{count:,}"
                for count in sorted(n for day, n in shown.items() if day not in timeline.cut)
            ] or ["-"]
            yield f"  {month:%Y-%m}{'':<19} {sum(shown.values()):>10,} {whole[0]:>7} {whole[-1]:>7}"
    for day in sorted(timeline.cut):
        yield f"  {day}: only a part of this {timeline.interval} is counted"
    if timeline.merged:
        yield f"  {OTHER:<26} {timeline.merged:>10,}"


def _about_the_rows(interval: str, *, in_full: bool) -> Iterator[str]:
    if not in_full:
        whole = (
            "its decisions"
            if interval == "day"
            else f"decisions of the {interval}s that begin in it"
        )
        yield f"  A row is a month: all {whole},"
        yield f"  and the fewest and the most that one whole {interval} of it has."
    elif interval != "day":
        yield f"  A row is a {interval}, named by its first day."


def _days(days: int | None) -> str:
    return "unknown" if days is None else f"{days:,} days"


def _few(count: int) -> str:
    return f"under {SMALLEST}" if 0 < count < SMALLEST else f"{count:,}"
