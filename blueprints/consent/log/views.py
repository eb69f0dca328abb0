"""What lets others check the log, and a visitor leave it: notices, heads, erasure."""

from flask import abort, current_app, g, jsonify, make_response, render_template, request
from flask_babel import force_locale
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from blueprints.consent.forms import VisitorForm
from blueprints.consent.log import erasure
from blueprints.consent.log.seals import newest_seals
from blueprints.consent.views import Answer, blueprint, kept_by_nobody, refuse
from blueprints.consent.visitor import last_decision, notices, registry

SEALS_AT_ONCE = 1000
SEALS_LIFETIME_SECONDS = 60


@blueprint.get("/cookies/notices/<notice_id>", defaults={"language": "en"})
@blueprint.get("/pt/cookies/notices/<notice_id>", defaults={"language": "pt"})
def notice(notice_id: str) -> str:
    """Show a notice with the words that it had when it was shown, however long ago."""
    try:
        found = notices().find(notice_id)
    except SQLAlchemyError as error:
        current_app.logger.error("A notice cannot be looked up: %s", type(error).__name__)
        raise ServiceUnavailable from None
    if found is None:
        abort(404)
    with force_locale(found.language):
        words = render_template("consent/notice_words.html", notice=found)
    return render_template("consent/notice.html", notice=found, words=words)


@blueprint.get("/consent/seals.json")
def published_seals() -> Answer:
    """Publish the heads of the log, for anybody to keep: the newest, and where the older are."""
    before = request.args.get("before")
    if before is not None and not (before.isascii() and before.isdigit() and len(before) < 10):  # noqa: PLR2004 - so many digits fit the column
        abort(400)
    try:
        seals = newest_seals(SEALS_AT_ONCE, int(before) if before else None)
    except SQLAlchemyError as error:
        current_app.logger.error("The seals cannot be looked up: %s", type(error).__name__)
        raise ServiceUnavailable from None
    has_older = bool(seals) and seals[0].number > 1
    older = f"{request.path}?before={seals[0].number}" if has_older else None
    response = jsonify(seals=[seal.as_json for seal in seals], older=older)
    response.headers["Cache-Control"] = f"public, max-age={SEALS_LIFETIME_SECONDS}"
    response.add_etag()
    return response.make_conditional(request)


@blueprint.post("/cookies/erase", defaults={"language": "en"})
@blueprint.post("/pt/cookies/erase", defaults={"language": "pt"})
def erase() -> Answer:
    """Erase what is kept about the visitor, and say what was erased and what stays."""
    if problem := VisitorForm(request.form).problem:
        return refuse(problem)
    decision = last_decision()
    if g.get("session_store_is_down"):
        raise ServiceUnavailable  # Whose records they are cannot be told.
    erased = erasure.erase_visitor(decision)
    cookies = erasure.cookies_of(registry(), request.cookies)
    g.alternates = {}  # This page is an answer; it has no address.
    if g.wants_json:
        answer = jsonify(erased=True, records=erased, cookies=cookies)
    else:
        page = render_template(
            "consent/erased.html", records=erased, cookies=cookies, had_choice=decision is not None
        )
        answer = make_response(page)
    # The choice has ended with the session, so that the cookies themselves go as after a refusal.
    g.clear_storage = registry().keeps_more_than_cookies(frozenset(registry().optional_ids))
    return kept_by_nobody(answer)
