"""`flask consent export`: the whole log, or a period of it, for a spreadsheet or a program."""

import csv
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import date
from typing import Any

import click
from flask.cli import with_appcontext

from blueprints.consent.choices import Decision
from blueprints.consent.commands import database
from blueprints.consent.records import Record, as_text
from blueprints.consent.visitor import registry
from blueprints.operator import period as days

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP ASVS 5.0, 1.2.10
OTHER_PURPOSES = "other_purposes"
FIRST = ("id", "subject", "decided_at", "expires_at")
LAST = ("is_consent", "salt", "digest")
# Every field of a decision, whatever is added to it; the purposes are columns of their own.
OF_A_DECISION = [field.name for field in fields(Decision) if field.name != "statuses"]
NAMES = list(dict.fromkeys([*FIRST, *OF_A_DECISION, *LAST]))


@click.command
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl"]), required=True)
@days.of_a_period
@with_appcontext
def export(kind: str, since: date | None, until: date | None) -> None:
    """Write the consent records to standard output, oldest first, with times in UTC.

    csv: one column per purpose; purposes that the registry no longer has stand together in the
    last one. A cell that a spreadsheet would read as a formula begins with an apostrophe.

    jsonl: one JSON object per line, word for word as the digest is over it.
    """
    period = days.period(since, until)
    with database():
        FORMATS[kind](days.records(period, "Exporting"))


def _write_csv(records: Iterable[Record]) -> None:
    purposes = registry().optional_ids
    writer = csv.writer(sys.stdout)  # RFC 4180: lines end in CR LF, and a cell with one is quoted
    writer.writerow([*NAMES, *purposes, OTHER_PURPOSES])
    for record in records:
        cells = [_cell(record.get(name)) for name in NAMES]
        others = dict(record.get("statuses", {}))
        cells += [others.pop(purpose, "") for purpose in purposes]
        cells.append(" ".join(f"{purpose}={status}" for purpose, status in sorted(others.items())))
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])


def _cell(value: Any) -> str:  # noqa: ANN401 - a value of any column
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else as_text(value)


def _write_jsonl(records: Iterable[Record]) -> None:
    for record in records:
        said = json.loads(record["content"] or "{}")
        values = {name: record.get(name) for name in NAMES} | {"statuses": said.get("statuses")}
        sys.stdout.write(json.dumps(values, default=as_text, ensure_ascii=False) + "\n")


FORMATS: dict[str, Callable[[Iterable[Record]], None]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
}
