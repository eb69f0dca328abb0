"""Read the article. `texts/<language>/*.md` are the articles; the newest one is the front page."""

from blueprints.article import commands, embeds, machines, reading
from blueprints.article.views import blueprint

__all__ = ["blueprint", "commands", "embeds", "machines", "reading"]
