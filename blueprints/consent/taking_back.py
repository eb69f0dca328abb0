"""What is taken back counts from now on in this browser, also where it cannot be recorded yet."""

import secrets
from collections.abc import Callable, Iterable

from flask import current_app, g

from blueprints.consent import visitor
from blueprints.consent.forms import ChoiceForm
from blueprints.consent.methods import ACCEPT_ALL
from blueprints.consent.notices import Notice
from blueprints.consent.withdrawal import NOTICE, Withdrawal

Accept = Callable[[frozenset[str]], frozenset[str]]  # what was accepted -> what is from now on


def left_of(given: frozenset[str], accept: Accept, asked: Iterable[str]) -> frozenset[str]:
    """Return what somebody accepts from now on of what was `given`, and beyond.

    Who refuses everything refuses all of it; else what the page did not ask about stays.
    """
    wanted = accept(given)
    return wanted | given.difference(asked) if wanted else wanted


def take_back(
    accept: Accept, method: str, token: str | None = None, notice: Notice | None = None
) -> None:
    """Let count what would have been taken back, in this browser, until it can be recorded.

    `token` is that of the record which may have been committed all the same, and `notice` the one
    that is answered, where that is known.
    """
    held, form = visitor.pending_withdrawal(), g.consent.failed
    everything, is_read = frozenset(visitor.registry().optional_ids), not g.cookies_are_unreadable
    given = known = visitor.current_choice().may_come_back
    if g.get("choice_is_unknown") or current_app.extensions["sessions"].is_missing():
        given = known = frozenset()
        # It may come back with a store, perhaps everything; but something may have been taken back
        # before in cookies that cannot be read.
        if is_read:
            given = held.kept if held else everything | (form.ticked if form else frozenset())
    g.gave_nothing = not given
    g.is_partly_lost = not accept(known) <= known  # An error page has to say so.
    asked = notice.offered if notice else everything
    wanted = left_of(given, accept, asked)
    older = _notice_not_found(form) if form and not notice else ""
    there_is = everything | given | asked
    takes_back = older or accept(there_is) != there_is
    # What is held may have been answered by another tab's choice.
    is_sure = held or older or not is_read or visitor.is_assumable()
    if takes_back and (is_sure or not given <= wanted):
        of_then = visitor.circumstances_of(method, notice, None)
        told = Withdrawal(
            kept=wanted & given,
            method=method,
            token=token or secrets.token_hex(8),
            unsaved=wanted - given,
            refused=asked - wanted,
            language=of_then.language,
            gpc=of_then.gpc,
            policy_version=of_then.policy_version,
            notice=of_then.notice or older,
        )
        visitor.refresh_choice(told)


def _notice_not_found(form: ChoiceForm) -> str:
    """Return which it names, if any: what an older page asked shows once that can be looked up."""
    named = form.notice.data or ""
    return named if form.choice.data != ACCEPT_ALL and NOTICE.fullmatch(named) else ""
