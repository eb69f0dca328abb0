"""Read the article. `texts/<language>/*.md` are the articles; the newest one is the front page."""

from blueprints.article import commands, embeds, machines, preference_views
from blueprints.article.views import blueprint

__all__ = ["blueprint", "commands", "embeds", "machines", "preference_views"]
