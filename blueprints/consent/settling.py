"""What has waited is recorded as it was pressed, with the first request after the outage."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from flask import current_app, g
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import TooManyRequests

from blueprints.consent import visitor
from blueprints.consent.choices import Model
from blueprints.consent.methods import ACCEPT_ALL
from blueprints.consent.notices import Notice
from blueprints.consent.recording import NothingTakenBackError, record_decision
from blueprints.consent.withdrawal import Withdrawal
from blueprints.sessions import StoreUnavailableError


def _notice_then(withdrawal: Withdrawal) -> Notice | None:
    """Return what the page showed on which it was pressed, where it could ask that."""
    found = visitor.notices().find(withdrawal.notice) if withdrawal.notice else None
    is_banner = found and found.model == current_app.config["CONSENT_MODEL"]
    return found if found and is_banner and not found.placeholder else None


def settle_withdrawal() -> None:
    """Record what was taken back while it could not be recorded, now that it can be."""
    withdrawal = visitor.pending_withdrawal()
    if withdrawal is None:
        return
    visitor.recorded_choice()
    if g.get("choice_is_unknown"):
        return
    last, given = visitor.last_decision(), visitor.accepted_before()
    # What is left of a consent that has ended meanwhile is nothing to record.
    has_ended = last is not None and last.expires_at <= datetime.now(UTC)
    takes_back = not given <= withdrawal.kept and not (has_ended and given & withdrawal.kept)
    if not takes_back and not visitor.is_assumable():
        if last or current_app.config["CONSENT_MODEL"] == Model.OPT_IN:
            visitor.refresh_choice(None)
        return
    with suppress(SQLAlchemyError, StoreUnavailableError, NothingTakenBackError, TooManyRequests):
        if not takes_back:
            g.count_first_refusal()
        method, wanted = withdrawal.method, withdrawal.wanted
        notice = _notice_then(withdrawal)
        if notice and not method.endswith(ACCEPT_ALL):
            g.withdrawal = replace(withdrawal, refused=notice.offered - wanted)
        if last is None and current_app.extensions["sessions"].take_over(withdrawal.token):
            visitor.refresh_choice(None)  # It is recorded: the answer that said so was lost.
            return
        record_decision(lambda _given: wanted, method, notice, takes_back=takes_back, in_part=True)
