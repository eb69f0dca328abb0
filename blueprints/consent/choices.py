"""The rules of consent, pure: decision + registry + signals + now -> status of each purpose.

Refusal is the default everywhere: no decision, an old policy, an expiry, an unknown purpose each
mean that nothing optional is allowed (GDPR Art. 4(11) and 25; CJEU C-673/17).
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import UUID

from blueprints.consent.coverage import Additions
from blueprints.consent.methods import ALWAYS_ALLOW, CONTINUED_USE
from blueprints.consent.registry import Registry
from blueprints.consent.withdrawal import Withdrawal


class Status(StrEnum):
    GIVEN = "given"
    ASSUMED = "assumed"  # nobody expressed it: CONSENT_MODEL=implied, and no consent
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


ACCEPTED = frozenset({Status.GIVEN, Status.ASSUMED})
TELL_OF_ACCEPTANCE = ACCEPTED | {Status.WITHDRAWN}
OPEN = frozenset({Status.UNKNOWN, Status.EXPIRED})
Statuses = Mapping[str, Status]  # by purpose
Ids = frozenset[str]  # of purposes
NONE: Ids = frozenset()


class Model(StrEnum):
    """How consent is asked for (README, "The one sentence")."""

    OPT_IN = "opt_in"
    IMPLIED = "implied"


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """On what somebody decided, and how: all of a decision but who, when and the answer.

    A field that is added here is recorded, digested, exported and handed out from then on; it needs
    a default, for records of before.
    """

    policy_version: str
    language: str
    model: Model
    method: str  # which control on which page, e.g. "banner.accept_all"
    gpc: bool  # whether the browser sent Sec-GPC: 1
    notice: str | None = None  # SHA-256 of the notice shown; a session of before has none


@dataclass(frozen=True, kw_only=True)
class Decision(Circumstances):
    """What one visitor decided at one time: the content of a consent record, and of a session."""

    id: str  # UUIDv7 of the record
    subject: str  # random UUID of the visitor
    decided_at: datetime
    expires_at: datetime
    statuses: Statuses  # of every optional purpose: given, assumed, refused, withdrawn

    @property
    def is_consent(self) -> bool:
        """Whether it was expressed by an act: continued use is no consent under the GDPR."""
        return self.method != CONTINUED_USE

    @property
    def accepts(self) -> bool:
        """Whether it lets anything optional happen."""
        return not ACCEPTED.isdisjoint(self.statuses.values())


def said_statuses(statuses: Mapping[str, str], method: str) -> Mapping[str, str]:
    """Return the statuses of a record or session by their true names.

    Before there was `assumed`, continued use was recorded as given; such records stay as they are,
    since a digest is over them.
    """
    if method != CONTINUED_USE:
        return statuses
    given = (purpose for purpose, status in statuses.items() if status == Status.GIVEN)
    return {**statuses, **dict.fromkeys(given, Status.ASSUMED)}


def read_decision(session: Mapping[str, Any]) -> Decision | None:
    """Return the decision that a session holds, however old; None where it holds none."""
    kept: Mapping[str, Any] = session.get("decision") or {}
    try:
        statuses = said_statuses(kept["statuses"], kept["method"])
        decision = Decision(
            **{
                **kept,
                "model": Model(kept["model"]),
                "statuses": {purpose: Status(status) for purpose, status in statuses.items()},
            }
        )
        for number in (decision.id, decision.subject):
            UUID(number)
        times = [isinstance(at, datetime) for at in (decision.decided_at, decision.expires_at)]
        texts = isinstance(decision.policy_version, str), isinstance(decision.notice, str | None)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None  # Kept by a version of the site that wrote it otherwise: ask again.
    return decision if all((*times, *texts)) else None


def given_by(statuses: Statuses) -> Ids:
    return frozenset([purpose for purpose, status in statuses.items() if status in ACCEPTED])


def _given_by_act(statuses: Statuses) -> Ids:
    return frozenset([key for key, status in statuses.items() if status is Status.GIVEN])


@dataclass(frozen=True)
class Choice:
    """Where a visitor stands now. `decision` is their last one where it counts."""

    statuses: Statuses
    decision: Decision | None
    last: Decision | None = None  # whether it counts or not
    withdrawal: Withdrawal | None = None
    # What was added to purposes that had been accepted: kind of thing, and its name.
    news: Additions = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether the visitor is to be asked, about one purpose at least."""
        is_settled = self.decision is not None and OPEN.isdisjoint(self.statuses.values())
        return not (is_settled or self.withdrawal)

    @property
    def counts(self) -> bool:
        """Whether the decision still settles something: not everything has grown since."""
        is_left = not OPEN.issuperset(self.statuses.values()) or not self.statuses
        return self.decision is not None and is_left

    @cached_property
    def given(self) -> Ids:
        return given_by(self.statuses)

    @property
    def consented(self) -> Ids:
        """What was given by an act; a later act carries on this, and nothing that was assumed."""
        return _given_by_act(self.statuses)

    @property
    def may_come_back(self) -> Ids:
        """What was given by the last act and not taken back since, though it may not count now."""
        given = _given_by_act(self.last.statuses) if self.last else NONE
        return given & self.withdrawal.kept if self.withdrawal else given

    def allows(self, purpose: str) -> bool:
        return purpose in self.given


