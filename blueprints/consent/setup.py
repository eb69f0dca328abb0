"""Sets the room up: its settings, the registry, what it offers to templates and other rooms."""

import os
from pathlib import Path
from typing import cast

from flask import Flask, Response, current_app, g, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError

from blueprints.consent import commands, enforcement, registry_file
from blueprints.consent.choices import Model
from blueprints.consent.continued_use import assume_after_second_page
from blueprints.consent.log import views as log_views
from blueprints.consent.log.notice_store import Notices
from blueprints.consent.log.notices import write_notice
from blueprints.consent.log.sealing import Sealing
from blueprints.consent.own import views as own_views
from blueprints.consent.page import NOTICE, PageConsent
from blueprints.consent.views import blueprint
from blueprints.consent.visitor import cookie_prefix

# Commands and views are there once their modules are read.
__all__ = ["blueprint", "commands", "log_views", "own_views"]

FOLDER = Path(__file__).parent
NUMBERS: dict[str, tuple[str, int, int]] = {  # setting -> unit, least, most
    # AEPD: 24 months are the longest that any regulator calls good practice.
    "CONSENT_LIFETIME_MONTHS": ("months", 1, 24),
    "CONSENT_RETENTION_YEARS": ("years", 1, 10),
    "CONSENT_SEAL_RECORDS": ("records", 1, 1_000_000),
    "CONSENT_SEAL_MINUTES": ("minutes", 1, 60 * 24 * 7),
    "CONSENT_SEAL_BATCH": ("records", 1, 100_000),
}


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    _check_settings(app)
    file = Path(app.config["CONSENT_REGISTRY"] or FOLDER / "registry.toml")
    try:
        app.extensions["registry"] = registry_file.read(file, prefix=cookie_prefix(app))
    except registry_file.RegistryError as error:
        raise SystemExit(f"The cookie registry {file.name} is wrong: {error}.") from None
    _keep_notices(app)
    app.extensions["sealing"] = Sealing(app)
    app.before_request(_offer)
    app.context_processor(_to_templates)
    # What is registered first runs last: both see what continued use has recorded.
    app.after_request(enforcement.enforce)
    app.after_request(_note_choice)
    if app.config["CONSENT_MODEL"] == Model.IMPLIED:
        app.logger.warning(
            "CONSENT_MODEL=implied: continued use is recorded, and it is no consent under the GDPR."
        )
        app.after_request(assume_after_second_page)


def _check_settings(app: Flask) -> None:
    if app.config["CONSENT_MODEL"] not in set(Model):
        raise SystemExit("FLASK_CONSENT_MODEL must be opt_in or implied.")
    for name, (unit, least, most) in NUMBERS.items():
        value = app.config[name]
        if type(value) is not int or not least <= value <= most:
            raise SystemExit(f"FLASK_{name} must be a number of {unit} from {least} to {most}.")


def _keep_notices(app: Flask) -> None:
    """Write down the notices in force and keep them, where the database is at hand.

    A command of the operator shows nobody a notice and keeps none. What could not be kept here is
    kept before the first record that names it.
    """
    model = Model(app.config["CONSENT_MODEL"])
    notices = app.extensions["notices"] = Notices(
        {
            language: write_notice(app.extensions["registry"], words, language, model)
            for language, words in NOTICE.items()
        }
    )
    if not app.extensions["database_is_current"] or os.environ.get("FLASK_RUN_FROM_CLI"):
        return
    try:
        with app.app_context():
            notices.keep_all()
    except SQLAlchemyError as error:
        app.logger.error("The notices cannot be kept yet: %s", type(error).__name__)


def _note_choice(response: Response) -> Response:
    if not g.get("recorded"):
        return response
    sealing: Sealing = current_app.extensions["sealing"]
    return sealing.note_choice(response)


def _offer() -> None:
    # A request that another room refused before this one was asked still gets a page.
    if "consent" not in g:
        g.consent = PageConsent()


def _to_templates() -> dict[str, PageConsent]:
    if not request:
        return {}
    _offer()
    return {"consent": g.consent}
