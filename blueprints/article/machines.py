"""What machines read of the articles: a feed (RFC 4287), a sitemap, pictures, link previews."""

from importlib import import_module

from flask import Response, abort, current_app, g, render_template, send_from_directory

from blueprints.article.views import address_in_each_language, blueprint, library

YEAR = 365 * 24 * 60 * 60  # seconds


@blueprint.get("/feed.xml", pt="/pt/feed.xml")
def feed() -> Response:
    """Give every article of one language, whole, the newest first."""
    articles = library().in_language(g.language) or abort(404)
    text = render_template("article/feed.xml", articles=articles)
    return Response(text, mimetype="application/atom+xml")


@blueprint.get("/pictures/<digest>/<name>")
def picture_file(digest: str, name: str) -> Response:
    """Give one size of a picture, whose address changes with what it shows."""
    made = current_app.extensions["pictures"]
    kind = f"image/{name.rpartition('.')[2]}"
    response = send_from_directory(made, f"{digest}/{name}", mimetype=kind, max_age=YEAR)
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """List every page that a search engine may show, with its address in each language."""
    articles = [(item, address_in_each_language(item)) for item in library().articles]
    pages = ["article.all_articles", *current_app.extensions["about_the_site"]]
    text = render_template("article/sitemap.xml", articles=articles, pages=pages)
    return Response(text, mimetype="application/xml")


@blueprint.get("/articles/<slug>/social.png", pt="/pt/artigos/<slug>/social.png")
def picture(slug: str) -> Response:
    """Show the article's title above the site's picture, for previews of a link to it."""
    article = library().find(g.language, slug) or abort(404)
    site = current_app.extensions["site"]
    view = current_app.extensions["static_files"] / "img" / site.picture.preview
    # What draws is four megabytes, for who is asked for a picture alone.
    social_image = import_module("blueprints.article.social_image")
    drawn = social_image.draw(article.title, site.name, site.colours["blue"].light, view)
    return Response(drawn, mimetype="image/png")
