"""What an article shows of others: each in a small page of its own, which the article frames.

So the article is the same for everybody and names no host of others. What is loaded, and whether,
is between the reader and the small page: its policy lists the hosts of that one service, and only
while they are shown; its forms load it where it stands, and the article around it does not move.
"""

from urllib.parse import urlencode

from flask import Response, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from blueprints.article.markdown import Embed
from blueprints.article.views import blueprint, library


@blueprint.get("/articles/<slug>/embeds/<int:number>", pt="/pt/artigos/<slug>/embeds/<int:number>")
def embed(slug: str, number: int) -> Response:
    """Show the embed where the reader allows it, else who would be contacted and two buttons."""
    part = _part(slug, number)
    service = g.consent.registry.embed(part.service)
    g.csp_sources = {"frame-ancestors": {"'self'"}}
    once = "once" in request.args and g.is_asked_by_this_site
    page = render_template(
        "article/embed.html",
        part=part,
        service=service,
        is_shown=g.consent.frame(service, once=once),
        once=once,
        slug=slug,
        number=number,
    )
    return Response(page, headers={"Cache-Control": "no-store"} if "once" in request.args else None)


@blueprint.post("/articles/<slug>/embeds/<int:number>", pt="/pt/artigos/<slug>/embeds/<int:number>")
def load_once(slug: str, number: int) -> Answer:
    """Load the embed for this one time. Nothing is recorded, and the way back asks nothing."""
    _part(slug, number)
    g.consent.check_form()
    address = url_for("article.embed", slug=slug, number=number)
    return redirect(f"{address}?{urlencode({**request.args, 'once': ''})}", 303)


def _part(slug: str, number: int) -> Embed:
    article = library().find(g.language, slug) or abort(404)
    return article.embeds[number - 1] if 1 <= number <= len(article.embeds) else abort(404)
