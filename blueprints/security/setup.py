"""Puts the policy in place, before every other room."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState
from werkzeug.middleware.proxy_fix import ProxyFix

from blueprints.security import files, headers, limits, origin
from blueprints.security.page_cache import PageCache
from blueprints.security.request_head import normalise_head

LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
# No address of IPv6, for Werkzeug compares none.
HOST_NAME = re.compile(rf"{LABEL}(\.{LABEL})*(?P<port>:[1-9]\d{{0,4}})?")
LAST_PORT = 2**16 - 1
NUMBERS = {  # the most, and what it is; of proxies a city has two or three
    "SHARED_CACHE_SECONDS": (3600, "a number of seconds from 0 to 3600"),
    "PROXY_HOPS": (10, "the number of proxies before the site, 0 to 10"),
}
MOST_SECRETS_BEFORE = 5  # each costs one more count

blueprint = Blueprint("security", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    _check_settings(app)
    app.config["TRUSTED_HOSTS"] = _trusted_hosts(app.config["TRUSTED_HOSTS"])
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = _kept_secret(Path(app.instance_path))
    app.before_request(origin.refuse_malformed_address)
    app.before_request(origin.tell_who_asks)
    app.before_request(origin.refuse_cross_origin)
    app.after_request(headers.complete)
    limits.limit(app)
    app.wsgi_app = app.extensions["page_cache"] = PageCache(app.wsgi_app)  # type: ignore[method-assign]
    files.serve(app, Path(app.root_path) / "static")
    hosts = app.config["TRUSTED_HOSTS"] or ["localhost"]
    app.wsgi_app = normalise_head(app.wsgi_app, hosts[0].removeprefix("."))  # type: ignore[method-assign,assignment]
    hops = app.config["PROXY_HOPS"]
    if hops:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops
        )


def _check_settings(app: Flask) -> None:
    config = app.config
    if config["PREFERRED_URL_SCHEME"] not in {"http", "https"}:
        raise SystemExit("FLASK_PREFERRED_URL_SCHEME must be http or https.")
    if not headers.HSTS.fullmatch(config["HSTS"]):
        raise SystemExit(
            "FLASK_HSTS must be max-age=SECONDS, with '; includeSubDomains' and '; preload' or not."
        )
    for name, (most, what) in NUMBERS.items():
        if type(config[name]) is not int or not 0 <= config[name] <= most:
            raise SystemExit(f"FLASK_{name} must be {what}.")
    secret = config["SECRET_KEY"]
    if type(secret) in {int, float}:  # The environment reads a secret of digits as a number.
        config["SECRET_KEY"] = str(secret)
    elif secret is not None and not isinstance(secret, bytes) and not _is_text(secret):
        raise SystemExit("FLASK_SECRET_KEY must be text on one line.")
    before = config["SECRET_KEY_FALLBACKS"]
    if before is not None and not (
        isinstance(before, list)
        and len(before) <= MOST_SECRETS_BEFORE
        and all(_is_text(text) and text for text in before)
    ):
        raise SystemExit(
            "FLASK_SECRET_KEY_FALLBACKS must be a JSON list of secrets, each a text on one line, "
            f"{MOST_SECRETS_BEFORE} at most."
        )


def _trusted_hosts(hosts: object) -> list[str] | None:
    if hosts is None:
        return None
    if isinstance(hosts, str):
        hosts = [host.strip() for host in hosts.split(",") if host.strip()]
    found: list[str] = []
    if isinstance(hosts, list) and all(isinstance(host, str) for host in hosts):
        with suppress(ValueError):
            found = [_host_as_sent(host) for host in hosts]
    if not found:
        raise SystemExit("FLASK_TRUSTED_HOSTS must be host names with commas between them.")
    return found


def _host_as_sent(value: str) -> str:
    """Write the name of a host, in any alphabet, as browsers send it, or raise ValueError.

    With a dot before, it stands for all below it.
    """
    name = value.removeprefix(".")
    sent = name.encode("idna").decode().lower()
    found = HOST_NAME.fullmatch(sent)
    if not found or int((found["port"] or ":1")[1:]) > LAST_PORT:
        raise ValueError(value)
    return value.removesuffix(name) + sent


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _kept_secret(folder: Path) -> str:
    """Return the secret kept in the folder, made by the first process that asks for it.

    Raises:
        SystemExit: it cannot be made or read, or what is there is none.

    """
    file = folder / "secret_key"
    try:
        if not file.exists():
            _make_secret(file)
        secret = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SystemExit(f"The secret {file} cannot be made or read: {error.strerror}.") from None
    except UnicodeDecodeError:
        secret = ""
    if not secret or not _is_text(secret):
        raise SystemExit(f"The secret {file} is no text; without the file a new one is made.")
    return secret


def _make_secret(file: Path) -> None:
    mine = file.with_name(f"{file.name}.{os.getpid()}")
    mine.touch(mode=0o600)
    mine.write_text(secrets.token_hex(32), encoding="utf-8")
    try:
        file.hardlink_to(mine)  # Atomic, and refused when another process was first.
    except FileExistsError:
        pass
    finally:
        mine.unlink()
