"""How much, and how often.

A form of this site is small: a larger body is refused unread, and so is one that does not say its
length, which the server would cut at the limit instead of refusing. Grants are counted per client,
so that nobody fills the log with them; a refusal or withdrawal is never counted nor limited. Of the
client's address only a keyed hash is kept, for a minute, in memory or in Redis.
"""

import hashlib

from flask import Flask, abort, current_app, g, request
from flask_limiter import Limiter, RateLimitExceeded
from limits.errors import ConfigurationError
from werkzeug.exceptions import TooManyRequests

MAX_BODY_BYTES = 16 * 1024
GRANTS_PER_CLIENT = "30 per minute"
WAIT_SECONDS = 60


def client() -> str:
    """Return a hash that stands for the client's address as long as the site's secret lasts."""
    key = current_app.secret_key or ""
    secret = key if isinstance(key, bytes) else key.encode()
    address = (request.remote_addr or "").encode()
    return hashlib.blake2b(address, key=secret[:64], digest_size=16).hexdigest()


def limit(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = 100
    redis = app.config["REDIS_URL"]
    try:
        limiter = Limiter(
            client,
            app=app,
            storage_uri=redis or "memory://",
            in_memory_fallback_enabled=bool(redis),
        )
    except ConfigurationError as error:
        raise SystemExit(f"FLASK_REDIS_URL cannot be used: {error}.") from None

    def count_grant() -> None:
        """Raise 429 Too Many Requests when this client has granted too often."""
        try:
            with limiter.limit(GRANTS_PER_CLIENT, scope="grants"):
                pass
        except RateLimitExceeded:
            raise TooManyRequests(retry_after=WAIT_SECONDS) from None

    @app.before_request
    def refuse_unknown_length() -> None:
        if "Transfer-Encoding" in request.headers:
            abort(411)
        # Without this the server's word that the body is complete would stand; it is not when the
        # client hung up half-way, and half a choice is none.
        request.environ.pop("wsgi.input_terminated", None)
        g.count_grant = count_grant
