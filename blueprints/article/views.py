"""The article: the newest one in full on the front page, each one under its own address."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, abort, current_app, g, render_template, request, url_for
from flask.blueprints import BlueprintSetupState

from blueprints.article import partners
from blueprints.article.content import Article, BrokenArticleError, Library, read_library
from blueprints.article.markdown import Embed
from blueprints.article.partners import BrokenMessageError, Message, read_messages
from blueprints.article.preferences import Preferences, read

FOLDER = Path(__file__).parent
WORDS_PER_MINUTE = 220
WORDS_OF_A_LONG_ARTICLE = 400

blueprint = Blueprint("article", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    folder = Path(app.config["ARTICLES"] or FOLDER / "texts")
    try:
        app.extensions["library"] = library = read_library(folder)
        app.extensions["messages"] = read_messages(FOLDER / "messages.toml")
    except BrokenArticleError as error:
        raise SystemExit(f"An article is broken: {error}.") from None
    except BrokenMessageError as error:
        raise SystemExit(f"The file messages.toml is wrong: {error}.") from None
    for article in library.articles:
        for part in article.body:
            if isinstance(part, Embed) and app.extensions["registry"].embed(part.service) is None:
                raise SystemExit(
                    f"An article is broken: {article.language}/{article.name}.md: the registry has "
                    f"no embed '{part.service}'."
                )
    app.context_processor(lambda: {"preferences": preferences()} if request else {})


def library() -> Library:
    found: Library = current_app.extensions["library"]
    return found


def preferences() -> Preferences:
    """Return how this reader likes to read: what is kept, and what the address says besides."""
    look = request.args if request.method == "GET" else {}
    return read(g.consent.kept("preferences")).with_look(look.get("size"), look.get("theme"))


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


@blueprint.post("/articles/<slug>/embed", defaults={"language": "en"})
@blueprint.post("/pt/artigos/<slug>/embed", defaults={"language": "pt"})
def article_with_embed(slug: str) -> str:
    """Show the article with one embed loaded, for this page view only."""
    g.consent.load_once()
    g.page_path = url_for("article.article", slug=slug)
    return article(slug)


@dataclass(frozen=True)
class Slot:
    """The place for a partner message; `by_interests` tells why it is this one."""

    message: Message
    by_interests: bool


def _slot(shown: Article) -> Slot | None:
    interests = partners.read_interests(g.consent.kept("interests"))
    if g.consent.allows("advertising") and shown.topics:
        kept = partners.add_interests(interests, shown.topics)
        g.consent.keep("interests", ".".join(kept))
    message = partners.choose(current_app.extensions["messages"], interests or shown.topics)
    return Slot(message, by_interests=bool(interests)) if message else None


def address_in_each_language(shown: Article) -> dict[str, str]:
    return {
        language: url_for("article.article", language=language, slug=translation.slug)
        for language, translation in library().translations(shown).items()
    }


def _page(shown: Article) -> str:
    g.alternates = address_in_each_language(shown)
    is_long = shown.words >= WORDS_OF_A_LONG_ARTICLE
    return render_template(
        "article/article.html",
        article=shown,
        others=[item for item in library().in_language(shown.language) if item is not shown],
        neighbours=library().neighbours(shown),
        minutes=max(1, round(shown.words / WORDS_PER_MINUTE)),
        slot=_slot(shown),
        is_long=is_long,
        place=preferences().place_in(shown.slug) if is_long else 0,
    )
