"""The article: the newest one in full on the front page, each one under its own address."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from itertools import groupby
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, abort, current_app, g, render_template, request, url_for
from flask.blueprints import BlueprintSetupState

from blueprints.article import partners, topics
from blueprints.article.broken import BrokenArticleError
from blueprints.article.content import Article, Library, read_library
from blueprints.article.partners import BrokenMessageError, Message, read_messages
from blueprints.article.preferences import Preferences, read
from blueprints.article.shelf import Shelf, today
from blueprints.article.topics import BrokenTopicsError

FOLDER = Path(__file__).parent
WORDS_PER_MINUTE = 220
WORDS_OF_A_LONG_ARTICLE = 400
TITLES = 10  # of other articles under the newest one

blueprint = Blueprint("article", __name__)


@blueprint.record_once
def _set_up(state: BlueprintSetupState) -> None:
    app = cast("Flask", state.app)
    folder = Path(app.config["ARTICLES"] or FOLDER / "texts")
    if not any(folder.glob("*/*.md")):
        raise SystemExit(f"FLASK_ARTICLES must be a folder with articles, unlike {folder}.")
    try:
        read = partial(read_library, folder, _pictures(app), _knows_embed(app))
        shelf = Shelf(folder, read, app.logger, shows_drafts=_shows_drafts(app))
        app.extensions["messages"] = read_messages(FOLDER / "messages.toml")
        app.extensions["topics"] = topics.read_names(FOLDER / "topics.toml")
    except BrokenArticleError as error:
        told = (f"An article is broken: {problem}." for problem in error.problems)
        raise SystemExit("\n".join(told)) from None
    except BrokenMessageError as error:
        raise SystemExit(f"The file messages.toml is wrong: {error}.") from None
    except BrokenTopicsError as error:
        raise SystemExit(f"The file topics.toml is wrong: {error}.") from None
    app.extensions["shelf"] = shelf
    app.extensions["page_cache"].depend_on(shelf.version)
    app.extensions["page_cache"].vary_on(app, _state)
    app.context_processor(lambda: {"preferences": preferences()} if request else {})
    app.context_processor(lambda: {"newest_articles": newest_articles})


def _pictures(app: Flask) -> Path:
    """Return the folder of the pictures' sizes."""
    made = app.extensions["pictures"] = Path(app.instance_path) / "pictures"
    return made


def _knows_embed(app: Flask) -> Callable[[str], bool]:
    return lambda service: app.extensions["registry"].embed(service) is not None


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


def newest_articles(number: int) -> tuple[Article, ...]:
    """Return the newest articles in the language of the page, for pages of other rooms."""
    return tuple(library().in_language(g.get("language", "en"))[:number])


def preferences() -> Preferences:
    """Return how this reader likes to read: what is kept, and what the address says besides."""
    look = request.args if request.method == "GET" else {}
    return read(g.consent.kept("preferences")).with_look(look.get("size"), look.get("theme"))


@blueprint.get("/", pt="/pt/")
def front_page() -> str:
    """Show the newest article in full and the titles of those before it."""
    articles = library().in_language(g.language)
    if not articles:
        abort(404)
    return _page(articles[0])


@blueprint.get("/articles", pt="/pt/artigos")
def all_articles() -> str:
    """List every article by year, the newest first."""
    articles = library().in_language(g.language)
    if not articles:
        abort(404)
    years = groupby(articles, key=lambda item: item.date.year)
    return render_template(
        "article/all.html",
        years=[(year, list(in_year)) for year, in_year in years],
        today=today(),
    )


@blueprint.get("/articles/<slug>", pt="/pt/artigos/<slug>")
def article(slug: str) -> str:
    """Show one article at its permanent address."""
    found = library().find(g.language, slug)
    if found is None:
        abort(404)
    return _page(found)


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


def _state() -> Hashable | None:
    """Return all that an article's page shows of this visitor; None for other pages."""
    articles = library().in_language(g.language)
    if request.endpoint == "article.front_page":
        shown = articles[0] if articles else None
    elif request.endpoint == "article.article":
        shown = library().find(g.language, (request.view_args or {})["slug"])
    else:
        return None
    consent = g.consent.state
    if shown is None or consent is None:
        return None
    wanted = preferences()
    slot = _slot(shown)
    return (
        consent,
        (wanted.size, wanted.theme, _place(shown)),
        slot and (slot.message.address, slot.by_interests),
    )


def _is_long(shown: Article) -> bool:
    return shown.words >= WORDS_OF_A_LONG_ARTICLE


def _place(shown: Article) -> int:
    """Return the block at which the reader stopped; in a short article nobody looks for it."""
    return preferences().place_in(shown.slug) if _is_long(shown) else 0


def _topic(topic: str) -> str:
    return topics.name_of(topic, current_app.extensions["topics"], g.language)


def _page(shown: Article) -> str:
    g.alternates = address_in_each_language(shown)
    if shown.embeds:
        g.csp_sources = {"frame-src": {"'self'"}}
    articles = library().in_language(shown.language)
    return render_template(
        "article/article.html",
        article=shown,
        kicker=[_topic(topic) for topic in shown.topics],
        today=today(),
        others=[item for item in articles if item is not shown][:TITLES],
        neighbours=library().neighbours(shown),
        minutes=max(1, round(shown.words / WORDS_PER_MINUTE)),
        slot=_slot(shown),
        is_long=_is_long(shown),
        place=_place(shown),
    )
