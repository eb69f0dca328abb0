"""The InvestPorto microsite: an article, and a cookie consent that can be proven.

This page is the table of contents: the settings of each room with their defaults, and the rooms of
the house in the order in which they look at a request. Each room reads the settings that concern it
and stops the start with one sentence when a value is wrong. The wings (operator, then rights, then
proof) can be left out of the list, with their settings, and the rest works.
"""

import gc
import signal

# What is imported is no garbage, and to look for some takes a good part of the start.
gc.disable()

if __name__ == "__main__":
    # Ctrl-C ends the start as it ends any program, without a traceback, even while this imports.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask
from jinja2 import StrictUndefined

from blueprints import (
    article,
    consent,
    database,
    languages,
    operator,
    pages,
    proof,
    rights,
    security,
    serving,
    sessions,
    site,
)

# Nor is it looked through later, by which each worker would get a copy of what all share.
gc.freeze()
gc.enable()

ROOT = Path(__file__).resolve().parent

# Of each room: where one is left out, so are its settings.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "serving": {
        "INSTANCE": None,  # instance/ beside this file
        "HOST": "127.0.0.1",
        "PORT": 8000,
    },
    "site": {"SITE": None},  # blueprints/site/site.toml
    "security": {
        "SECRET_KEY": None,  # made and kept under instance/
        "SECRET_KEY_FALLBACKS": None,  # those before it, while it is replaced
        "PREFERRED_URL_SCHEME": "http",
        "HSTS": "max-age=63072000",  # two years; of sub-domains the city decides
        "SHARED_CACHE_SECONDS": 60,  # a corrected text is seen behind a proxy so much later
        "TRUSTED_HOSTS": None,
        "PROXY_HOPS": 0,
    },
    "database": {"SQLALCHEMY_DATABASE_URI": None},  # SQLite under instance/
    "sessions": {"REDIS_URL": None},
    "consent": {
        "CONSENT_MODEL": "opt_in",
        "CONSENT_LIFETIME_MONTHS": 6,
        "CONSENT_REGISTRY": None,  # blueprints/consent/registry.toml
        "CONSENT_NOTICE": None,  # blueprints/consent/notice.toml
    },
    "proof": {
        "CONSENT_SEAL_RECORDS": 1000,
        "CONSENT_SEAL_MINUTES": 60,
        "CONSENT_SEAL_BATCH": 10_000,
    },
    "rights": {
        "CONSENT_RETENTION_YEARS": 3,
        "CONSENT_BACKUP_DAYS": 30,  # so old may a backup become, as the privacy page tells
    },
    "operator": {"METRICS_ADDRESS": None},  # no numbers for Prometheus
    "article": {
        "ARTICLES": None,  # blueprints/article/texts
        "MESSAGES": None,  # blueprints/article/messages.toml
        "TOPICS": None,  # blueprints/article/topics.toml
        "DRAFTS": False,  # unpublished articles are not shown
    },
}

BLUEPRINTS: tuple[Blueprint, ...] = (
    serving.blueprint,
    site.blueprint,
    languages.blueprint,
    security.blueprint,
    database.blueprint,
    sessions.blueprint,
    consent.blueprint,
    proof.blueprint,
    rights.blueprint,
    operator.blueprint,
    article.blueprint,
    pages.blueprint,
)


@serving.ending_a_command()
def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Build the site from the defaults, the environment (`FLASK_...`) and `overrides`; last wins.

    Raises:
        SystemExit: with one sentence, when a setting, an article or the registry is wrong.

    """
    # Both are written out: run as a script, this module is called `__main__`.
    app = Flask(
        "app", root_path=str(ROOT), instance_path=str(ROOT / "instance"), static_folder=None
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    defaults: dict[str, Any] = {}
    for blueprint in BLUEPRINTS:
        defaults |= DEFAULTS.get(blueprint.name, {})
    serving.read_settings(app, defaults, overrides or {})
    app.jinja_env.globals["rooms"] = app.blueprints  # so that no page links to one left out
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


if __name__ == "__main__":
    serving.serve(create_app)
