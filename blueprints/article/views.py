"""The article: the newest one in full on the front page, each one under its own address."""

from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, abort, current_app, g, render_template, url_for
from flask.blueprints import BlueprintSetupState

from blueprints.article.content import Article, BrokenArticleError, Library, read_library

TEXTS = Path(__file__).parent / "texts"
WORDS_PER_MINUTE = 220

blueprint = Blueprint("article", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    try:
        app.extensions["library"] = read_library(TEXTS)
    except BrokenArticleError as error:
        raise SystemExit(f"An article is broken: {error}.") from None


def library() -> Library:
    found: Library = current_app.extensions["library"]
    return found


@blueprint.get("/", defaults={"language": "en"})
@blueprint.get("/pt/", defaults={"language": "pt"})
def front_page() -> str:
    """Show the newest article in full and the others as a list."""
    articles = library().in_language(g.language)
    if not articles:
        abort(404)
    return _page(articles[0])


@blueprint.get("/articles/<slug>", defaults={"language": "en"})
@blueprint.get("/pt/artigos/<slug>", defaults={"language": "pt"})
def article(slug: str) -> str:
    """Show one article at its permanent address."""
    found = library().find(g.language, slug)
    if found is None:
        abort(404)
    return _page(found)


def address_in_each_language(shown: Article) -> dict[str, str]:
    return {
        language: url_for("article.article", language=language, slug=translation.slug)
        for language, translation in library().translations(shown).items()
    }


def _page(shown: Article) -> str:
    g.alternates = address_in_each_language(shown)
    others = [item for item in library().in_language(shown.language) if item is not shown]
    minutes = max(1, round(shown.words / WORDS_PER_MINUTE))
    return render_template(
        "article/article.html",
        article=shown,
        others=others,
        neighbours=library().neighbours(shown),
        minutes=minutes,
    )
