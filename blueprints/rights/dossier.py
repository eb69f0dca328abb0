"""Everything the log holds about one record or one visitor, gathered for an authority.

What can be checked is checked on the way: that a record fits its digest, a notice its number, and
that the proof leads from the digest to the root of a seal whose head fits.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from blueprints.consent import notice_store
from blueprints.consent.digest import digest_of
from blueprints.consent.models import ConsentRecord
from blueprints.consent.notice_store import KeptNotice
from blueprints.consent.records import Record, read_record, select_records
from blueprints.database import db
from blueprints.proof import seals
from blueprints.proof.seals import Proof
from blueprints.rights import history
from blueprints.rights.standing import OVER, Standing


@dataclass(frozen=True)
class Entry:
    """A record with its proof. An erased record has no content."""

    record: Record
    standing: Standing  # at the time of the dossier
    proof: Proof | None  # None: not yet sealed

    @property
    def is_erased(self) -> bool:
        return self.record["subject"] is None

    @property
    def fits_digest(self) -> bool | None:
        """Whether the record fits its digest; None where it is erased, so that nobody can tell."""
        record = self.record
        return None if self.is_erased else digest_of(record["content"]) == record["digest"]

    @property
    def is_proven(self) -> bool:
        return self.proof is not None and self.proof.leads_from(self.record["digest"])


@dataclass(frozen=True)
class Dossier:
    asked_for: UUID
    made_at: datetime
    entries: tuple[Entry, ...]  # the record asked for, or all of the visitor's, the newest first
    others: tuple[Record, ...]  # of the same visitor
    notices: tuple[KeptNotice, ...]  # those that the entries name


def compile_dossier(number: UUID, now: datetime) -> Dossier | None:
    """Gather what there is about a record, or about a subject; None where there is neither."""
    query = select_records().where(ConsentRecord.id == number)
    with db.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    record = read_record(row) if row else None
    subject = record["subject"] if record else number
    theirs = history.records_of(subject) if subject else []
    asked = [record] if record else theirs
    others = [other for other in theirs if other["id"] != number] if record else []
    if not asked:
        return None
    standings = history.standings_of(theirs, now)
    names = dict.fromkeys(row["notice"] for row in asked if row["notice"])
    kept = (notice_store.find_kept(name) for name in names)
    return Dossier(
        asked_for=number,
        made_at=now,
        entries=tuple(
            Entry(row, standings.get(row["id"], OVER), seals.prove(row["id"])) for row in asked
        ),
        others=tuple(others),
        notices=tuple(filter(None, kept)),
    )
