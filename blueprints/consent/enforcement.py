"""The choice takes effect on each response: what may be kept, what may be loaded, what is deleted.

A browser shows in each request which first-party cookies it holds, those that scripts made
included. Whatever the registry assigns to a purpose that is not given is expired with the pages
that the visitor opens, so much at a time as leaves an answer's headers small: a proxy holds 4 kB of
them. What is left over comes again with the next request, and goes with its answer.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from secrets import randbelow
from typing import TypeVar

from flask import Response, current_app, g, request
from werkzeug.http import dump_cookie

from blueprints.consent.choices import Model
from blueprints.consent.cookies import WITHDRAWAL_MONTHS, Cookie
from blueprints.consent.page_consent import PageConsent
from blueprints.consent.registry_checks import COOKIE_NAME
from blueprints.consent.services import months_after
from blueprints.consent.visitor import pending_withdrawal, registry, withdrawal_cookie

T = TypeVar("T")

EXPIRY_BYTES_AT_MOST = 1200  # in one answer
PARENTS_AT_MOST = 4


def enforce(response: Response) -> Response:
    consent: PageConsent | None = g.get("consent")
    if consent is None:
        return response
    if consent.browser_keeps_no_cookies:  # which nobody else is to be told
        response.headers["Cache-Control"] = "no-store"
    is_page = _is_from_a_page_load(response)
    if is_page and response.location is None:
        _widen_policy(consent)
    for name, value in consent.to_keep.items():
        found = registry().cookie(name)
        if found and consent.allows(found[0].purpose):
            _set(response, name, value, found[1].max_age or None)
    _tell_withdrawal(response)
    if is_page:
        _expire(response, list(_refused(consent)))
    if g.get("clear_storage"):
        response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _tell_withdrawal(response: Response) -> None:
    """Keep in the browser what was taken back, until it is recorded."""
    name, withdrawal = withdrawal_cookie(), pending_withdrawal()
    value = withdrawal.text if withdrawal else ""
    if value == request.cookies.get(name, ""):
        return
    if value:
        now = datetime.now(UTC)
        _set(response, name, value, months_after(now, WITHDRAWAL_MONTHS) - now)
    # A session that is lost may come back as long as the browser names it.
    elif not current_app.extensions["sessions"].is_missing():
        response.delete_cookie(name, secure=bool(current_app.config["SESSION_COOKIE_SECURE"]))


def _widen_policy(consent: PageConsent) -> None:
    sources: dict[str, set[str]] = g.setdefault("csp_sources", {})
    for service in consent.services:
        for kind, hosts in service.hosts.items():
            sources.setdefault(f"{kind}-src", set()).update(hosts)


def _set(response: Response, name: str, value: str, max_age: timedelta | None) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )


def _is_from_a_page_load(response: Response) -> bool:
    """Whether a browser asked to show something, not a script, a feed reader or a redirect."""
    is_html = response.mimetype == "text/html" and response.status_code != HTTPStatus.NO_CONTENT
    return is_html and (response.location is None or request.method == "POST")


def _refused(consent: PageConsent) -> Iterator[tuple[str, Cookie]]:
    """Yield each cookie in the request whose declared purpose is not given, or that names nothing.

    While the store is down nobody knows what was chosen: everything is off, but deleted is only
    what was taken back since.
    """
    for name in request.cookies:
        found = registry().cookie(name) if COOKIE_NAME.fullmatch(name) else None
        if found and (consent.is_known_off(found[0].purpose) or _names_no_session(name)):
            yield name, found[1]


def _names_no_session(name: str) -> bool:
    """Whether it is the cookie of a session that there is not, and which tells nothing.

    Where something is assumed, it tells that this browser may have refused, and stays.
    """
    config = current_app.config
    is_session = name == config["SESSION_COOKIE_NAME"] and config["CONSENT_MODEL"] == Model.OPT_IN
    return is_session and bool(current_app.extensions["sessions"].is_missing())


def _expire(response: Response, refused: Sequence[tuple[str, Cookie]]) -> None:
    """Expire the cookies, as many as there is room for.

    It begins anywhere, so that one which comes back every time holds up no other for ever.
    """
    room = EXPIRY_BYTES_AT_MOST
    for name, cookie in _from_anywhere(refused):
        for line in _from_anywhere(list(_expiries(name, cookie))):
            room -= len(f"Set-Cookie: {line}\r\n")
            if room < 0:
                return
            response.headers.add("Set-Cookie", line)


def _from_anywhere(items: Sequence[T]) -> Sequence[T]:
    start = randbelow(len(items)) if items else 0
    return [*items[start:], *items[:start]]


def _expiries(name: str, cookie: Cookie) -> Iterator[str]:
    """Yield what expires a cookie wherever its script may have put it: on the host or a parent."""
    is_on_host = cookie.set_by == "server" or name.startswith("__Host-")
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"]) or name.startswith("__")
    for domain in (None, *(() if is_on_host else _domains(request.host))):
        for path in dict.fromkeys(("/", cookie.path)):
            yield dump_cookie(
                name, max_age=0, path=path, domain=domain, secure=secure, sync_expires=False
            )


def _domains(host: str) -> list[str]:
    """Return the parents of a host, the shortest first, and itself; none where it has no name."""
    labels = host.partition(":")[0].split(".")
    if not labels[-1][:1].isalpha():  # an IP address
        return []
    lengths = range(2, len(labels) + 1)
    return [".".join(labels[-length:]) for length in {*lengths[:PARENTS_AT_MOST], *lengths[-1:]}]
