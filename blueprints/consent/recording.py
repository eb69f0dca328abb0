"""How a decision of the visitor at hand is kept, and how it counts where it cannot be.

A record and what the session holds are one transaction, in order with whatever else this visitor
sends. What is taken back counts from the press on: while it cannot be recorded, a cookie in their
browser says so and outranks the session; the first request after the outage records it.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from blinker import Namespace
from flask import current_app, g
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from blueprints.consent import services
from blueprints.consent.choices import (
    NONE,
    Choice,
    Decision,
    Status,
    Statuses,
    decided_statuses,
    given_by,
    lessened,
    present_choice,
    read_decision,
    withdrawn,
)
from blueprints.consent.methods import ALWAYS_ALLOW, CONTINUED_USE
from blueprints.consent.notices import Notice
from blueprints.consent.taking_back import Accept, left_of, take_back
from blueprints.consent.visitor import (
    ANSWERED,
    ANSWERED_AT_MOST,
    added_since,
    answered_by,
    circumstances_of,
    current_choice,
    notices,
    pending_withdrawal,
    refresh_choice,
    registry,
    sends_gpc,
)
from blueprints.consent.withdrawal import Withdrawal
from blueprints.database import is_uncertain
from blueprints.sessions import Content, StoreUnavailableError, Values


class ExpressedMeanwhileError(Exception):
    """Continued use says nothing any more: the visitor has expressed a choice."""


class NothingTakenBackError(Exception):
    """It does more than to take back, or another request was first: nothing has changed."""


# Sent with the application, in the request that made the choice, once the record is committed.
choice_recorded = Namespace().signal("choice_recorded")


def save(
    accept: Accept,
    method: str,
    notice: Notice | None,
    *,
    takes_back: bool = False,
    in_part: bool = False,
    **kept: Any,  # noqa: ANN401 - msgpack
) -> None:
    """Record what the visitor accepts from now on, and let it count from this answer on.

    `accept` makes it of what was accepted when it is this request's turn. `notice` is the one that
    was shown, where that is known; a refusal answers it alone, though more is asked by now. With
    `in_part` only what it takes back is recorded, and the rest of the choice stays as it is. `kept`
    is put beside the decision in the session.

    Raises:
        ExpressedMeanwhileError: nobody may assume what was expressed otherwise, or assumed already.
        NothingTakenBackError: `takes_back` was said, and it does not; nothing has changed.
        ServiceUnavailable: it could not be stored: nothing more than before is accepted, and what
            was to be taken back is, from this answer on.

    """
    token = secrets.token_hex(8)
    try:
        # Whoever is not told that this was committed comes back with its token.
        kept |= {ANSWERED: [token]}
        record_decision(accept, method, notice, takes_back=takes_back, in_part=in_part, **kept)
    except StoreUnavailableError as error:
        current_app.logger.error("A choice could not be recorded: %s", error)
        g.is_uncertain = is_uncertain(error)  # An error page has to say so.
        take_back(accept, method, token, notice)
        raise ServiceUnavailable from None


def record_decision(
    accept: Accept,
    method: str,
    notice: Notice | None,
    *,
    takes_back: bool = False,
    in_part: bool = False,
    **kept: Any,  # noqa: ANN401 - msgpack
) -> None:
    """Record as `save` does, or what has waited: that brings no token of its own.

    Raises:
        ExpressedMeanwhileError, NothingTakenBackError: as there.
        StoreUnavailableError: it could not be stored, perhaps.

    """
    rules, withdrawal, now = registry(), pending_withdrawal(), datetime.now(UTC)
    waited = withdrawal if ANSWERED not in kept else None  # Only what has waited brings no token.
    circumstances = circumstances_of(method, notice, waited)
    months = current_app.config["CONSENT_LIFETIME_MONTHS"]
    _look_up()
    answers = withdrawal.token if withdrawal else None

    def record(connection: Connection, before: Values) -> Content:
        last, model = read_decision(before), circumstances.model
        choice = present_choice(last, rules, model, gpc=sends_gpc(), now=now, added=added_since)
        if method == CONTINUED_USE and last and (last.is_consent or not choice.is_open):
            raise ExpressedMeanwhileError
        is_answered = answers is None or answers in answered_by(before)
        if is_answered and waited:  # Another tab was first, and a later choice may count.
            raise NothingTakenBackError
        held = None if is_answered else withdrawal
        if in_part:
            statuses, is_less = _lessened(choice, accept, held, notice, waited)
        else:
            statuses, is_less = _decided(choice, accept, held, method)
        if takes_back and not is_less:
            raise NothingTakenBackError
        decision = services.decide(statuses, circumstances, last, now, months)
        decision = _about_what_was_asked(decision, notice, last if in_part else None)
        services.record(connection, decision)
        values = {"decision": dict(vars(decision)), **kept}
        tokens = [*kept.get(ANSWERED, ()), *filter(None, [answers]), *answered_by(before)]
        if tokens:
            values[ANSWERED] = tokens[:ANSWERED_AT_MOST]
        return Content(values, decision.expires_at)

    try:
        if notice:
            notices().keep(notice, now)
        # Tabs that open together may have no session in common: only one of them makes it.
        current_app.extensions["sessions"].change(record, once=waited.token if waited else None)
    except StoreUnavailableError:
        notices().forget()
        raise
    except SQLAlchemyError as error:
        raise StoreUnavailableError(type(error).__name__) from error
    g.recorded = True  # An error page may have to say so.
    refresh_choice(None)
    choice_recorded.send(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - as Flask's documentation of signals has it


def _look_up() -> None:
    """Look up what is needed of old notices, before the transaction."""
    current_choice()
    if g.get("choice_is_unknown"):
        raise StoreUnavailableError("nobody knows what was chosen before")


def _lessened(
    choice: Choice,
    accept: Accept,
    held: Withdrawal | None,
    notice: Notice | None,
    waited: Withdrawal | None,
) -> tuple[Statuses, bool]:
    """Return what the last decision said, counting or not, without what is taken back.

    And whether that is less than it gave.
    """
    given = given_by(choice.last.statuses) if choice.last else NONE
    asked = notice.offered if notice else frozenset(registry().optional_ids)
    wanted = left_of(given, accept, given if waited else asked)
    statuses = lessened(replace(choice, decision=choice.last), wanted, held, asked)
    return statuses, given_by(statuses) < given


def _decided(
    choice: Choice, accept: Accept, held: Withdrawal | None, method: str
) -> tuple[Statuses, bool]:
    """Return what is said of each purpose, and whether it takes back something and adds nothing."""
    given = given_by(choice.last.statuses) if choice.last else NONE
    wanted = accept(withdrawn(choice, held).consented)
    in_vain = NONE
    if method == ALWAYS_ALLOW:  # It is about one purpose: what was accepted in vain stays so.
        told = choice.decision.statuses if choice.decision else {}
        in_vain |= {purpose for purpose, status in told.items() if status is Status.UNKNOWN}
        in_vain |= held.wanted if held else NONE
    statuses = decided_statuses(choice, wanted, method, in_vain)
    return statuses, wanted <= choice.consented and wanted < given


def _about_what_was_asked(
    decision: Decision, notice: Notice | None, before: Decision | None
) -> Decision:
    """Let a decision be about what its notice asked, or what the one `before` did, and no more."""
    if before:
        return services.as_rest_of(before, decision)
    if notice is None or notice.policy_version == registry().policy_version:
        return decision
    told = decision.statuses  # It is a refusal.
    asked = {each: told.get(each, Status.REFUSED) for each in sorted(notice.offered)}
    return replace(decision, statuses=asked)


def is_up_to_date(connection: Connection, session: Values) -> bool:
    """Whether the log has nothing later of this visitor than what the session holds."""
    decision = read_decision(session)
    return decision is None or services.is_last(connection, decision)
