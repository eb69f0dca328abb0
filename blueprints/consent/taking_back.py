"""What is taken back counts from now on in this browser, also where it cannot be recorded yet."""

import secrets
from collections.abc import Callable, Iterable

from flask import current_app, g

from blueprints.consent.methods import ACCEPT_ALL
from blueprints.consent.notices import Notice
from blueprints.consent.visitor import (
    circumstances_of,
    current_choice,
    is_assumable,
    pending_withdrawal,
    registry,
)
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
    held, form = pending_withdrawal(), g.consent.failed
    # What an older page asked shows when its notice can be looked up.
    named = form.notice.data if form and not notice and form.choice.data != ACCEPT_ALL else ""
    is_older = bool(NOTICE.fullmatch(named or ""))
    given = known = current_choice().may_come_back
    is_missing = current_app.extensions["sessions"].is_missing()
    # What was given cannot be looked up, or may come back with a store; perhaps everything.
    if g.get("choice_is_unknown") or is_missing:
        ticked = form.ticked if form else frozenset()
        given = held.kept if held else frozenset(registry().optional_ids) | ticked
        known = frozenset()
    if g.cookies_are_unreadable:  # Something may have been taken back before.
        given = known
    g.gave_nothing = not given  # So has this.
    g.is_partly_lost = not accept(known) <= known  # An error page has to say so.
    everything = frozenset(registry().optional_ids)
    asked = notice.offered if notice else everything
    wanted = left_of(given, accept, asked)
    stays = wanted & given
    is_sure = bool(held or is_older or g.cookies_are_unreadable or is_assumable())
    takes_back = is_older or accept(everything | given | asked) != everything | given | asked
    # What is held may have been answered by another tab's choice.
    if takes_back and (is_sure or stays != given):
        of_then = circumstances_of(method, notice, None)
        told = Withdrawal(
            kept=stays,
            method=method,
            token=token or secrets.token_hex(8),
            unsaved=wanted - stays,
            refused=asked - wanted,
            language=of_then.language,
            gpc=of_then.gpc,
            policy_version=of_then.policy_version,
            notice=of_then.notice or (named if is_older else ""),
        )
        let_it_count(told)


def let_it_count(withdrawal: Withdrawal | None) -> None:
    """Let count from now on what the session holds, without what was taken back since."""
    g.withdrawal = withdrawal
    g.pop("choice", None)
    off = frozenset(registry().optional_ids) - current_choice().given
    g.clear_storage = registry().keeps_more_than_cookies(off)
