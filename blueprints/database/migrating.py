"""`flask db`, for when something is migrated: without it a worker is ten megabytes smaller."""

from importlib import import_module
from typing import Any, cast

import click
from flask import Flask

from blueprints.database.base import db
from blueprints.database.schema import MIGRATIONS


class DatabaseCommands(click.Group):
    """Flask-Migrate's own group takes the place of this one as soon as it is called."""

    def __init__(self, app: Flask) -> None:
        super().__init__("db", help="Perform database migrations.")
        self._app = app

    def make_context(self, *args: Any, **options: Any) -> click.Context:  # noqa: ANN401 - passed on
        import_module("flask_migrate").Migrate(self._app, db, directory=MIGRATIONS)
        commands = cast("click.Group", self._app.cli.commands["db"])
        # Its own default is one step back, which can lose what is proven: it asks where to.
        downgrade = commands.commands["downgrade"]
        others = [param for param in downgrade.params if param.name != "revision"]
        steps = import_module("alembic.script").ScriptDirectory(MIGRATIONS).walk_revisions()
        revisions = click.Choice(["base", *sorted(step.revision for step in steps)])
        downgrade.params = [
            *others,
            click.Argument(["revision"], type=revisions, metavar="REVISION"),
        ]
        return commands.make_context(*args, **options)
