"""Health, robots.txt, security.txt, favicon.ico, and the privacy and accessibility pages."""

from datetime import UTC, datetime, timedelta
from typing import cast

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    send_from_directory,
)
from flask.blueprints import BlueprintSetupState

from blueprints.pages import errors

SECURITY_TXT_LIFETIME = timedelta(days=180)  # RFC 9116, 2.5.5 recommends less than a year

GPC_SINCE = "2026-11-24"

blueprint = Blueprint("pages", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    errors.register(app)


@blueprint.get("/privacy", pt="/pt/privacidade")
def privacy() -> str:
    """Show what is kept about a visitor, why, for how long, and the visitor's rights."""
    return render_template(f"pages/privacy.{g.language}.html")


@blueprint.get("/accessibility", pt="/pt/acessibilidade")
def accessibility() -> str:
    """Say how accessible the site is, how that was checked, and whom to tell of a barrier.

    What stands there is what Decreto-Lei 83/2018 and Decision (EU) 2018/1523 ask of a statement.
    """
    return render_template(f"pages/accessibility.{g.language}.html")


@blueprint.get("/health")
def health() -> Response:
    """Say that this process answers; it asks no database, which may be down while pages go on."""
    return _plain("ok\n", "no-store")


@blueprint.get("/ready")
def ready() -> Response:
    """Say whether choices can be recorded and proven, or with 503 what is wrong."""
    problems = current_app.extensions["readiness"].problems()
    response = _plain("".join(f"{wrong}\n" for wrong in problems) or "ready\n", "no-store")
    response.status_code = 503 if problems else 200
    return response


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Let every robot read everything."""
    return _plain(render_template("pages/robots.txt") + "\n")


@blueprint.get("/.well-known/gpc.json")
def gpc() -> Response:
    """Say that Global Privacy Control is honoured (W3C GPC, 3.1)."""
    return jsonify(gpc=True, lastUpdate=GPC_SINCE)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Give the icon to those who ask at this address unseen: they have not read a page's head."""
    return send_from_directory(current_app.extensions["static_files"] / "img", "favicon.ico")


@blueprint.get("/.well-known/security.txt")
def security_txt() -> Response:
    """Say whom to tell about a weakness (RFC 9116)."""
    expires = (datetime.now(UTC) + SECURITY_TXT_LIFETIME).replace(hour=0, minute=0, second=0)
    text = render_template("pages/security.txt", expires=f"{expires:%Y-%m-%dT%H:%M:%SZ}")
    return _plain(f"{text}\n")


def _plain(text: str, cache_control: str | None = None) -> Response:
    response = make_response(text)
    response.mimetype = "text/plain"
    if cache_control:
        response.headers["Cache-Control"] = cache_control
    return response
