"""CONSENT_MODEL=implied: the second page opened without a choice is recorded as continued use.

This is the client's banner taken at its word. It is no consent under the GDPR (Recital 32), the
record says so, and it never counts against Sec-GPC: 1 or after any choice that was expressed.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from flask import Response, current_app, g, request, session, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from blueprints.consent.choices import read_decision
from blueprints.consent.methods import CONTINUED_USE
from blueprints.consent.page_consent import PageConsent
from blueprints.consent.recording import ExpressedMeanwhileError, save
from blueprints.consent.visitor import may_assume, notice_in_force, notices, registry
from blueprints.sessions import Content, StoreUnavailableError, Values

IN_ADVANCE = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")  # the new name, and older ones
WORDS_FOR_IT = ("prefetch", "prerender", "preview", "instant")
FIRST_PAGE_LIFETIME = timedelta(days=1)


def assume_after_second_page(response: Response) -> Response:
    """Count a page that was opened; record at the second one."""
    if not may_assume():
        return response
    g.page_state = None  # Whoever opens it next is counted as well.
    if not _is_page_of_the_site(response):
        return response
    # An outage is logged where it happens; the page is served, and nothing is assumed.
    with suppress(
        ServiceUnavailable, StoreUnavailableError, TooManyRequests, ExpressedMeanwhileError
    ):
        # Who goes on has been shown the notice of the page before: it must still be in force.
        if shown := notices().in_force_by_id.get(session.get("seen", "")):
            g.count_grant()
            everything = frozenset(registry().optional_ids)
            save(lambda _before: everything, CONTINUED_USE, shown)
        else:
            g.count_first_page()
            current_app.extensions["sessions"].change(_count_first_page)
    return response


def _count_first_page(_connection: Connection, before: Values) -> Content:
    until, decision = datetime.now(UTC) + FIRST_PAGE_LIFETIME, read_decision(before)
    values = {**before, "seen": notice_in_force().id}
    return Content(values, max(until, decision.expires_at) if decision else until)


def _is_page_of_the_site(response: Response) -> bool:
    """Whether somebody opened a page for reading: no frame in it, nor where one objects."""
    consent: PageConsent | None = g.get("consent")  # None where a copy was sent, which has none
    about_the_site = ["consent.settings", *current_app.extensions["about_the_site"]]
    return (
        request.method == "GET"
        and _is_opened_by_somebody()
        and response.status_code == 200  # noqa: PLR2004 - OK
        and response.mimetype == "text/html"
        # Who reads about cookies and their rights has not gone on to use the site.
        and not request.path.startswith(tuple(map(url_for, about_the_site)))
        and (consent is None or consent.framed is None)
    )


def _is_opened_by_somebody() -> bool:
    """Whether somebody opens a page: nothing in one, and nothing that a browser fetches in advance.

    Without Fetch Metadata, `Accept` tells a page from what is in one: for a page it has HTML, or
    begins with anything, as that of a plain client does.
    """
    sent = request.headers
    accepted = sent.get("Accept") or "*/*"
    in_advance = " ".join(sent.get(name, "") for name in IN_ADVANCE).lower()
    return (
        sent.get("Sec-Fetch-Dest", "document") == "document"
        and sent.get("Sec-Fetch-Mode", "navigate") == "navigate"
        and not any(word in in_advance for word in WORDS_FOR_IT)
        and ("text/html" in accepted or accepted.startswith("*/*"))
    )
