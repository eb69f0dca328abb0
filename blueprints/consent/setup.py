"""Sets the room up: its settings, the registry, what it offers to templates and other rooms."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from flask import Flask, g, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError

from blueprints.consent import cookie_check, enforcement, notice_file, registry_file
from blueprints.consent.choices import Model
from blueprints.consent.commands import ended
from blueprints.consent.completeness import gaps
from blueprints.consent.continued_use import assume_after_second_page
from blueprints.consent.cookies import WITHDRAWAL_MONTHS
from blueprints.consent.known import who_is_known
from blueprints.consent.notice_store import Notices
from blueprints.consent.notices import write_notice
from blueprints.consent.page_consent import PageConsent
from blueprints.consent.recording import is_up_to_date
from blueprints.consent.registry import Registry
from blueprints.consent.registry_checks import RegistryError
from blueprints.consent.settings import check_number
from blueprints.consent.settling import settle_withdrawal
from blueprints.consent.toml_file import TomlFileError
from blueprints.consent.views import blueprint
from blueprints.consent.visitor import cookie_prefix

__all__ = ["blueprint"]

FOLDER = Path(__file__).parent


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    if app.config["CONSENT_MODEL"] not in set(Model):
        raise SystemExit("FLASK_CONSENT_MODEL must be opt_in or implied.")
    # CNIL: who refuses is left alone for six months, and nothing optional lasts longer than 13.
    check_number(app, "CONSENT_LIFETIME_MONTHS", "months", 6, WITHDRAWAL_MONTHS)
    file = Path(app.config["CONSENT_REGISTRY"] or FOLDER / "registry.toml")
    try:
        registry = app.extensions["registry"] = registry_file.read_registry(
            file, prefix=cookie_prefix(app), months=app.config["CONSENT_LIFETIME_MONTHS"]
        )
    except RegistryError as error:
        raise SystemExit(f"The cookie registry {file.name} is wrong: {error}.") from None
    words = Path(app.config["CONSENT_NOTICE"] or FOLDER / "notice.toml")
    try:
        app.extensions["notice_words"] = notice_file.read_notice(words, app.extensions["site"].name)
    except TomlFileError as error:
        raise SystemExit(f"FLASK_CONSENT_NOTICE, {words.name}, is wrong: {error}.") from None
    _warn_of_another_name(app, registry)
    # A site under https does not start while the privacy page cannot say what the law wants.
    is_on_line = app.config["PREFERRED_URL_SCHEME"] == "https"
    told = app.extensions["stops_the_start" if is_on_line else "told_at_start"]
    told += gaps(registry, cookie_prefix(app))
    _keep_notices(app, registry)
    app.extensions["who_is_known"] = who_is_known(app)
    app.extensions["sessions"].know_records_by(is_up_to_date)
    app.before_request(_provide)
    app.before_request(cookie_check.check)
    app.before_request(settle_withdrawal)
    app.context_processor(_to_templates)
    app.jinja_env.filters["ended"] = ended
    # What is registered first runs last: it sees what continued use has recorded.
    app.after_request(enforcement.enforce)
    if app.config["CONSENT_MODEL"] == Model.IMPLIED and registry.optional:
        app.logger.warning(
            "CONSENT_MODEL=implied: continued use is recorded, and it is no consent under the GDPR."
        )
        app.after_request(assume_after_second_page)


def _warn_of_another_name(app: Flask, registry: Registry) -> None:
    """Tell whose renamed site says that somebody else stores what it stores itself."""
    for service in registry.services:
        if service.is_ours and service.vendor != registry.controller.name:
            app.logger.warning(
                "The registry names %s as vendor of %r, a service of this site alone, and %s as "
                "controller.",
                service.vendor,
                service.id,
                registry.controller.name,
            )


def _keep_notices(app: Flask, registry: Registry) -> None:
    """Write down the notices in force and keep them, where the database is at hand.

    A command of the operator shows nobody a notice and keeps none: to it no database counts as
    current. What could not be kept here is kept before the first record that names it.
    """
    model = Model(app.config["CONSENT_MODEL"])
    notices = app.extensions["notices"] = Notices(
        {
            language: write_notice(registry, words, language, model)
            for language, words in app.extensions["notice_words"].items()
        }
    )
    if not app.extensions["database_is_current"]:
        return
    try:
        with app.app_context():
            for notice in notices.in_force.values():
                notices.keep(notice, datetime.now(UTC))
    except SQLAlchemyError as error:
        app.logger.error("The notices cannot be kept yet: %s", type(error).__name__)


def _provide() -> None:
    # A request that another room refused before this one was asked still gets a page.
    if "consent" not in g:
        g.consent = PageConsent()


def _to_templates() -> dict[str, PageConsent]:
    if not request:
        return {}
    _provide()
    return {"consent": g.consent}
