"""`flask consent erase` and `purge`: what goes, asked for by a visitor or by time."""

from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext

from blueprints.consent.commands import BadInputError, counted, database, progress
from blueprints.database import wipe_journal
from blueprints.rights import erasure, retention
from blueprints.rights.subjects import joined, named_by, subject_of


@click.command
@click.argument("subject", metavar="SUBJECT", nargs=-1, required=True, callback=joined)
@with_appcontext
def erase(subject: str) -> None:
    """Erase everything about SUBJECT, the random number of a visitor.

    SUBJECT may be the number of one of their records as well, or the file of a receipt.

    Who decided, what and how is gone from every record of theirs. The number, the times, the notice
    and the digest stay, so that the log can still be verified. Their session is ended.
    """
    with database():
        named = named_by(subject)
        if named is None:
            raise BadInputError(f"{subject} is not the number of a visitor.")
        number = subject_of(named.number)
        erased = erasure.erase_subject(number)
    if named.erased:
        click.echo(f"Record {named.erased} is erased already.")
        return
    if not erased:
        raise BadInputError(f"There is no record of {number}: nothing was erased.")
    click.echo(f"Erased {counted(erased, 'record', 'records')} of {number}.")


@click.command
@click.option("--dry-run", is_flag=True, help="Only say how many records it would be.")
@with_appcontext
def purge(*, dry_run: bool) -> None:
    """Erase the records that are kept no longer.

    Those are the ones of which the validity ended more than CONSENT_RETENTION_YEARS years ago, and
    refusals without an acceptance before them, of which the validity has just ended. It
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
