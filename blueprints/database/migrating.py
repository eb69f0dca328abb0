"""Flask-Migrate for when something is migrated: a worker that serves is ten megabytes smaller."""

from importlib import import_module
from typing import Any, cast

import click
from flask import Flask

from blueprints.database.base import db


class MigrateLater:
    """Stands where Flask-Migrate keeps its settings, until these are asked for."""

    def __init__(self, app: Flask, directory: str) -> None:
        self._app, self._directory = app, directory

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever there is
        import_module("flask_migrate").Migrate(self._app, db, directory=self._directory)
        return getattr(self._app.extensions["migrate"], name)


class DatabaseCommands(click.Group):
    """`flask db`, which is Flask-Migrate's own as soon as it is called."""

    def __init__(self) -> None:
        super().__init__("db", help="Perform database migrations.")
        del self.commands  # They are there as soon as somebody looks.

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever there is
        return getattr(_commands(), name)

    def make_context(self, *args: Any, **options: Any) -> click.Context:  # noqa: ANN401 - passed on
        return _commands().make_context(*args, **options)


def _commands() -> click.Group:
    return cast("click.Group", import_module("flask_migrate.cli").db)


def migrate_later(app: Flask, directory: str) -> None:
    app.extensions["migrate"] = MigrateLater(app, directory)
    app.cli.add_command(DatabaseCommands())
