"""Whether a record counts, and for what: one rule for every page and command that says so.

A record counts while its visitor has recorded nothing later, until it expires, and as far as what
it covers has only shrunk.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime

from blueprints.consent.choices import OPEN, Decision, Model, present_choice
from blueprints.consent.coverage import Additions
from blueprints.consent.records import Record
from blueprints.consent.registry import Registry
from blueprints.consent.visitor import added_since, model_here, registry

OF_A_DECISION = [field.name for field in fields(Decision)]


@dataclass(frozen=True)
class Standing:
    """How a record stands at one time. It counts where it is neither replaced nor over."""

    replaced_at: datetime | None = None  # by the visitor's next record, while it was valid
    is_over: bool = False  # it has expired, or was erased
    counts: bool = False  # it still settles something
    opened: frozenset[str] = frozenset()  # what it does not settle any more, by what has changed


OVER = Standing(is_over=True)


def standing_of(record: Record, newer_at: datetime | None, now: datetime) -> Standing:
    """Say how a record stands, of which the visitor's next one was made at `newer_at`, if any."""
    if record["content"] is None:  # Who erases their records ends the choice with them.
        return OVER
    decision = Decision(**{name: record.get(name) for name in OF_A_DECISION})  # type: ignore[arg-type]
    return standing(decision, newer_at, registry(), model_here(), now=now, added=added_since)


def standing(  # noqa: PLR0913 - whatever decides, and nothing else
    decision: Decision,
    newer_at: datetime | None,
    registry: Registry,
    model: Model,
    *,
    now: datetime,
    added: Callable[[Decision], Additions | None],
) -> Standing:
    """Say how the record of a decision stands; `newer_at` is when its visitor decided next."""
    if newer_at and newer_at < decision.expires_at:
        return Standing(replaced_at=newer_at)
    if newer_at or now >= decision.expires_at:
        return OVER
    choice = present_choice(decision, registry, model, gpc=False, now=now, added=added)
    opened = (purpose for purpose, status in choice.statuses.items() if status in OPEN)
    return Standing(counts=choice.counts, opened=frozenset(opened))
