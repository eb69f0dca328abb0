"""`flask consent find`: what an authority is handed about one record or one visitor."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import click
from flask import current_app, g
from flask.cli import with_appcontext

from blueprints.consent.commands import BadInputError, database, utc
from blueprints.consent.records import as_text
from blueprints.consent.registry_checks import LANGUAGES
from blueprints.consent.visitor import registry
from blueprints.rights.dossier import Dossier, Entry, compile_dossier
from blueprints.rights.history import names_of_purposes
from blueprints.rights.subjects import joined, named_by


# The value of a cookie may begin with a hyphen, which is no option then.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("number", metavar="ID", nargs=-1, required=True, callback=joined)
@click.option("--json", "is_json", is_flag=True, help="As JSON.")
@click.option("--html", "is_html", is_flag=True, help="As one page without network or script.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    help="In which language the text or the page is, for whoever asks.",
)
@with_appcontext
def find(number: str, language: str, *, is_json: bool, is_html: bool) -> None:
    """Show everything about ID, the number of a record or of a visitor (subject).

    ID may be the file of a receipt as well, or the value of a visitor's session cookie, which they
    find in their browser.

    The record, how long it is valid, the notice that was shown word for word, the proof that the
    record is in the sealed log, and the other records of the same visitor.
    """
    if is_json and is_html:
        raise BadInputError("It is either --json or --html.")
    with database():
        found = compile_dossier(_asked_for(number), datetime.now(UTC))
        if found is None:
            raise BadInputError(f"There is no record and no visitor with the number {number}.")
        names = _purpose_names(found, language)
    if is_json:
        click.echo(json.dumps(_as_json(found), default=as_text, ensure_ascii=False, indent=1))
        return
    g.language = language
    template = current_app.jinja_env.get_template(
        "rights/find.html" if is_html else "rights/find.txt"
    )
    page = template.render(
        dossier=found,
        utc=utc,
        controller=registry().controller,
        purpose_names=names,
        in_force=[purpose.id for purpose in registry().purposes],
        language=language,
        notice_words=current_app.extensions["notice_words"],
    )
    click.echo(page)


def _purpose_names(found: Dossier, language: str) -> Mapping[str, str]:
    """Call the purposes of records and notices by name."""
    shown = {
        purpose["id"]: purpose["name"]
        for notice in found.notices
        for purpose in notice.content.get("purposes", ())
    }
    records = (entry.record for entry in found.entries)
    return shown | names_of_purposes(registry(), records, language)


def _asked_for(number: str) -> UUID:
    if named := named_by(number):
        return named.erased or named.number
    subject: UUID | None = current_app.extensions["sessions"].subject_of_cookie(number)
    if subject is None:
        raise BadInputError(f"{number} is not the number of a record or of a visitor.")
    return subject


def _as_json(found: Dossier) -> Mapping[str, Any]:
    return {
        "asked_for": found.asked_for,
        "made_at": found.made_at,
        "records": [_entry(entry) for entry in found.entries],
        "other_records": [record["id"] for record in found.others],
        "notices": [
            {
                "id": notice.id,
                "fits_number": notice.fits_id,
                "kept_at": notice.kept_at,
                "content": notice.content,
            }
            for notice in found.notices
        ],
    }


def _entry(entry: Entry) -> Mapping[str, Any]:
    proof = entry.proof
    return {
        **{name: value for name, value in entry.record.items() if name != "content"},
        "is_valid": entry.standing.counts,
        "replaced_at": entry.standing.replaced_at,
        "asked_again": sorted(entry.standing.opened),
        "is_erased": entry.is_erased,
        "fits_digest": entry.fits_digest,
        "is_proven": entry.is_proven,
        "proof": proof
        and {
            "position": proof.position,
            "index": proof.index,
            "path": proof.path,
            "seal": proof.seal.as_json,
        },
    }
