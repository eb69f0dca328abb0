"""The notices that were shown, kept in the database for as long as records name them."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from blueprints.consent.coverage import Additions, additions
from blueprints.consent.models import ConsentNotice
from blueprints.consent.notices import Notice
from blueprints.database import db, reading, write

ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class KeptNotice(Notice):
    kept_at: datetime


class Notices:
    """The notices in force, one per language, and the way to those kept before."""

    def __init__(self, in_force: Mapping[str, Notice]) -> None:
        self.in_force = in_force
        self.in_force_by_id = {notice.id: notice for notice in in_force.values()}
        self._shown: dict[tuple[str | None, str], Notice] = {}  # by id and policy version
        self._kept: set[str] = set()  # what this process knows to be in the database

    def keep(self, notice: Notice, now: datetime) -> None:
        """See to it that the notice is in the database; asks it once per process only.

        Raises:
            SQLAlchemyError: the database did not take it.

        """
        if notice.id in self._kept:
            return
        if find_kept(notice.id) is None:
            row = insert(ConsentNotice).values(
                id=notice.id,
                content=notice.text,
                policy_version=notice.policy_version,
                language=notice.language,
                model=notice.model,
                kept_at=now,
            )
            try:
                write(lambda connection: connection.execute(row))
            except IntegrityError:
                if find_kept(notice.id) is None:
                    raise
                # Another process kept it meanwhile.
        self._kept.add(notice.id)

    def additions(self, notice_id: str | None, policy_version: str) -> Additions | None:
        """Return what was added since a choice; None where nobody knows what it was about.

        It was about the notice that it names, or else about any of that policy version.

        Raises:
            SQLAlchemyError: the database cannot be asked.

        """
        old, new = self._about(notice_id, policy_version), next(iter(self.in_force.values()))
        return additions(old.content, new.content) if old else None

    def offered(self, notice_id: str | None, policy_version: str) -> frozenset[str]:
        """Return the purposes about which a choice could be made then, as far as that is known."""
        with suppress(SQLAlchemyError):
            if old := self._about(notice_id, policy_version):
                return old.offered
        return frozenset()

    def _about(self, notice_id: str | None, policy_version: str) -> Notice | None:
        asked = notice_id, policy_version
        if asked in self._shown:
            return self._shown[asked]
        named = self.find(notice_id) if notice_id else None
        found = named or _first(ConsentNotice.policy_version == policy_version)
        if found:  # A browser may name whatever it likes: only what there is is remembered.
            self._shown[asked] = found
        return found

    def forget(self) -> None:
        """Ask the database again next time: it refused a record, so it may be another by now."""
        self._kept.clear()

    def find(self, notice_id: str) -> Notice | None:
        """Return a notice in force or kept; None where there is no such notice.

        Raises:
            SQLAlchemyError: the database cannot be asked.

        """
        if notice_id in self.in_force_by_id:
            return self.in_force_by_id[notice_id]
        return find_kept(notice_id) if ID.fullmatch(notice_id) else None


def find_kept(notice_id: str) -> KeptNotice | None:
    """Return a kept notice by its id."""
    return _first(ConsentNotice.id == notice_id)


def _first(which: ColumnElement[bool]) -> KeptNotice | None:
    query = select(ConsentNotice.__table__).where(which).order_by(ConsentNotice.kept_at).limit(1)
    with reading() as connection:
        row = connection.execute(query).one_or_none()
    return _read(row) if row else None


def all_kept() -> Iterator[KeptNotice]:
    """Return every kept notice, the newest first."""
    query = select(ConsentNotice.__table__).order_by(
        ConsentNotice.kept_at.desc(), ConsentNotice.language, ConsentNotice.id
    )
    with db.engine.connect() as connection:
        for row in connection.execute(query):
            yield _read(row)


def _read(row: Row[Any]) -> KeptNotice:
    return KeptNotice(row.id, json.loads(row.content), row.kept_at)
