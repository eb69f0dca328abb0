"""The article: the newest one in full on the front page, each one under its own address."""

from collections.abc import Callable, Hashable
from functools import partial
from ipaddress import ip_address
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, abort, current_app, g, render_template, request, url_for
from flask.blueprints import BlueprintSetupState

from blueprints.article import topics
from blueprints.article.broken import (
    BrokenArticleError,
    BrokenArticlesExit,
    BrokenTableError,
    on_one_line,
)
from blueprints.article.content import Article, Library, read_library, texts_of
from blueprints.article.partners import read_messages
from blueprints.article.personalization import for_reader, is_long
from blueprints.article.preferences import Preferences, read_preferences
from blueprints.article.shelf import Shelf, today

T = TypeVar("T")

FOLDER = Path(__file__).parent
WORDS_PER_MINUTE = 220
TITLES = 10  # of other articles under the newest one

blueprint = Blueprint("article", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    folder = Path(app.config["ARTICLES"] or FOLDER / "texts")
    if not texts_of(folder):
        raise SystemExit(f"FLASK_ARTICLES must be a folder with articles, unlike {folder}.")
    pictures = app.extensions["pictures"] = Path(app.instance_path) / "pictures"
    registry = app.extensions["registry"]
    try:
        read = partial(read_library, folder, pictures, lambda id_: bool(registry.embed(id_)))
        shelf = Shelf(folder, read, app.logger, shows_drafts=_shows_drafts(app))
    except BrokenArticleError as error:
        told = (f"An article is broken: {problem}." for problem in error.problems)
        raise BrokenArticlesExit("\n".join(told)) from None
    app.extensions["shelf"] = shelf
    app.extensions["messages"] = _of_file(app, "MESSAGES", read_messages)
    app.extensions["topics"] = _of_file(app, "TOPICS", topics.read_names)
    app.extensions["page_cache"].depend_on(shelf.version)
    app.extensions["page_cache"].know_states_by(partial(_known_state, app))
    app.context_processor(lambda: {"preferences": preferences()} if request else {})
    app.context_processor(lambda: {"newest_articles": newest_articles, "today": today()})


def _known_state(app: Flask, environ: dict[str, Any]) -> Hashable | None:
    """Return the state of whoever asks for an article, if it is known."""
    shelf: Shelf = app.extensions["shelf"]
    shown = shelf.library().at(environ["PATH_INFO"])
    visitor = app.extensions["who_is_known"](environ) if shown else None
    if shown is None or visitor is None:
        return None
    return for_reader(visitor, shown, app.extensions["messages"]).state


def _of_file(app: Flask, setting: str, read: Callable[[Path], T]) -> T:
    file = Path(app.config[setting] or FOLDER / f"{setting.lower()}.toml")
    try:
        return read(file)
    except BrokenTableError as error:
        reason = on_one_line(str(error))
        raise SystemExit(f"FLASK_{setting}, {file.name}, is wrong: {reason}.") from None


def _shows_drafts(app: Flask) -> bool:
    """Whether drafts are shown: only where nobody but the machine's own user is served."""
    wanted = app.config["DRAFTS"]
    if not isinstance(wanted, int) or wanted not in {0, 1}:
        raise SystemExit("FLASK_DRAFTS must be 1 or 0.")
    if wanted and not (_is_loopback(app.config["HOST"]) and app.config["PROXY_HOPS"] == 0):
        raise SystemExit(
            "FLASK_DRAFTS shows what is not published: with it, FLASK_HOST must be a loopback "
            "address and FLASK_PROXY_HOPS 0."
        )
    return bool(wanted)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def library() -> Library:
    found: Shelf = current_app.extensions["shelf"]
    return found.library()


def newest_articles(number: int, language: str = "") -> tuple[Article, ...]:
    """Return the newest articles in a language, that of the page if none is named."""
    return library().in_language(language or g.get("language", "en"))[:number]


def preferences() -> Preferences:
    """Return how this reader likes to read: what is kept, and what the address says besides."""
    look = request.args if request.method == "GET" else {}
    return read_preferences(g.consent.kept("preferences")).with_look(look)


@blueprint.get("/", pt="/pt/")
def front_page() -> str:
    """Show the newest article in full and the titles of those before it."""
    texts = library()
    return _page(texts.at(request.path) or abort(404), texts)


@blueprint.get("/articles", pt="/pt/artigos")
def all_articles() -> str:
    """List every article by year, the newest first."""
    articles = library().in_language(g.language) or abort(404)
    years = groupby(articles, key=lambda item: item.date.year)
    return render_template("article/all.html", years=[(year, list(some)) for year, some in years])


@blueprint.get("/articles/<slug>", pt="/pt/artigos/<slug>")
def article(slug: str) -> str:
    """Show one article at its permanent address."""
    texts = library()
    return _page(texts.find(g.language, slug) or abort(404), texts)


def address_in_each_language(shown: Article) -> dict[str, str]:
    return {
        language: url_for("article.article", language=language, slug=translation.slug)
        for language, translation in library().translations(shown).items()
    }


def _page(shown: Article, texts: Library) -> str:
    """Make the page of one of these texts; others may have been read by the next question."""
    g.alternates = address_in_each_language(shown)
    if shown.embeds:
        g.csp_sources = {"frame-src": {"'self'"}}
    articles, names = texts.in_language(shown.language), current_app.extensions["topics"]
    seen = for_reader(g.consent, shown, current_app.extensions["messages"])
    if seen.interests_to_keep:
        g.consent.keep("interests", seen.interests_to_keep)
    g.page_state, g.page_cookies = seen.state, g.consent.to_keep
    return render_template(
        "article/article.html",
        article=shown,
        kicker=[topics.name_of(topic, names, g.language) for topic in shown.topics],
        others=[item for item in articles if item is not shown][:TITLES],
        neighbours=texts.neighbours(shown),
        minutes=max(1, round(shown.words / WORDS_PER_MINUTE)),
        seen=seen,
        is_long=is_long(shown),
    )
