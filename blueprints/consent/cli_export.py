"""`flask consent export`: the whole log, or a period of it, for a spreadsheet or a program."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any

import click
from flask import current_app
from sqlalchemy import Row

from blueprints.consent import cli_rows
from blueprints.consent.cli import database
from blueprints.consent.digest import utc_text
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
@cli_rows.of_a_period
def export(kind: str, since: date | None, until: date | None) -> None:
    """Write the consent records to standard output, oldest first, with times in UTC.

    csv: one column per purpose; purposes that the registry no longer has stand together in the
    last one. A cell that a spreadsheet would read as a formula begins with an apostrophe.

    jsonl: one JSON object per line.
    """
    period = cli_rows.period(since, until)
    with database():
        FORMATS[kind](cli_rows.rows(COLUMNS, period, "Exporting"))


def _write_csv(rows: Iterable[Row[Any]]) -> None:
    purposes = current_app.extensions["registry"].optional_ids
    writer = csv.writer(sys.stdout)  # RFC 4180: lines end in CR LF, and a cell with one is quoted
    writer.writerow([*NAMES, *purposes, OTHER_PURPOSES])
    for row in rows:
        writer.writerow([_safe(cell) for cell in _cells(row, purposes)])


def _cells(row: Row[Any], purposes: Iterable[str]) -> Iterator[str]:
    for name in NAMES:
        yield _plain(getattr(row, name))
    statuses = dict(row.statuses or {})
    for purpose in purposes:
        yield statuses.pop(purpose, "")
    yield " ".join(f"{purpose}={status}" for purpose, status in sorted(statuses.items()))


def _plain(value: Any) -> str:  # noqa: ANN401 - a cell of any type
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _write_jsonl(rows: Iterable[Row[Any]]) -> None:
    for row in rows:
        values = {
            key: value if isinstance(value, bool | dict) or value is None else _plain(value)
            for key, value in row._mapping.items()  # noqa: SLF001 - SQLAlchemy's public name
        }
        click.echo(json.dumps(values, ensure_ascii=False))


FORMATS: dict[str, Callable[[Iterable[Row[Any]]], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
}
