"""Chooses the store and names the cookie."""

from functools import partial
from importlib import import_module
from typing import cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from blueprints.sessions.database_store import DatabaseStore
from blueprints.sessions.interface import VisitorSessions
from blueprints.sessions.store import Store, StoreUnavailableError

blueprint = Blueprint("sessions", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    over_https = app.config["PREFERRED_URL_SCHEME"] == "https"
    # The prefix makes the browser itself refuse the cookie from another host or over plain HTTP.
    app.config["SESSION_COOKIE_NAME"] = "__Host-session" if over_https else "session"
    app.config["SESSION_COOKIE_SECURE"] = over_https
    app.extensions["readiness"].depend_on(partial(_why_not_ready, app))
    app.session_interface = app.extensions["sessions"] = VisitorSessions(_store(app))


def _why_not_ready(app: Flask) -> str | None:
    try:
        app.extensions["sessions"].probe()
    except StoreUnavailableError as error:
        return f"The sessions cannot be looked up: {error}."
    return None


def _store(app: Flask) -> Store:
    url = app.config["REDIS_URL"]  # checked by the security room, which keeps its counters there
    if not url:
        return DatabaseStore(app.extensions["database"])
    store: Store = import_module("blueprints.sessions.redis_store").RedisStore(app, url)
    return store
