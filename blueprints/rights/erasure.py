"""A visitor leaves: what the site keeps about them goes, here and in their browser."""

from collections.abc import Iterable
from uuid import UUID

from flask import current_app
from sqlalchemy import Connection

from blueprints.consent import services
from blueprints.consent.choices import Decision, read_decision
from blueprints.consent.methods import ERASE
from blueprints.consent.models import ConsentRecord
from blueprints.consent.registry import Registry
from blueprints.consent.taking_back import take_back
from blueprints.consent.visitor import refresh_choice
from blueprints.database import wipe_journal
from blueprints.sessions import StoreUnavailableError, Values


def erase_visitor() -> tuple[Decision | None, int]:
    """Erase every record of the visitor at hand, and end their session.

    Return the decision that the session held, if it did, and how many records there were.

    Raises:
        StoreUnavailableError: they could not be erased, or the database did not say whether they
            were; what they accepted is taken back all the same.

    """
    found: list[tuple[Decision | None, int]] = []

    def erase(connection: Connection, before: Values) -> None:
        decision = read_decision(before)
        erased = _erase(connection, UUID(decision.subject)) if decision else 0
        found.append((decision, erased))

    try:
        current_app.extensions["sessions"].change(erase)
    except StoreUnavailableError:
        take_back(lambda _given: frozenset(), ERASE)  # Whoever leaves accepts nothing.
        raise
    wipe_journal()
    refresh_choice(None)
    return found[-1]  # Where it was overtaken, it was done anew.


def erase_subject(subject: UUID) -> int:
    """Erase every record of a subject and end the session that holds their choice.

    Raises:
        StoreUnavailableError: not all of it could be erased; doing it again erases the rest.

    """
    erased: int = current_app.extensions["sessions"].end_of_subject(
        subject, lambda connection: _erase(connection, subject)
    )
    wipe_journal()
    return erased


def _erase(connection: Connection, subject: UUID) -> int:
    return services.erase(connection, ConsentRecord.subject == subject)


def cookies_of(registry: Registry, sent: Iterable[str]) -> list[str]:
    """Return which of the cookies that the browser sent are declared, whoever is said to set them.

    What it sends here is stored here, and goes: `consent` expires it by its name.
    """
    others = {*sent} - {current_app.config["SESSION_COOKIE_NAME"]}  # which goes with the session
    return sorted(name for name in others if registry.cookie(name))
