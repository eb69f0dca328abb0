"""Where a reader's wishes arrive: text size and colours by a form, the place by a small script."""

from urllib.parse import urlencode, urlsplit

from flask import abort, g, redirect, request, url_for
from werkzeug.wrappers import Response

from blueprints.article.preferences import LOOKS, read_place, read_preferences
from blueprints.article.views import blueprint, library, preferences


@blueprint.post("/preferences", pt="/pt/preferences")
def change_look() -> Response:
    """Change text size and colours: kept if personalisation is given, else for one page view."""
    g.consent.check_form("size", "theme", "next")
    if any(request.form.get(key) not in ours for key, ours in LOOKS.items()):
        abort(400)
    wanted = read_preferences(g.consent.kept("preferences")).with_look(request.form)
    path = urlsplit(g.consent.safe_path(request.form.get("next")) or url_for("article.front_page"))
    kept = g.consent.keep("preferences", wanted.write())
    query = "" if kept or not wanted.look else f"?{urlencode(wanted.look)}"
    return redirect(f"{path.path}{query}#reading", 303)  # to where the reader was


@blueprint.post("/preferences/place", pt="/pt/preferences/place")
def remember_place() -> tuple[str, int]:
    """Remember the block at which the reader stopped, if personalisation is given."""
    g.consent.check_form("slug", "place")
    slug, place = request.form.get("slug", ""), read_place(request.form.get("place", ""))
    if place is None or library().find(g.language, slug) is None:
        abort(400)
    g.consent.keep("preferences", preferences().stopped_at(slug, place).write())
    return "", 204
