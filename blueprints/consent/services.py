"""The only writer of consent records: appends a decision, erases a subject."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from dateutil.relativedelta import relativedelta
from sqlalchemy import insert, null, update
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils.compat import uuid7

from blueprints.consent.choices import Choice, Decision, Model, decided_statuses
from blueprints.consent.log.digest import new_salt, record_digest
from blueprints.consent.models import ConsentRecord
from blueprints.consent.registry import Registry
from blueprints.database import db

APPEND = insert(ConsentRecord)  # made once: every choice goes through it
ERASED = {"subject": null(), "statuses": null(), "salt": null()}


class NotRecordedError(Exception):
    """The database did not take the record: nothing may say that the choice was saved."""


@dataclass(frozen=True)
class Act:
    """Who acted, on which notice, how and when: all of a decision but the verdict."""

    subject: str | None  # None: somebody who has not chosen before
    language: str
    model: Model
    method: str
    gpc: bool
    notice: str | None  # id of the notice that was shown, where that is known
    at: datetime


def decide(
    registry: Registry, given: frozenset[str], before: Choice, act: Act, *, lifetime_months: int
) -> Decision:
    """Make the decision that accepts exactly `given`, where `before` was the choice until now.

    It expires after calendar months, so that a refusal lasts as long as the regulators ask
    (CNIL 2020-091, Garante 2021), and visits do not prolong it.
    """
    return Decision(
        id=str(uuid7(nanoseconds=int(act.at.timestamp() * 1e9))),
        subject=act.subject or str(uuid4()),
        statuses=decided_statuses(registry, given, before),
        policy_version=registry.policy_version,
        language=act.language,
        model=act.model,
        method=act.method,
        gpc=act.gpc,
        decided_at=act.at,
        expires_at=act.at + relativedelta(months=lifetime_months),
        notice=act.notice,
    )


def record(decision: Decision) -> None:
    """Append the decision to the log, with its digest, and commit it. It is one insert.

    Raises:
        NotRecordedError: the database did not take it.

    """
    row = {
        "id": UUID(decision.id),
        "subject": UUID(decision.subject),
        "statuses": dict(decision.statuses),
        "policy_version": decision.policy_version,
        "language": decision.language,
        "model": decision.model,
        "method": decision.method,
        "is_consent": decision.is_consent,
        "gpc": decision.gpc,
        "decided_at": decision.decided_at,
        "expires_at": decision.expires_at,
        "notice": decision.notice,
        "salt": new_salt(),
    }
    try:
        with db.engine.begin() as connection:
            connection.execute(APPEND, row | {"digest": record_digest(row)})
    except SQLAlchemyError as error:
        raise NotRecordedError from error


def erase(subject: UUID) -> int:
    """Erase who decided and what from every record of the subject; return how many there were.

    The digest stays, so that the log can still be verified, and without the salt it tells nothing
    (GDPR Art. 17; Recital 26).

    Raises:
        SQLAlchemyError: the database did not do it; nothing has changed.

    """
    with db.engine.begin() as connection:
        return connection.execute(
            update(ConsentRecord).where(ConsentRecord.subject == subject).values(ERASED)
        ).rowcount
