from pathlib import Path
from typing import cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState

from blueprints.site.look import Look
from blueprints.site.site import BrokenSiteError, read_site

SHIPPED = Path(__file__).parent / "site.toml"

blueprint = Blueprint("site", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    file = Path(app.config["SITE"] or SHIPPED)
    try:
        site = read_site(file, Path(app.root_path) / "static")
    except BrokenSiteError as error:
        raise SystemExit(f"FLASK_SITE, {file.name}, is wrong: {error}.") from None
    app.extensions["site"] = app.jinja_env.globals["site"] = site
    app.extensions["look"] = Look(site, file)
