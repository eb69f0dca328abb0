"""English and Portuguese.

The address alone decides the language (`/pt/...` is Portuguese), never a header or a cookie: each
page has one address per language, a shared cache may keep it, and nothing about the visitor is
read. What form of answer the client reads (`g.wants_json`) is settled here as well, and which
address the page at hand has, to come back to (`g.page_path`): an answer to a form that shows a page
of another address sets it to that.

A page that exists in both languages names both addresses in one rule, which gives each its
`language`; this room removes that from the view's arguments and puts it back whenever an address is
built, so that neither views nor templates carry it around.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from flask import Blueprint, Flask, current_app, g, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import Babel, format_date, format_datetime
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from blueprints.languages.catalogue import translations
from blueprints.languages.rules import Rule

LANGUAGES: Mapping[str, str] = {"en": "English", "pt": "Português"}

LOCALES: Mapping[str, str] = {"en": "en_GB", "pt": "pt_PT"}  # how dates and numbers are written

# RFC 3986, 3.3 and 3.4; a query has its escapes already.
PATH_AS_IT_IS = "/:@!$&'()*+,;=~"
QUERY_AS_IT_IS = PATH_AS_IT_IS + "?%"

blueprint = Blueprint("languages", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(Path(__file__).parent / "translations")
    Babel(
        app,
        locale_selector=lambda: LOCALES[g.get("language", "en")],
        default_timezone="Europe/Lisbon",
    )
    app.url_rule_class = Rule  # type: ignore[assignment]  # It takes one more argument.
    app.cli.add_command(translations)
    app.before_request(_remember)
    app.url_value_preprocessor(_pull_language)
    app.url_defaults(_add_language)
    app.context_processor(
        lambda: {
            "language": g.get("language", "en"),
            "languages": LANGUAGES,
            "alternates": alternates(),
            "absolute": absolute,
            "here": g.get("page_path", "/"),
            "format_date": format_date,
            "format_datetime": format_datetime,
        }
    )


def _remember() -> None:
    g.language = "pt" if f"{request.path}/".startswith("/pt/") else "en"
    # The path and the query that were asked for, as a browser writes them.
    query = quote(request.query_string, safe=QUERY_AS_IT_IS)
    g.page_path = quote(request.path, safe=PATH_AS_IT_IS) + (f"?{query}" if query else "")
    g.wants_json = _wants_json(request.headers.get("Accept", ""))


@lru_cache(32)  # Browsers say a few things, and whoever says anything fills no memory.
def _wants_json(accept: str) -> bool:
    accepted = parse_accept_header(accept, MIMEAccept)
    return accepted.best_match(["text/html", "application/json"]) == "application/json"


def _pull_language(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values is not None:
        values.pop("language", None)


def _add_language(endpoint: str, values: dict[str, Any]) -> None:
    if current_app.url_map.is_endpoint_expecting(endpoint, "language"):
        values.setdefault("language", g.get("language", "en"))


def absolute(address: str) -> str:
    """Return a path of this site as an address for the whole world."""
    return f"{current_app.config['PREFERRED_URL_SCHEME']}://{request.host}{address}"


def alternates() -> dict[str, str]:
    """Return the address of the page at hand in each language; empty where it has but one.

    A view whose address differs by more than the prefix sets `g.alternates` itself.
    """
    if "alternates" in g:
        return dict(g.alternates)
    if request.endpoint is None or not current_app.url_map.is_endpoint_expecting(
        request.endpoint, "language"
    ):
        return {}
    return {
        language: url_for(request.endpoint, language=language, **(request.view_args or {}))
        for language in LANGUAGES
    }
