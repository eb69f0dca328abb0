"""Sets the room up: its settings, the registry, what it offers to templates and other rooms."""

from pathlib import Path
from typing import cast

from flask import Flask, g, request
from flask.blueprints import BlueprintSetupState

from blueprints.consent import enforcement, registry_file
from blueprints.consent.choices import Model
from blueprints.consent.continued_use import assume_after_second_page
from blueprints.consent.page import PageConsent
from blueprints.consent.views import blueprint
from blueprints.consent.visitor import cookie_prefix

__all__ = ["blueprint"]

FOLDER = Path(__file__).parent
MONTHS_AT_MOST = 24  # AEPD: the longest that any regulator calls good practice


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    _check_settings(app)
    file = Path(app.config["CONSENT_REGISTRY"] or FOLDER / "registry.toml")
    try:
        app.extensions["registry"] = registry_file.read(file, prefix=cookie_prefix(app))
    except registry_file.RegistryError as error:
        raise SystemExit(f"The cookie registry {file.name} is wrong: {error}.") from None
    app.before_request(_offer)
    app.context_processor(_to_templates)
    app.after_request(enforcement.enforce)
    if app.config["CONSENT_MODEL"] == Model.IMPLIED:
        app.logger.warning(
            "CONSENT_MODEL=implied: continued use is recorded, and it is no consent under the GDPR."
        )
        app.after_request(assume_after_second_page)


def _check_settings(app: Flask) -> None:
    if app.config["CONSENT_MODEL"] not in set(Model):
        raise SystemExit("FLASK_CONSENT_MODEL must be opt_in or implied.")
    months = app.config["CONSENT_LIFETIME_MONTHS"]
    if type(months) is not int or not 1 <= months <= MONTHS_AT_MOST:
        raise SystemExit(
            f"FLASK_CONSENT_LIFETIME_MONTHS must be a number of months from 1 to {MONTHS_AT_MOST}."
        )


def _offer() -> None:
    # A request that another room refused before this one was asked still gets a page.
    if "consent" not in g:
        g.consent = PageConsent()


def _to_templates() -> dict[str, PageConsent]:
    if not request:
        return {}
    _offer()
    return {"consent": g.consent}
