"""The InvestPorto microsite: an article, and a cookie consent that can be proven.

This page is the table of contents: the defaults of every setting, where settings come from, and
the rooms of the house in the order in which they look at a request. Each room reads the settings
that concern it and stops the start with one sentence when a value is wrong.
"""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from jinja2 import StrictUndefined

from blueprints import article, consent, database, languages, pages, security, sessions

DEFAULTS: Mapping[str, Any] = {
    "SECRET_KEY": None,  # made and kept under instance/
    "SQLALCHEMY_DATABASE_URI": None,  # SQLite under instance/
    "REDIS_URL": None,
    "PREFERRED_URL_SCHEME": "http",
    "TRUSTED_HOSTS": None,
    "PROXY_HOPS": 0,
    "HOST": "127.0.0.1",
    "PORT": 8000,
    "ARTICLES": None,  # blueprints/article/texts
    "CONSENT_MODEL": "opt_in",
    "CONSENT_LIFETIME_MONTHS": 6,
    "CONSENT_REGISTRY": None,  # blueprints/consent/registry.toml
    "CONSENT_SEAL_RECORDS": 1000,
    "CONSENT_SEAL_MINUTES": 60,
    "CONSENT_SEAL_BATCH": 10_000,
    "CONSENT_RETENTION_YEARS": 3,
}

BLUEPRINTS = (
    languages.blueprint,
    security.blueprint,
    database.blueprint,
    sessions.blueprint,
    consent.blueprint,
    article.blueprint,
    pages.blueprint,
)


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Build the site from the defaults, the environment (`FLASK_...`) and `overrides`; last wins.

    Raises:
        SystemExit: with one sentence, when a setting, an article or the registry is wrong.

    """
    app = Flask(__name__, static_folder=None)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config.from_mapping(DEFAULTS)
    app.config.from_prefixed_env()
    app.config.from_mapping(overrides or {})
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def serve() -> None:
    """Serve the site with two workers; README, "On line", says why each option is as it is."""
    config = create_app().config  # A wrong setting stops here, before there are workers.
    host, port = config["HOST"], config["PORT"]
    if type(port) is not int or not 0 < port < 2**16:
        raise SystemExit("FLASK_PORT must be a port number.")
    print(f"InvestPorto is at http://{host}:{port}/", flush=True)  # noqa: T201 - for the operator
    Granian(
        "app:create_app",
        factory=True,
        address=str(host),
        port=port,
        log_level=LogLevels.error,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        workers=2,
        blocking_threads=256,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()


if __name__ == "__main__":
    serve()
