"""What a visitor can see and take along: their history and their receipt.

Only for the subject in the visitor's own session: no address of these pages contains an id, so that
there is nothing to guess.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

from flask import current_app, g, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response

from blueprints.consent.choices import Decision
from blueprints.consent.log.digest import utc_text
from blueprints.consent.own import history
from blueprints.consent.own.receipt import Making
from blueprints.consent.views import blueprint, kept_by_nobody
from blueprints.consent.visitor import current_choice, last_decision, notices, registry

T = TypeVar("T")

RECORDS_AT_MOST = 200


@blueprint.get("/cookies/history", defaults={"language": "en"})
@blueprint.get("/pt/cookies/history", defaults={"language": "pt"})
def own_history() -> Response:
    """Show the visitor's own records, the newest first."""
    decision = _own_decision()
    records: list[history.Record] = []
    if decision:
        subject = UUID(decision.subject)
        records = _asked(lambda: history.records_of(subject, RECORDS_AT_MOST))
    page = render_template(
        "consent/history.html",
        records=records,
        at_most=RECORDS_AT_MOST,
        purpose_names={purpose.id: purpose.name[g.language] for purpose in registry().purposes},
    )
    return kept_by_nobody(make_response(page))


@blueprint.get("/cookies/receipt", defaults={"language": "en"})
@blueprint.get("/pt/cookies/receipt", defaults={"language": "pt"})
def receipt() -> Response:
    """Give out the receipt of the visitor's last choice, as a file."""
    decision = _own_decision()
    now = datetime.now(UTC)
    found = decision and _asked(
        lambda: history.receipt_of(
            UUID(decision.subject), UUID(decision.id), notices(), _making(decision, now)
        )
    )
    if not found:
        page = make_response(render_template("consent/no_receipt.html"), 404)
        return kept_by_nobody(page)
    response = make_response(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    response.mimetype = "application/ld+json"
    response.headers["Content-Disposition"] = (
        f'attachment; filename="consent-receipt-{now:%Y-%m-%d}.jsonld"'
    )
    return kept_by_nobody(response)


@blueprint.get("/cookies/receipt/about", defaults={"language": "en"})
@blueprint.get("/pt/cookies/receipt/about", defaults={"language": "pt"})
def about_receipt() -> str:
    """Say what a receipt is, and how anybody can check one."""
    return render_template(f"consent/receipt.{g.language}.html")


def _making(decision: Decision, now: datetime) -> Making:
    counting = current_choice().decision
    return Making(
        id=str(uuid4()),
        created_at=utc_text(now),
        origin=f"{current_app.config['PREFERRED_URL_SCHEME']}://{request.host}",
        counts=counting is not None and counting.id == decision.id,
    )


def _own_decision() -> Decision | None:
    """Return the decision in the visitor's session.

    Raises:
        ServiceUnavailable: the sessions cannot be looked up, so nobody knows whether there is one.

    """
    decision = last_decision()
    if g.get("session_store_is_down"):
        raise ServiceUnavailable
    return decision


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except SQLAlchemyError as error:
        current_app.logger.error("The consent records cannot be read: %s", type(error).__name__)
        raise ServiceUnavailable from None
