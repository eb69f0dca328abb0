"""What a visitor can see, take along and have erased: their history, their receipt, all of it.

For the subject in the visitor's own session: no address of these pages contains an id. For one who
knows their number there is by_number.py.
"""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

from flask import Blueprint, current_app, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response

from blueprints.consent.choices import Decision, given_by
from blueprints.consent.digest import utc_text
from blueprints.consent.forms import VisitorForm
from blueprints.consent.records import Record
from blueprints.consent.views import bad_request, no_store
from blueprints.consent.visitor import current_choice, last_decision, notices, registry
from blueprints.database import is_uncertain
from blueprints.rights import erasure, history
from blueprints.rights.profile import ReceiptMetadata
from blueprints.sessions import StoreUnavailableError

RECORDS_AT_MOST = 200

blueprint = Blueprint("rights", __name__)


@blueprint.errorhandler(SQLAlchemyError)
@blueprint.errorhandler(StoreUnavailableError)
def say_unavailable(error: SQLAlchemyError | StoreUnavailableError) -> ResponseReturnValue:
    why = type(error).__name__ if isinstance(error, SQLAlchemyError) else error
    current_app.logger.error("The consent records cannot be used: %s", why)
    g.is_uncertain = is_uncertain(error)  # An error page has to say so.
    return current_app.handle_http_exception(ServiceUnavailable())


def _own_decision() -> Decision | None:
    """Return the decision in the visitor's session.

    Raises:
        ServiceUnavailable: the sessions cannot be looked up, so nobody knows whether there is one.

    """
    decision = last_decision()
    if g.get("choice_is_unknown"):
        raise ServiceUnavailable
    return decision


@blueprint.get("/cookies/history", pt="/pt/cookies/history")
def show_history() -> Response:
    """Show the visitor's own records, the newest first."""
    decision = _own_decision()
    subject = decision and UUID(decision.subject)
    return history_page(history.records_of(subject, RECORDS_AT_MOST) if subject else [])


def history_page(records: list[Record], number: UUID | None = None) -> Response:
    """Show records; `number` says that they were asked for by number, not by the browser's own."""
    page = render_template(
        "rights/history.html",
        records=records,
        standings=history.standings_of(records, datetime.now(UTC)),
        number=number,
        at_most=RECORDS_AT_MOST,
        purpose_names=history.names_of_purposes(registry(), records, g.language),
    )
    return no_store(make_response(page))


@blueprint.get("/cookies/receipt", pt="/pt/cookies/receipt")
def receipt() -> Response:
    """Give out the receipt of the visitor's last choice, as a file."""
    decision = _own_decision()
    now = datetime.now(UTC)
    found = decision and history.receipt_of(
        UUID(decision.subject),
        UUID(decision.id),
        notices(),
        _metadata(decision, now),
        current_app.config["CONSENT_RETENTION_YEARS"],
    )
    if not found:
        page = make_response(render_template("rights/no_receipt.html"), 404)
        return no_store(page)
    response = make_response(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    response.mimetype = "application/ld+json"
    response.headers["Content-Disposition"] = (
        f'attachment; filename="consent-receipt-{now:%Y-%m-%d}.jsonld"'
    )
    return no_store(response)


@blueprint.get("/cookies/receipt/about", pt="/pt/cookies/receipt/about")
def about_receipt() -> str:
    """Say what a receipt is, and how anybody can check one."""
    return render_template(f"rights/receipt.{g.language}.html")


def _metadata(decision: Decision, now: datetime) -> ReceiptMetadata:
    choice = current_choice()
    is_last = choice.decision is not None and choice.decision.id == decision.id
    return ReceiptMetadata(
        id=str(uuid4()),
        created_at=utc_text(now),
        origin=f"{current_app.config['PREFERRED_URL_SCHEME']}://{request.host}",
        counts=is_last and choice.counts and given_by(decision.statuses) <= choice.given,
        counting=tuple(sorted(choice.given)) if is_last else (),
    )


@blueprint.get("/cookies/erase", pt="/pt/cookies/erase")
def ask_before_erasing() -> Response:
    """Ask once more: what is erased does not come back."""
    page = render_template("rights/erase.html", last_decision=_own_decision())
    return no_store(make_response(page))


@blueprint.post("/cookies/erase", pt="/pt/cookies/erase")
def erase() -> Response:
    """Erase what is kept about the visitor, and say what was erased and what stays."""
    if problem := VisitorForm(request.form).problem:
        return bad_request(problem)
    return erase_own()


def erase_own() -> Response:
    """Erase all that is kept about the browser at hand, and answer with what that was."""
    decision, erased = erasure.erase_visitor()
    cookies = erasure.cookies_of(registry(), request.cookies)
    return erased_page(erased, cookies, "this_browser" if decision else None)


def erased_page(records: int, cookies: list[str], whose: str | None) -> Response:
    """Answer with what was erased, and of whom."""
    g.alternates = {}  # This page is an answer; it has no address.
    if g.wants_json:
        return no_store(jsonify(erased=True, records=records, cookies=cookies))
    page = render_template("rights/erased.html", records=records, cookies=cookies, whose=whose)
    return no_store(make_response(page))
