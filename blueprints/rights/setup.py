from typing import cast

from flask import Flask
from flask.blueprints import BlueprintSetupState

from blueprints.consent.commands import add_commands
from blueprints.consent.settings import check_number
from blueprints.rights import by_number
from blueprints.rights.check_receipt import check_receipt
from blueprints.rights.commands import erase, purge
from blueprints.rights.find import find
from blueprints.rights.views import blueprint

__all__ = ["blueprint", "by_number"]


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    if "proof" not in app.blueprints:
        raise SystemExit("The room rights needs the room proof before it: leave rights out first.")
    check_number(app, "CONSENT_RETENTION_YEARS", "years", 1, 10)
    # What pages say that erasure leaves, and what `flask deploy timers` keeps to.
    check_number(app, "CONSENT_BACKUP_DAYS", "days", 2, 365)
    add_commands(app, check_receipt, erase, find, purge)
