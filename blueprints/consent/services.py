"""The only writer of consent records."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from dateutil.relativedelta import relativedelta
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError
from uuid_utils.compat import uuid7

from blueprints.consent.choices import Choice, Decision, Model, decided_statuses
from blueprints.consent.models import ConsentRecord
from blueprints.consent.registry import Registry
from blueprints.database import db


class NotRecordedError(Exception):
    """The database did not take the record: nothing may say that the choice was saved."""


@dataclass(frozen=True)
class Act:
    """Who acted, how and when: all of a decision but the verdict."""

    subject: str | None  # None: somebody who has not chosen before
    language: str
    model: Model
    method: str
    gpc: bool
    at: datetime


def decide(
    registry: Registry, given: frozenset[str], before: Choice, act: Act, *, lifetime_months: int
) -> Decision:
    """Make the decision that accepts exactly `given`, where `before` was the choice until now.

    It expires after calendar months, so that a refusal lasts as long as the regulators ask
    (CNIL 2020-091, Garante 2021), and visits do not prolong it.
    """
    return Decision(
        id=str(uuid7()),
        subject=act.subject or str(uuid4()),
        statuses=decided_statuses(registry, given, before),
        policy_version=registry.policy_version,
        language=act.language,
        model=act.model,
        method=act.method,
        gpc=act.gpc,
        decided_at=act.at,
        expires_at=act.at + relativedelta(months=lifetime_months),
    )


def record(decision: Decision) -> None:
    """Append the decision to the log and commit it.

    Raises:
        NotRecordedError: the database did not take it.

    """
    row = insert(ConsentRecord).values(
        id=UUID(decision.id),
        subject=UUID(decision.subject),
        statuses=dict(decision.statuses),
        policy_version=decision.policy_version,
        language=decision.language,
        model=decision.model,
        method=decision.method,
        is_consent=decision.is_consent,
        gpc=decision.gpc,
        decided_at=decision.decided_at,
        expires_at=decision.expires_at,
    )
    try:
        with db.engine.begin() as connection:
            connection.execute(row)
    except SQLAlchemyError as error:
        raise NotRecordedError from error
