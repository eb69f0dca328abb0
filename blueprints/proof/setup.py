"""Sets the room up: it listens to the heart, which does not know of it."""

from datetime import UTC, datetime, timedelta
from typing import cast

from flask import Flask
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import SQLAlchemyError

from blueprints.consent.commands import add_commands
from blueprints.consent.recording import choice_recorded
from blueprints.consent.settings import check_number
from blueprints.proof.commands import seal, verify
from blueprints.proof.sealing import Sealing
from blueprints.proof.seals import oldest_open
from blueprints.proof.views import blueprint

__all__ = ["blueprint"]

LONG = timedelta(days=8)  # The site seals by itself after a week at the latest, if choices go on.


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    check_number(app, "CONSENT_SEAL_RECORDS", "records", 1, 1_000_000)
    check_number(app, "CONSENT_SEAL_MINUTES", "minutes", 1, 60 * 24 * 7)
    check_number(app, "CONSENT_SEAL_BATCH", "records", 1, 10_000)
    app.extensions["readiness"].depend_on(_why_not_ready)
    sealing = app.extensions["sealing"] = Sealing(app)
    choice_recorded.connect(sealing.count, app)
    add_commands(app, seal, verify)


def _why_not_ready() -> str | None:
    """Tell of records that nothing has sealed; of the database its own room tells."""
    try:
        oldest = oldest_open()
    except SQLAlchemyError:
        return None
    if oldest is None or datetime.now(UTC) - oldest < LONG:
        return None
    return f"Records are open since {oldest:%Y-%m-%d}: run 'flask consent seal' each day."
