"""A visitor leaves: what the site keeps about them goes, here and in their browser."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flask import current_app, g
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from blueprints.consent import services
from blueprints.consent.choices import Decision
from blueprints.consent.registry import Registry
from blueprints.database import wipe_journal


def erase_visitor(decision: Decision | None) -> int:
    """Erase every record of whoever decided, end the session at hand, return how many there were.

    Raises:
        ServiceUnavailable: not all of it could be erased; doing it again erases the rest.

    """
    erased = 0
    if decision is not None:
        try:
            erased = services.erase(UUID(decision.subject))
        except SQLAlchemyError:
            current_app.logger.exception("A visitor's records could not be erased.")
            raise ServiceUnavailable from None
    current_app.extensions["sessions"].end()
    wipe_journal()
    g.pop("choice", None)
    return erased


def erase_subject(subject: UUID) -> int:
    """Erase every record of a subject and end the session that holds their choice.

    Raises:
        SQLAlchemyError, ServiceUnavailable: not all of it could be erased; doing it again erases
            the rest.

    """

    def is_theirs(values: Mapping[str, Any]) -> bool:
        decision = values.get("decision")
        return isinstance(decision, dict) and decision.get("subject") == str(subject)

    erased = services.erase(subject)
    current_app.extensions["sessions"].end_all(is_theirs)
    wipe_journal()
    return erased


def cookies_of(registry: Registry, sent: Iterable[str]) -> list[str]:
    """Return which of the cookies that the browser sent are this site's own to delete."""
    declared = [
        cookie
        for service in registry.services
        for cookie in service.cookies
        if cookie.storage == "cookie" and cookie.party == "first"
    ]
    session_cookie = current_app.config["SESSION_COOKIE_NAME"]  # deleted with the session
    return sorted(
        name
        for name in set(sent)
        if name != session_cookie and any(cookie.matches(name) for cookie in declared)
    )
