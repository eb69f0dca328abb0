"""Error pages: each says in the visitor's language what to do now, as a page or as JSON."""

from flask import Flask, current_app, g, get_template_attribute, jsonify, render_template
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response


def register(app: Flask) -> None:
    app.register_error_handler(HTTPException, answer)


def answer(error: HTTPException) -> Response:
    """Answer with the error's own status and headers (Allow, Retry-After) and our words."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # sansio's Response, never made here
    if request_ctx.url_adapter is None:
        # The host was refused before any address could be matched; the page still has links.
        request_ctx.url_adapter = current_app.url_map.bind("localhost")
    code = error.code or 500
    response = error.get_response()
    if g.wants_json:
        words = get_template_attribute("pages/error_words.html", "what_to_do")(code)
        body = jsonify(error=error.name, message=" ".join(str(words).split()))
    else:
        body = current_app.make_response(render_template("pages/error.html", code=code))
    response.data = body.data
    response.content_type = body.content_type
    return response
