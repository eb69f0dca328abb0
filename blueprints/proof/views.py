"""What lets others check the log: the heads of its seals, for anybody to keep."""

from flask import Blueprint, abort, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response

from blueprints.proof.seals import newest_seals

SEALS_AT_ONCE = 1000
SEALS_LIFETIME_SECONDS = 60

blueprint = Blueprint("proof", __name__)


@blueprint.get("/consent/seals.json")
def published_seals() -> Response:
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
