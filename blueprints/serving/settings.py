"""Where settings come from, and what stops the start before any room asks for a value.

A misspelt name would be ignored in silence, and the site would run with the default: in the
embedded database, or without its proxies. So every name with our prefix must be ours, or one of
Flask's command line: what README does not name does not exist.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import click
from flask import Flask

PREFIX = "FLASK_"
WRONG_INPUT = 2  # with which a command ends that was given something wrong
OF_THE_COMMAND_LINE = {"APP", "DEBUG", "ENV", "SKIP_DOTENV"}  # of the `flask` command itself
OF_FLASK_RUN = "RUN_"  # FLASK_RUN_PORT and its like
SOCKET = ("/", "@")  # as libpq has it: a path, or an abstract one
# The security room checks them.
OF_OTHER_KINDS = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "TRUSTED_HOSTS"}


@contextmanager
def ending_a_command() -> Iterator[None]:
    """Let a command of the operator end with its own status where a setting is wrong.

    Else that would be 1, as for a log that was tampered with. A room that has found something else
    says so by an exit of its own kind.
    """
    try:
        yield
    except SystemExit as wrong:
        told = wrong.code if type(wrong) is SystemExit else None
        if not isinstance(told, str) or click.get_current_context(silent=True) is None:
            raise
        click.echo(told, err=True)
        sys.exit(WRONG_INPUT)


def read_settings(app: Flask, defaults: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Fill the configuration from the defaults, the environment and `overrides`; last wins."""
    _check_names(defaults)
    app.config.from_mapping(defaults)
    app.config.from_prefixed_env()
    app.config.from_mapping(overrides)
    _check_texts(app, defaults)


def _check_names(ours: Mapping[str, Any]) -> None:
    for variable in sorted(os.environ):
        name = variable.removeprefix(PREFIX)
        if name in {variable, *ours, *OF_THE_COMMAND_LINE} or name.startswith(OF_FLASK_RUN):
            continue
        meant = get_close_matches(name.upper(), ours, n=1)
        hint = f"; did you mean {PREFIX}{meant[0]}?" if meant else "."
        raise SystemExit(f"{variable} is no setting of this site{hint}")


def _check_texts(app: Flask, defaults: Mapping[str, Any]) -> None:
    """Refuse a number, a list or an unprintable text: the environment reads values as JSON."""
    for name, default in defaults.items():
        value, is_set = app.config[name], f"{PREFIX}{name}" in os.environ
        is_text = isinstance(default, str | None) and name not in OF_OTHER_KINDS
        if (is_set and value is None) or (value == "" and (is_set or is_text)):
            raise SystemExit(f"{PREFIX}{name} is empty: leave it out, or give it a value.")
        if not is_text or value is default:
            continue
        if type(value) is int and is_set:
            value = app.config[name] = os.environ[f"{PREFIX}{name}"]  # a folder called 2026, say
        if not isinstance(value, str) or not value.isprintable():
            raise SystemExit(f"{PREFIX}{name} must be text on one line.")
        if "://" in value:
            _check_address(name, value)


def _check_address(name: str, value: str) -> None:
    """Refuse what no library refuses before it connects: each would fail in its own way then."""
    try:
        address = urlsplit(value)
        options = parse_qs(address.query)
        for host in (address.hostname or "", *options.get("host", ())):
            if not host.startswith(SOCKET):
                host.encode("idna")
        is_wrong = address.port == 0 or "\0" in unquote(value)
    except ValueError:  # of which UnicodeError is one
        is_wrong = True
    if is_wrong:
        raise SystemExit(
            f"{PREFIX}{name} must be an address with a possible host and port, and a password in "
            "it percent-encoded."
        )
