import re
from contextlib import suppress
from functools import partial
from importlib import import_module
from ipaddress import ip_address
from types import ModuleType
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

ADDRESS = re.compile(r"(?:([0-9.]+)|\[([0-9a-f:.]+)\]):([0-9]{1,5})")

blueprint = Blueprint("operator", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    if "rights" not in app.blueprints:
        raise SystemExit(
            "The room operator needs the room rights before it: leave operator out first."
        )
    if address := _address(app.config["METRICS_ADDRESS"]):
        app.extensions["metrics_address"] = address
        app.extensions["when_serving"].append(partial(_metrics().begin, app))
    app.cli.add_command(deploy)
    add_commands(app, audit, backup, export, move, policy, report)


def _metrics() -> ModuleType:
    """Return the module that counts, which no other site loads: it costs memory and time."""
    try:
        return import_module("blueprints.operator.metrics")
    except ModuleNotFoundError:
        raise SystemExit(
            "FLASK_METRICS_ADDRESS needs a library: pip install '.[metrics]'."
        ) from None


def _address(written: str | None) -> tuple[str, int] | None:
    if written is None:
        return None
    with suppress(ValueError):
        parts = ADDRESS.fullmatch(written)
        if parts and 0 < int(parts[3]) < 2**16:
            return str(ip_address(parts[1] or parts[2])), int(parts[3])
    raise SystemExit(
        "FLASK_METRICS_ADDRESS must be an IP address with a port, such as 127.0.0.1:9090."
    )
