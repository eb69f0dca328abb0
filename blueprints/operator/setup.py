from typing import cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from blueprints.consent.commands import add_commands
from blueprints.operator.audit import audit
from blueprints.operator.backup import backup
from blueprints.operator.deploy import deploy
from blueprints.operator.export import export
from blueprints.operator.move import move
from blueprints.operator.policy import policy
from blueprints.operator.report import report

blueprint = Blueprint("operator", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    app.cli.add_command(deploy)
    add_commands(app, audit, backup, export, move, policy, report)
