"""`flask article check`: whether all texts can be read, before readers see them."""

import click
from flask import current_app

from blueprints.article.views import blueprint

blueprint.cli.help = "Look after the articles."


@blueprint.cli.command("check")
def check() -> None:
    """Tell all that is wrong in all of the texts; end with 1 if anything is.

    The start of the site, this command's too, reads every text and tells it.
    """
    count = len(current_app.extensions["shelf"].every.articles)
    click.echo(f"{count} {'text' if count == 1 else 'texts'} can be read.")
