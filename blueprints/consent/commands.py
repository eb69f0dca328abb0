"""`flask consent ...`: the one group of the operator's commands, and what all of them share.

Each room adds its own commands to it.

A command ends with 0, with 1 when it found something that must not be, and with 2 when it was given
something wrong or the database cannot be used. Times are UTC. What a person reads goes to standard
output; progress goes to standard error, and only to a terminal.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import click
from click import progressbar
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy.exc import SQLAlchemyError

from blueprints.database import problem, reason
from blueprints.sessions import StoreUnavailableError

HELP = "Look after the record of what visitors chose."


def add_commands(app: Flask, *commands: click.Command) -> None:
    """Add the commands of a room to `flask consent`."""
    group = cast("AppGroup", app.cli.commands.setdefault("consent", AppGroup("consent", help=HELP)))
    for command in commands:
        group.add_command(command)


class BadInputError(click.ClickException):
    """What the command was given is wrong, and nothing has changed; the message is one sentence."""

    exit_code = 2


@contextmanager
def database() -> Iterator[None]:
    """Run the body on a database that is current.

    Raises:
        BadInputError: it is behind or newer, or cannot be reached, or holds what nobody can read.

    """
    try:
        if wrong := problem():
            raise BadInputError(wrong)
        yield
    except SQLAlchemyError as error:
        raise BadInputError(f"The database cannot be used: {reason(error)}.") from None
    except StoreUnavailableError as error:
        raise BadInputError(f"The sessions cannot be used: {error}.") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise BadInputError(
            f"The database holds what this site has not written, {error}; "
            "'flask consent verify' tells what was changed."
        ) from None


def progress(length: int, label: str) -> Any:  # noqa: ANN401 - click's bar has no public type
    """Return a progress bar on standard error, which is silent where that is no terminal."""
    return progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


def utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def counted(number: int, one: str, many: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def ended(sentence: str) -> str:
    """Return a sentence with its full stop, unless it has one already: names of companies do."""
    return sentence if sentence.endswith(".") else sentence + "."
