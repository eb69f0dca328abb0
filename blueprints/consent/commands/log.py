"""`flask consent seal`, `verify`, `erase` and `purge`: the commands that keep and check the log."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click
from flask import current_app
from sqlalchemy import func, select

from blueprints.consent.commands.shared import BadInputError, counted, database, progress, utc
from blueprints.consent.log import erasure, retention
from blueprints.consent.log.heads import HeadFileError, read_heads
from blueprints.consent.log.seals import Seal, count_open, last_seal, seal_open_records
from blueprints.consent.log.verifier import Count, TamperedError, verify
from blueprints.consent.models import ConsentRecord
from blueprints.consent.views import blueprint
from blueprints.database import db, wipe_journal

NO_LIMIT = 2**31


@blueprint.cli.command("seal")
def seal_command() -> None:
    """Seal the records that are open.

    The site does so by itself after every CONSENT_SEAL_RECORDS records or CONSENT_SEAL_MINUTES
    minutes; where there are few choices, run this every hour.
    """
    with database():
        waiting, _first = count_open(NO_LIMIT)
        if not waiting:
            click.echo("No record is open.")
            return
        sealed, at_most = 0, current_app.config["CONSENT_SEAL_BATCH"]
        with progress(waiting, "Sealing") as bar:
            while seal := seal_open_records(datetime.now(UTC), at_most):
                sealed += seal.size
                bar.update(seal.size)
        last = last_seal()
    click.echo(f"Sealed {counted(sealed, 'record', 'records')}.")
    if last:
        click.echo(_head(last))


def _head(seal: Seal) -> str:
    return f"Head of seal {seal.number}, {utc(seal.sealed_at)}: {seal.head}"


@blueprint.cli.command("verify")
@click.option(
    "--head",
    "head_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A copy of /consent/seals.json, or one seal of it, that was kept elsewhere.",
)
def verify_command(head_file: Path | None) -> None:
    """Check that the log is as it was written.

    Names the first record or seal that was changed, removed, inserted or reordered, and ends with
    status 1. That the end of the log was cut off, or that all of it was made anew, shows only
    with --head: keep /consent/seals.json somewhere else from time to time.
    """
    try:
        kept = read_heads(head_file) if head_file else {}
    except HeadFileError as error:
        raise BadInputError(str(error)) from None
    try:
        with database():
            count = _verified(kept)
    except TamperedError as error:
        click.echo(f"Not intact. {error}")
        sys.exit(1)
    records = counted(count.sealed + count.open, "record", "records")
    seals = counted(count.seals, "seal", "seals")
    click.echo(f"Intact: {records} ({count.open:,} open, {count.erased:,} erased) in {seals}.")
    if count.last:
        click.echo(_head(count.last))
    if head_file:
        click.echo(f"The log still contains every head in {head_file}.")
    else:
        click.echo("A cut-off end would show only against a head kept elsewhere: use --head.")


def _verified(kept: Mapping[int, str]) -> Count:
    with db.engine.connect() as connection:
        length = connection.scalar(select(func.count()).select_from(ConsentRecord)) or 0
    with progress(length, "Verifying") as bar:
        count = verify(kept, bar.update)
        bar.update(length - bar.pos)
    return count


@blueprint.cli.command("erase")
@click.argument("subject")
def erase_command(subject: str) -> None:
    """Erase everything about SUBJECT, the random number of a visitor.

    Who decided and what is gone from every record of theirs; the digests stay, so that the log can
    still be verified. Their session is ended.
    """
    try:
        number = UUID(subject)
    except ValueError:
        raise BadInputError(f"{subject} is not the number of a visitor.") from None
    with database():
        erased = erasure.erase_subject(number)
    if not erased:
        raise BadInputError(f"There is no record of {number}: nothing was erased.")
    click.echo(f"Erased {counted(erased, 'record', 'records')} of {number}.")


@blueprint.cli.command("purge")
@click.option("--dry-run", is_flag=True, help="Only say how many records it would be.")
def purge_command(*, dry_run: bool) -> None:
    """Erase the records that are kept no longer.

    Those are the ones of which the validity ended more than CONSENT_RETENTION_YEARS years ago. It
    can be interrupted and run again at any time.
    """
    now, years = datetime.now(UTC), current_app.config["CONSENT_RETENTION_YEARS"]
    with database():
        past = retention.count_past(now, years)
        if dry_run:
            click.echo(f"Would erase {counted(past, 'record', 'records')}.")
            return
        with progress(past, "Erasing") as bar:
            erased = retention.purge(now, years, bar.update)
        wipe_journal()
    click.echo(f"Erased {counted(erased, 'record', 'records')}.")
