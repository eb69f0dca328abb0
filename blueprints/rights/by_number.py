"""Access and erasure for somebody whose browser is not recognised, by their number or receipt.

A browser is recognised until its choice ends; the records stay longer (GDPR Art. 11(2) and 12(2):
who gives more information, by which they can be found, has the same rights). The number is random,
122 bits, and stands in the history and in each receipt; whoever tries numbers is slowed down.
"""

import json
from datetime import UTC, datetime
from uuid import UUID

from flask import g, jsonify, make_response, render_template, request
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import AnyOf, Optional

from blueprints.consent.forms import VisitorForm
from blueprints.consent.records import as_text
from blueprints.consent.views import no_store
from blueprints.consent.visitor import last_decision
from blueprints.rights import erasure, history
from blueprints.rights.receipt_check import NotAReceiptError, read_receipt
from blueprints.rights.subjects import as_number, erased_record, number_in
from blueprints.rights.views import (
    RECORDS_AT_MOST,
    blueprint,
    erase_own,
    erased_page,
    history_page,
)

RECEIPT_BYTES_AT_MOST = 128 * 1024


class NumberForm(VisitorForm):
    number = StringField()
    erase = StringField(validators=[Optional(), AnyOf(["yes"])])


@blueprint.get("/cookies/records", pt="/pt/cookies/records")
def ask_for_number() -> Response:
    """Ask for the number, or for a receipt, in which it stands."""
    return _form_page(None)


@blueprint.post("/cookies/records", pt="/pt/cookies/records")
def show_by_number() -> Response:
    """Show the records of a number; with `erase`, which that page asks, erase them."""
    request.max_content_length = RECEIPT_BYTES_AT_MOST
    g.count_number()
    form = NumberForm(request.form)
    subject, record = (None, None) if form.problem else _named(form.number.data or "")
    if subject is None:
        return _form_page("receipt" if request.files.get("receipt") else "number", 400)
    if form.erase.data:
        return _erase(subject, record)
    records = history.records_of(subject, RECORDS_AT_MOST)
    if not records:
        return _nothing_left(record)
    if g.wants_json:
        told = [
            {name: value for name, value in record.items() if name != "content"}
            for record in records
        ]
        in_json = json.loads(json.dumps(told, default=as_text))
        return no_store(jsonify(made_at=datetime.now(UTC).isoformat(), records=in_json))
    g.alternates = {}  # This page is an answer; it has no address.
    return history_page(records, subject)


def _named(number: str) -> tuple[UUID | None, UUID | None]:
    """Return the visitor and, where it is a receipt that names them, its record."""
    sent = request.files.get("receipt")
    if not sent:
        return as_number(number), None
    try:
        receipt = read_receipt(sent.read())
    except NotAReceiptError:
        return None, None
    return number_in(receipt, "subject"), number_in(receipt, "id")


def _nothing_left(record: UUID | None) -> Response:
    return _form_page("erased" if record and erased_record(record) else "unknown", 404)


def _erase(subject: UUID, record: UUID | None) -> Response:
    own = last_decision()
    if own and own.subject == str(subject):
        return erase_own()  # Their session and its cookies are at hand.
    erased = erasure.erase_subject(subject)
    return erased_page(erased, [], "number") if erased else _nothing_left(record)


def _form_page(problem: str | None, status: int = 200) -> Response:
    if g.wants_json and problem:
        answer = jsonify(error=problem)
        answer.status_code = status
        return no_store(answer)
    number = request.form.get("number", "")
    page = render_template("rights/records.html", problem=problem, number=number)
    return no_store(make_response(page, status))
