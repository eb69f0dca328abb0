"""Puts the policy in place, before every other room."""

import os
import secrets
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState
from werkzeug.middleware.proxy_fix import ProxyFix

from blueprints.security import files, headers, limits, origin
from blueprints.security.copies import Copies

blueprint = Blueprint("security", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    _check_settings(app)
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = _kept_secret(Path(app.instance_path))
    app.before_request(origin.refuse_malformed_host)
    app.before_request(origin.refuse_cross_origin)
    app.after_request(headers.complete)
    limits.limit(app)
    app.extensions["copies"] = Copies(app)
    files.serve(app, Path(app.root_path) / "static")
    hops = app.config["PROXY_HOPS"]
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def _check_settings(app: Flask) -> None:
    config = app.config
    if config["PREFERRED_URL_SCHEME"] not in {"http", "https"}:
        raise SystemExit("FLASK_PREFERRED_URL_SCHEME must be http or https.")
    hops = config["PROXY_HOPS"]
    if isinstance(hops, bool) or not isinstance(hops, int) or hops < 0:
        raise SystemExit(
            "FLASK_PROXY_HOPS must be the number of proxies before the site, 0 or more."
        )
    hosts = config["TRUSTED_HOSTS"]
    if isinstance(hosts, str):
        hosts = [host.strip() for host in hosts.split(",") if host.strip()]
    if hosts is not None and not (
        isinstance(hosts, list) and hosts and all(isinstance(host, str) for host in hosts)
    ):
        raise SystemExit("FLASK_TRUSTED_HOSTS must be host names with commas between them.")
    config["TRUSTED_HOSTS"] = hosts
    if config["SECRET_KEY"] and not isinstance(config["SECRET_KEY"], (str, bytes)):
        # The environment reads a secret of digits as a number.
        config["SECRET_KEY"] = str(config["SECRET_KEY"])


def _kept_secret(folder: Path) -> str:
    """Return the secret kept in the folder, made by the first process that asks for it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "secret_key"
    if not file.exists():
        mine = folder / f"secret_key.{os.getpid()}"
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_hex(32))
        try:
            file.hardlink_to(mine)  # Atomic, and refused when another process was first.
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return file.read_text()
