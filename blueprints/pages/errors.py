"""Error pages: each says in the visitor's language what to do now, as a page or as JSON.

Where such a page cannot be made, a plain one is sent that was made at the start and needs nothing:
no database, no address that is built, no template.
"""

from functools import partial

from flask import (
    Flask,
    Response,
    current_app,
    g,
    get_template_attribute,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.globals import request_ctx
from werkzeug import wrappers
from werkzeug.exceptions import HTTPException

LANGUAGES = ("en", "pt")
NOT_FOUND, UNAVAILABLE = 404, 503


def register(app: Flask) -> None:
    pages = {each: app.jinja_env.get_template(f"pages/plain.{each}.html") for each in LANGUAGES}
    plain = {language: page.render() + "\n" for language, page in pages.items()}
    app.register_error_handler(HTTPException, partial(answer, plain))


def answer(plain: dict[str, str], error: HTTPException) -> wrappers.Response:
    """Answer with the error's own status and headers (Allow, Retry-After) and our words."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # sansio's Response, never made here
    if error.code == NOT_FOUND and (meant := _without_last_slash()):
        return redirect(meant, 308)
    response = error.get_response()
    if error.code == UNAVAILABLE and g.get("cookies_are_unreadable"):
        response.status_code = 400  # What was sent is the reason.
    try:
        body = _words(error)
    except Exception:  # Whatever it was, the visitor gets an answer.
        current_app.logger.exception("An error page cannot be made.")
        body = Response(plain[g.get("language", "en")], mimetype="text/html")
    response.data = body.data
    response.content_type = body.content_type
    return response


def _without_last_slash() -> str | None:
    """Return the address that was meant, for browsers complete one up to a slash."""
    path = request.path.rstrip("/")
    if path == request.path or request.method not in {"GET", "HEAD"}:
        return None
    try:
        endpoint, values = request_ctx.url_adapter.match(path)  # type: ignore[union-attr]  # it found none
    except HTTPException:
        return None
    return url_for(endpoint, **values)


def _words(error: HTTPException) -> Response:
    if request_ctx.url_adapter is None:
        # The host was refused before any address could be matched; the page still has links.
        request_ctx.url_adapter = current_app.url_map.bind("localhost")
    code = error.code or 500
    in_frame = request.headers.get("Sec-Fetch-Dest") == "iframe"
    if in_frame:  # of an embed, whose forms are answered where it stands
        g.csp_sources = {"frame-ancestors": {"'self'"}}
    if g.wants_json:
        words = get_template_attribute("pages/error_words.html", "what_to_do")(code)
        return jsonify(error=error.name, message=" ".join(str(words).split()))
    return current_app.make_response(
        render_template("pages/error.html", code=code, in_frame=in_frame)
    )
