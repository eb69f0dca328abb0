"""`flask consent seal` and `verify`: the commands that close and check the log."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select

from blueprints.consent.commands import BadInputError, counted, database, progress, utc
from blueprints.consent.models import ConsentRecord
from blueprints.database import db
from blueprints.proof.heads import HeadFileError, read_heads
from blueprints.proof.seals import (
    Seal,
    count_open,
    count_waiting,
    seal_open_records,
)
from blueprints.proof.verifier import Count, TamperedError, verify_log

NO_LIMIT = 2**31


@click.command
@with_appcontext
def seal() -> None:
    """Seal the records that are open.

    The site does so by itself after every CONSENT_SEAL_RECORDS records or CONSENT_SEAL_MINUTES
    minutes; where there are few choices, run this every hour.
    """
    now, at_most = datetime.now(UTC), current_app.config["CONSENT_SEAL_BATCH"]
    sealed, last = 0, None
    with database():
        found, _first = count_open(now, NO_LIMIT)
        with progress(found, "Sealing") as bar:
            while made := seal_open_records(now, at_most):
                sealed, last = sealed + made.size, made
                bar.update(made.size)
        left, _first = count_open(now, 1)
        waiting, until = count_waiting(datetime.now(UTC))  # Choices go on meanwhile.
    if sealed:
        click.echo(f"Sealed {counted(sealed, 'record', 'records')}.")
    elif left:
        click.echo("Another process sealed at this moment. If it always does, run 'verify'.")
    elif not waiting:
        click.echo("No record is open.")
    if until:
        click.echo(
            f"{counted(waiting, 'record is', 'records are')} dated later than now "
            f"and can be sealed from {utc(until)} on."
        )
    if last:
        click.echo(_head(last))


def _head(seal: Seal) -> str:
    return f"Head of seal {seal.number}, {utc(seal.sealed_at)}: {seal.head}"


@click.command
@click.option(
    "--head",
    "head_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A copy of /consent/seals.json, or one seal of it, that was kept elsewhere.",
)
@with_appcontext
def verify(head_file: Path | None) -> None:
    """Check that the log is as it was written.

    Names the first record or seal that was changed, removed, inserted or reordered, and ends with
    status 1. Records that were sealed more than a day before or after their own time are listed and
    change no status: a clock was wrong, nothing was sealed for long, or they were dated back.

    That the end of the log was cut off, or that all of it was made anew, shows only with --head:
    keep /consent/seals.json somewhere else from time to time.
    """
    try:
        heads = read_heads(head_file) if head_file else {}
    except HeadFileError as error:
        raise BadInputError(str(error)) from None
    try:
        with database():
            count = _verified(heads)
    except TamperedError as error:
        click.echo(f"Not intact. {error}")
        sys.exit(1)
    records = counted(count.sealed + count.open, "record", "records")
    seals = counted(count.seals, "seal", "seals")
    click.echo(f"Intact: {records} ({count.open:,} open, {count.erased:,} erased) in {seals}.")
    if count.last:
        click.echo(_head(count.last))
    if count.late:
        _tell_late(count)
    if head_file:
        click.echo(f"The log still contains every head in {head_file}.")
    else:
        click.echo("A cut-off end would show only against a head kept elsewhere: use --head.")


def _tell_late(count: Count) -> None:
    late = counted(count.late, "record", "records")
    click.echo(f"Sealed late, more than a day away from its own time: {late}.")
    for record in count.first_late:
        sealed = f"sealed {utc(record.seal.sealed_at)} in seal {record.seal.number}"
        click.echo(f"  {record.record}, decided {record.decided_at[:19]} UTC, {sealed}")
    if count.late > len(count.first_late):
        click.echo(f"  and {count.late - len(count.first_late):,} more")


def _verified(heads: Mapping[int, str]) -> Count:
    with db.engine.connect() as connection:
        length = connection.scalar(select(func.count()).select_from(ConsentRecord)) or 0
    with progress(length, "Verifying") as bar:
        count = verify_log(heads, bar.update)
        bar.update(length - bar.pos)
    return count
