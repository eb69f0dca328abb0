"""The choice takes effect on each response: what may be kept, what may be loaded, what is deleted.

A browser shows in each request which first-party cookies it holds, those that scripts made
included. Whatever the registry assigns to a purpose that is not given is expired there and then.
"""

from collections.abc import Iterator
from datetime import timedelta

from flask import Response, current_app, g, request

from blueprints.consent.page import PageConsent
from blueprints.consent.registry import Cookie
from blueprints.consent.visitor import registry


def enforce(response: Response) -> Response:
    consent: PageConsent | None = g.get("consent")
    if consent is None:
        return response
    if response.mimetype == "text/html":
        _widen_policy(consent)
    for name, value in consent.to_keep.items():
        if consent.allows_cookie(name):
            _set(response, name, value)
    for name in _refused(consent):
        _expire(response, name)
    if g.get("clear_storage"):
        response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _widen_policy(consent: PageConsent) -> None:
    sources: dict[str, set[str]] = {}
    for service in consent.services:
        for kind, hosts in service.hosts.items():
            sources.setdefault(f"{kind}-src", set()).update(hosts)
    g.csp_sources = sources


def _set(response: Response, name: str, value: str) -> None:
    found = registry().cookie(name)
    if found is None:
        raise LookupError(name)
    response.set_cookie(
        name,
        value,
        max_age=lifetime(found[1]),
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )


def lifetime(cookie: Cookie) -> timedelta:
    """Return the declared lifetime; a month counts 30 days and a year 365, never more."""
    parts = dict(cookie.lifetime_parts)
    days = 365 * parts.pop("years", 0) + 30 * parts.pop("months", 0) + parts.pop("days", 0)
    return timedelta(days=days, **parts)


def _refused(consent: PageConsent) -> Iterator[str]:
    """Yield each cookie in the request whose declared purpose is not given.

    While the store is down nobody knows what was chosen: everything is off, nothing is deleted.
    """
    for name in request.cookies:
        if registry().cookie(name) and not consent.allows_cookie(name):
            if consent.store_is_down:
                return
            yield name


def _expire(response: Response, name: str) -> None:
    """Expire a cookie wherever trackers put it: on the host or a parent, for a path above."""
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    if name.startswith("__Host-"):
        response.delete_cookie(name, secure=True)
        return
    host = request.host.partition(":")[0]
    labels = host.split(".")
    parents = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    folders = request.path.split("/")[1:-1]
    paths = ["/", *("/" + "/".join(folders[: depth + 1]) for depth in range(len(folders)))]
    for domain in (None, *([] if labels[-1].isdigit() else parents)):
        for path in paths:
            response.delete_cookie(name, path=path, domain=domain, secure=secure)
