"""How much, and how often.

A form of this site is small: a larger body is refused unread, and so is one that does not say its
length, which the server would cut at the limit instead of refusing.

What would fill the log is counted per client: grants, and generously what comes from somebody for
whom nothing optional is on, a refusal or (where the site assumes) a first page. So is a number by
which somebody asks for records, so that nobody can try many. Whoever takes something back is never
limited. A client is one IPv4 address or, because an IPv6 subscriber has 2^64 addresses, one /64
(RFC 6177); only a keyed hash of it is kept.
"""

import hmac
import re
import time
from functools import partial
from ipaddress import IPv6Address, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from flask import Flask, abort, current_app, g, request
from werkzeug.exceptions import TooManyRequests

from blueprints.security.counts import WINDOW_SECONDS, Counts, InFile, InRedis

MAX_BODY_BYTES = 16 * 1024
GRANTS_PER_MINUTE = 30
FIRST_REFUSALS_PER_MINUTE = 60
FIRST_PAGES_PER_MINUTE = 60
NUMBERS_PER_MINUTE = 10  # of visitors, who ask for their records by it: nobody has many
SUBSCRIBER_BITS = 64
HASH_BYTES = 16
NO_ADDRESS = "none"  # all that name no address are one client


def limit(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = 100
    app.extensions["counts"] = Counts(_store(app), app.logger)

    @app.before_request
    def refuse_unknown_length() -> None:
        if "Transfer-Encoding" in request.headers:
            abort(411)
        # Without this the server's word that the body is complete would stand; it is not when the
        # client hung up half-way, and half a choice is none.
        request.environ.pop("wsgi.input_terminated", None)
        g.count_grant = partial(_count, "grant", GRANTS_PER_MINUTE)
        g.count_first_refusal = partial(_count, "first refusal", FIRST_REFUSALS_PER_MINUTE)
        g.count_number = partial(_count, "number", NUMBERS_PER_MINUTE)
        g.count_first_page = partial(_count, "first page", FIRST_PAGES_PER_MINUTE)


def _store(app: Flask) -> InFile | InRedis:
    url = app.config["REDIS_URL"]
    if not url:
        return InFile(Path(app.instance_path) / "limits.db")
    if not _is_address_of_redis(url):
        raise SystemExit("FLASK_REDIS_URL must be an address such as redis://host:6379/0.")
    # All others would loosen a bound, or change what is stored and how.
    of_tls = "ssl_" if urlsplit(url).scheme == "rediss" else None
    if others := [name for name in parse_qs(urlsplit(url).query) if name[:4] != of_tls]:
        raise SystemExit(f"FLASK_REDIS_URL has an option that cannot be: {others[0]}.")
    try:
        return InRedis(url)
    except ImportError:
        raise SystemExit("FLASK_REDIS_URL needs a driver: pip install '.[redis]'.") from None
    except (TypeError, ValueError) as error:
        told = str(error).rpartition("unexpected keyword argument ")[2].strip("'.")
        raise SystemExit(f"FLASK_REDIS_URL has an option that cannot be: {told}.") from None


def _is_address_of_redis(url: str) -> bool:
    """Whether it is one; that its host and port can be was looked at with all settings."""
    if not url.startswith(("redis://", "rediss://")):
        return False
    parts = urlsplit(url)
    # The driver silently takes a database that is no number for number 0.
    is_one = re.fullmatch(r"/?\d{0,5}", parts.path) is not None
    return is_one and not set(parts.hostname or "") & set("%,@/")


def _count(what: str, at_most: int) -> None:
    """Raise 429 Too Many Requests when this client did so too often within the minute."""
    counts: Counts = current_app.extensions["counts"]
    whom = f"{what} {client(request.remote_addr)}".encode()
    # While a new secret comes in, processes with it and without it serve together: what they have
    # in common is the secret before, and the new one has the whole count by the time that goes.
    config = current_app.config
    secrets = {config["SECRET_KEY"], *(config["SECRET_KEY_FALLBACKS"] or [])}
    keys = [secret if isinstance(secret, bytes) else secret.encode() for secret in secrets]
    if max(counts.add(hmac.digest(key, whom, "sha256")[:HASH_BYTES]) for key in keys) > at_most:
        raise TooManyRequests(retry_after=WINDOW_SECONDS - int(time.time()) % WINDOW_SECONDS)


def client(address: str | None) -> str:
    """Return the network that counts as one client; some proxies write a port behind an address."""
    host = (address or "").strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host)
    except ValueError:
        return NO_ADDRESS
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Network((int(found), SUBSCRIBER_BITS), strict=False))
