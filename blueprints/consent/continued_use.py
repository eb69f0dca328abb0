"""CONSENT_MODEL=implied: the second page opened without a choice is recorded as continued use.

This is the client's banner taken at its word. It is no consent under the GDPR (Recital 32), the
record says so, and it never counts against Sec-GPC: 1 or after any choice that was expressed.
"""

from datetime import UTC, datetime, timedelta

from flask import Response, current_app, request, session
from werkzeug.exceptions import ServiceUnavailable

from blueprints.consent.choices import CONTINUED_USE
from blueprints.consent.visitor import (
    current_choice,
    last_decision,
    notice_in_force,
    registry,
    save,
    sends_gpc,
)

FIRST_PAGE_LIFETIME = timedelta(days=1)


def assume_after_second_page(response: Response) -> Response:
    """Count a page that was opened; record at the second one."""
    last = last_decision()
    if not _is_page_of_the_site(response) or sends_gpc():
        return response
    if not current_choice().is_open or (last and last.is_consent):
        return response
    try:
        if session.get("seen"):
            save(frozenset(registry().optional_ids), CONTINUED_USE, notice_in_force())
        else:
            until = datetime.now(UTC) + FIRST_PAGE_LIFETIME
            with current_app.extensions["sessions"].renewed({"seen": True}, until):
                pass
    except ServiceUnavailable:
        pass  # Logged where it happened; the page is served, and nothing is assumed.
    return response


def _is_page_of_the_site(response: Response) -> bool:
    """Whether a page was opened for reading: the cookie pages are where one objects."""
    return (
        request.method == "GET"
        and response.status_code == 200  # noqa: PLR2004 - OK
        and response.mimetype == "text/html"
        and request.blueprint != "consent"
    )
