"""`flask consent report`: how people choose, as a table and as a page for a meeting."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from blueprints.consent.choices import Model
from blueprints.consent.commands import database
from blueprints.consent.models import ConsentRecord
from blueprints.consent.notice_store import KeptNotice, all_kept
from blueprints.consent.records import Record, select_records
from blueprints.consent.visitor import registry
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
from blueprints.rights.standing import standing_of

T = TypeVar("T")

STATUSES = ("given", ASSUMED, "refused", "withdrawn", OTHER, "unknown")
IMPLIED = "CONSENT_MODEL=implied: what continued use assumes is no consent under the GDPR."


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
            records = days.records(period, "Reading", _select_with_newer())

            def counts(record: Record) -> bool:
                return standing_of(record, record["newer_at"], now).counts

            kept = list(all_kept())
            whole = (notice for notice in kept if not notice.placeholder)
            offered = {notice.policy_version: notice.offered for notice in whole}
            numbers = summarise(records, now, since, until, counts=counts, offered=offered)
            found = _named(numbers, kept)
        if write:
            write(_written("operator/report.html", found))
    click.echo(_written("operator/report.txt", found), nl=False)


def _select_with_newer() -> Select[*tuple[Any, ...]]:
    """Select records, each with `newer_at`: when its visitor decided next, if ever."""
    newer = aliased(ConsentRecord)
    of_theirs = select(func.min(newer.decided_at)).where(
        newer.subject == ConsentRecord.subject, newer.decided_at > ConsentRecord.decided_at
    )
    return select_records().add_columns(of_theirs.scalar_subquery().label("newer_at"))


def _written(template: str, report: Report) -> str:
    return current_app.jinja_env.get_template(template).render(
        report=report,
        spelled=_spelled,
        statuses=STATUSES,
        charts=charts,
        percent=percent,
        smallest=SMALLEST,
        other=OTHER,
        about_the_model=IMPLIED if current_app.config["CONSENT_MODEL"] == Model.IMPLIED else "",
        controller=registry().controller,
    )


def _named(report: Report, kept: Iterable[KeptNotice]) -> Report:
    """Call the purposes by name; one that the registry has no more, as it was shown, with its id.

    The id tells it from one that has its name now.
    """
    in_turn = sorted(kept, key=lambda notice: (notice.language == "en", notice.kept_at))
    shown = [entry for notice in in_turn for entry in notice.content.get("purposes", ())]
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
