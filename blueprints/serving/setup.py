"""Sets the log and the instance folder up, before any room has something to say or to write."""

from functools import partial
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from blueprints.serving import log
from blueprints.serving.readiness import Readiness
from blueprints.serving.templates import keep_compiled

blueprint = Blueprint("serving", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    log.set_up()
    app.extensions["readiness"] = Readiness()
    app.extensions["told_at_start"] = []  # sentences of the rooms for whoever starts the server
    app.extensions["stops_the_start"] = []  # those with which it does not serve
    # What rooms begin in each process that serves.
    app.extensions["when_serving"] = [partial(keep_compiled, app)]
    app.extensions["metrics_address"] = None  # where the numbers are given out besides
    port = app.config["PORT"]
    if type(port) is not int or not 0 < port < 2**16:
        raise SystemExit("FLASK_PORT must be a port number.")
    if app.config["INSTANCE"]:
        app.instance_path = str(Path(app.config["INSTANCE"]).absolute())
    folder = Path(app.instance_path)
    try:  # One that is there may be read-only: each room says what it cannot write then.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"The folder {folder} cannot be made: {error.strerror}.") from None
