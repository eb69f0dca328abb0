"""Sets the room up: it listens to the heart, which does not know of it."""

from typing import cast

from flask import Flask
from flask.blueprints import BlueprintSetupState

from blueprints.consent.commands import add_commands
from blueprints.consent.recording import choice_recorded
from blueprints.consent.settings import check_number
from blueprints.proof.commands import seal, verify
from blueprints.proof.sealing import Sealing
from blueprints.proof.views import blueprint

__all__ = ["blueprint"]


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    check_number(app, "CONSENT_SEAL_RECORDS", "records", 1, 1_000_000)
    check_number(app, "CONSENT_SEAL_MINUTES", "minutes", 1, 60 * 24 * 7)
    check_number(app, "CONSENT_SEAL_BATCH", "records", 1, 10_000)
    sealing = app.extensions["sealing"] = Sealing(app)
    choice_recorded.connect(sealing.count, app)
    add_commands(app, seal, verify)
