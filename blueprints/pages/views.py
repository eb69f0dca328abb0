"""Health, robots.txt, security.txt, favicon.ico, and the privacy and accessibility pages."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    render_template,
    send_from_directory,
    url_for,
)
from flask.blueprints import BlueprintSetupState

from blueprints.pages import errors

SECURITY_TXT_LIFETIME = timedelta(days=180)  # RFC 9116, 2.5.5 recommends less than a year

GPC_SINCE = "2026-11-24"

UNKEPT = {"Cache-Control": "no-store"}

# The pages of words about the site, each with its Portuguese address. Its words stand in
# templates/pages/NAME.LANGUAGE.html, and their title is what the foot of every page links with.
ABOUT_THE_SITE = {
    "privacy": "/pt/privacidade",
    "accessibility": "/pt/acessibilidade",
}

blueprint = Blueprint("pages", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    errors.register(app)
    # For the sitemap, and for whoever counts the pages that a visitor reads of the site itself.
    app.extensions["about_the_site"] = [f"pages.{name}" for name in ABOUT_THE_SITE]
    app.jinja_env.globals["links_about_the_site"] = _links


def _links() -> Iterator[tuple[str, str]]:
    for name in ABOUT_THE_SITE:
        words = current_app.jinja_env.get_template(_template(name))
        yield url_for(f"pages.{name}"), "".join(words.blocks["title"](words.new_context()))


def _template(name: str) -> str:
    return f"pages/{name}.{g.get('language', 'en')}.html"


def about_the_site(name: str) -> str:
    """Show what is kept about a visitor and their rights, or how accessible the site is.

    What the one says is what GDPR Art. 13 asks, and the other what Decreto-Lei 83/2018 and Decision
    (EU) 2018/1523 ask of a statement.
    """
    return render_template(_template(name))


for _name, _in_portuguese in ABOUT_THE_SITE.items():
    blueprint.add_url_rule(f"/{_name}", _name, partial(about_the_site, _name), pt=_in_portuguese)


@blueprint.get("/health")
def health() -> Response:
    """Say that this process answers; it asks no database, which may be down while pages go on."""
    return Response("ok\n", mimetype="text/plain", headers=UNKEPT)


@blueprint.get("/ready")
def ready() -> Response:
    """Say whether choices can be recorded and proven, or with 503 what is wrong."""
    problems = current_app.extensions["readiness"].problems()
    text = "".join(f"{wrong}\n" for wrong in problems) or "ready\n"
    return Response(text, 503 if problems else 200, UNKEPT, "text/plain")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Let every robot read everything."""
    return Response(render_template("pages/robots.txt") + "\n", mimetype="text/plain")


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
    return Response(f"{text}\n", mimetype="text/plain")