def present_choice(  # noqa: PLR0913 - whatever decides, and nothing else
    decision: Decision | None,
    registry: Registry,
    model: Model,
    *,
    gpc: bool,
    now: datetime,
    added: Callable[[Decision], Additions | None] = lambda _decision: None,
) -> Choice:
    """Return what counts now of the last decision.

    `added` tells what each purpose got since; None where nobody knows. Whoever had accepted the
    purpose is asked again, a refusal goes on to count, and all are asked about a new purpose.
    """
    implied_counts = model is Model.IMPLIED and not gpc
    if decision is None or not (decision.is_consent or implied_counts):
        return Choice(dict.fromkeys(registry.optional_ids, Status.UNKNOWN), None, decision)
    is_old = decision.policy_version != registry.policy_version
    new = added(decision) if is_old and now < decision.expires_at else {}
    if now >= decision.expires_at or new is None:
        return Choice(dict.fromkeys(registry.optional_ids, Status.EXPIRED), None, decision)
    statuses = {
        purpose: decision.statuses.get(purpose, Status.UNKNOWN) for purpose in registry.optional_ids
    }
    news = {purpose: things for purpose, things in new.items() if statuses.get(purpose) in ACCEPTED}
    return Choice(statuses | dict.fromkeys(news, Status.EXPIRED), decision, decision, news=news)


def withdrawn(choice: Choice, withdrawal: Withdrawal | None) -> Choice:
    """Return the choice without what was taken back since: as it will be recorded."""
    if withdrawal is None:
        return choice
    less = lessened(choice, withdrawal.wanted, withdrawal)
    off = {purpose: status for purpose, status in less.items() if status is not Status.GIVEN}
    statuses = {purpose: off.get(purpose, status) for purpose, status in choice.statuses.items()}
    return replace(choice, statuses=statuses, withdrawal=withdrawal)


def lessened(choice: Choice, wanted: Ids, held: Withdrawal | None, asked: Ids = NONE) -> Statuses:
    """Return the statuses of the decision that counts without what is taken back: all but `wanted`.

    `held` was taken back before. What is wanted and had not been given by an act is accepted in
    vain. Of a purpose that has been asked about in none of these, nothing is said; one that is gone
    since, and was `asked`, has been answered all the same.
    """
    before = choice.decision.statuses if choice.decision else {}
    given, answered = _given_by_act(before), wanted
    were_on = {purpose for purpose, status in before.items() if status in TELL_OF_ACCEPTANCE}
    if held:
        given &= held.kept
        were_on -= held.wanted - given
        answered |= held.wanted | held.refused
    answered &= {*before, *choice.statuses, *asked}  # A browser may name whatever it likes.
    return _answers({**before, **dict.fromkeys(answered)}, given & wanted, wanted, were_on)


def decided_statuses(before: Choice, given: Ids, method: str, in_vain: Ids = NONE) -> Statuses:
    """Return the status of every optional purpose once exactly `given` are accepted.

    What was accepted `in_vain` was not refused; "Always allow" answers for no other purpose.
    """
    unsaid = {*OPEN, Status.ASSUMED} if method == ALWAYS_ALLOW else ()
    accepted = given | in_vain
    answered = [key for key, old in before.statuses.items() if key in accepted or old not in unsaid]
    were_on = before.given | (given_by(before.decision.statuses) if before.decision else NONE)
    assumed = given.intersection(answered) if method == CONTINUED_USE else ()
    statuses = _answers(answered, given, in_vain, were_on)
    return statuses | dict.fromkeys(assumed, Status.ASSUMED)


def _answers(
    purposes: Iterable[str], given: Ids, in_vain: Ids, were_on: Container[str]
) -> dict[str, Status]:
    """Say of each of these purposes what was answered."""
    return {
        purpose: Status.GIVEN
        if purpose in given
        else Status.UNKNOWN
        if purpose in in_vain
        else Status.WITHDRAWN
        if purpose in were_on
        else Status.REFUSED
        for purpose in purposes
    }
