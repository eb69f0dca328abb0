"""Read the article. `texts/<language>/*.md` are the articles; the newest one is the front page."""

from blueprints.article.machines import blueprint

__all__ = ["blueprint"]
