"""`flask consent export`: the whole log, or a period of it, for a spreadsheet or a program."""

import csv
import json
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import click
from flask import current_app
from sqlalchemy import Row

from blueprints.consent.commands import period as days
from blueprints.consent.commands.shared import database
from blueprints.consent.log.digest import utc_text
from blueprints.consent.models import ConsentRecord
from blueprints.consent.views import blueprint

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP ASVS 5.0, 1.2.10
OTHER_PURPOSES = "other_purposes"
COLUMNS = [
    ConsentRecord.id,
    ConsentRecord.subject,
    ConsentRecord.decided_at,
    ConsentRecord.expires_at,
    ConsentRecord.policy_version,
    ConsentRecord.language,
    ConsentRecord.model,
    ConsentRecord.method,
    ConsentRecord.is_consent,
    ConsentRecord.gpc,
    ConsentRecord.notice,
    ConsentRecord.salt,
    ConsentRecord.digest,
    ConsentRecord.statuses,
]
NAMES = [column.key for column in COLUMNS if column is not ConsentRecord.statuses]


@blueprint.cli.command()
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), required=True)
@days.of_a_period
def export(kind: str, since: date | None, until: date | None) -> None:
    """Write the consent records to standard output, oldest first, with times in UTC.

    csv: one column per purpose; purposes that the registry no longer has stand together in the
    last one. A cell that a spreadsheet would read as a formula begins with an apostrophe.

    jsonl: one JSON object per line.
    """
    period = days.period(since, until)
    with database():
        FORMATS[kind](days.rows(COLUMNS, period, "Exporting"))


def _write_csv(rows: Iterable[Row[Any]]) -> None:
    purposes = current_app.extensions["registry"].optional_ids
    writer = csv.writer(sys.stdout)  # RFC 4180: lines end in CR LF, and a cell with one is quoted
    writer.writerow([*NAMES, *purposes, OTHER_PURPOSES])
    values: list[Any]
    for *values, statuses in rows:
        cells = [CELLS[type(value)](value) for value in values]
        others = dict(statuses or {})
        cells += [others.pop(purpose, "") for purpose in purposes]
        cells.append(" ".join(f"{purpose}={status}" for purpose, status in sorted(others.items())))
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])


def _write_jsonl(rows: Iterable[Row[Any]]) -> None:
    for row in rows:
        line = json.dumps(row._asdict(), default=_plain, ensure_ascii=False)
        sys.stdout.write(f"{line}\n")


def _plain(value: Any) -> str:  # noqa: ANN401 - whatever JSON has no word for
    return CELLS[type(value)](value)


CELLS: dict[type, Callable[[Any], str]] = {
    str: str,
    UUID: str,
    bytes: bytes.hex,
    datetime: utc_text,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _value: "",
}
FORMATS: dict[str, Callable[[Iterable[Row[Any]]], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
}
