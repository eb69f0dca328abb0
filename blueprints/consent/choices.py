"""The rules of consent, pure: decision + registry + signals + now -> status of each purpose.

Refusal is the default everywhere: no decision, an old policy, an expiry, an unknown purpose each
mean that nothing optional is allowed (GDPR Art. 4(11) and 25; CJEU C-673/17).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from blueprints.consent.registry import Registry

CONTINUED_USE = "continued_use"


class Status(StrEnum):
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Model(StrEnum):
    """How consent is asked for (README, "The one sentence")."""

    OPT_IN = "opt_in"
    IMPLIED = "implied"


@dataclass(frozen=True)
class Decision:
    """What one visitor decided at one time: the content of a consent record, and of a session."""

    id: str  # UUIDv7 of the record
    subject: str  # random UUID of the visitor
    statuses: Mapping[str, Status]  # of every optional purpose: given, refused or withdrawn
    policy_version: str
    language: str
    model: Model
    method: str  # which control on which page, e.g. "banner.accept_all"
    gpc: bool  # whether the browser sent Sec-GPC: 1
    decided_at: datetime
    expires_at: datetime
    notice: str | None = None  # SHA-256 of the notice shown; a session of before has none

    @property
    def is_consent(self) -> bool:
        """Whether it was expressed by an act: continued use is no consent under the GDPR."""
        return self.method != CONTINUED_USE


@dataclass(frozen=True)
class Choice:
    """Where a visitor stands now. `decision` is the one that counts, if any does."""

    statuses: Mapping[str, Status]
    decision: Decision | None

    @property
    def is_open(self) -> bool:
        """Whether the visitor is to be asked."""
        return self.decision is None

    @property
    def given(self) -> frozenset[str]:
        return frozenset(key for key, status in self.statuses.items() if status is Status.GIVEN)

    def allows(self, purpose: str) -> bool:
        return purpose in self.given


def present_choice(
    decision: Decision | None, registry: Registry, model: Model, *, gpc: bool, now: datetime
) -> Choice:
    """Return what counts now of the last decision."""
    implied_counts = model is Model.IMPLIED and not gpc
    if decision is None or not (decision.is_consent or implied_counts):
        return Choice(dict.fromkeys(registry.optional_ids, Status.UNKNOWN), None)
    if now >= decision.expires_at or decision.policy_version != registry.policy_version:
        return Choice(dict.fromkeys(registry.optional_ids, Status.EXPIRED), None)
    return Choice(
        {
            purpose: decision.statuses.get(purpose, Status.UNKNOWN)
            for purpose in registry.optional_ids
        },
        decision,
    )


def decided_statuses(
    registry: Registry, given: frozenset[str], before: Choice
) -> Mapping[str, Status]:
    """Return the status of every optional purpose once exactly `given` are accepted."""
    return {
        purpose: Status.GIVEN
        if purpose in given
        else Status.WITHDRAWN
        if before.allows(purpose)
        else Status.REFUSED
        for purpose in registry.optional_ids
    }
