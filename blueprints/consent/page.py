"""Consent as the page at hand sees it: `consent` in templates, `g.consent` in other rooms.

Other rooms ask here whether a purpose is given, and store through `keep()`, which stores nothing
without its purpose: there is no second place in which a cookie could slip out.
"""

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import abort, current_app, g, request, session

from blueprints.consent.addresses import safe_path
from blueprints.consent.choices import Choice, Decision
from blueprints.consent.forms import ChoiceForm, VisitorForm
from blueprints.consent.registry import Registry, Service
from blueprints.consent.visitor import (
    cookie_prefix,
    current_choice,
    notice_in_force,
    registry,
    sends_gpc,
)

NOTICE: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "notice.toml").read_text(encoding="utf-8")
)


class PageConsent:
    def __init__(self) -> None:
        self.to_keep: dict[str, str] = {}  # full name of a cookie -> its new value
        self._loaded_once: str | None = None

    @property
    def registry(self) -> Registry:
        return registry()

    @property
    def choice(self) -> Choice:
        return current_choice()

    @property
    def gpc(self) -> bool:
        return sends_gpc()

    @property
    def model(self) -> str:
        return str(current_app.config["CONSENT_MODEL"])

    @property
    def notice(self) -> dict[str, Any]:
        words: dict[str, Any] = NOTICE[g.language]
        return words

    @property
    def notice_id(self) -> str:
        return notice_in_force().id

    @cached_property
    def form(self) -> ChoiceForm:
        return ChoiceForm(registry(), None)

    @cached_property
    def confirm(self) -> Decision | None:
        """The decision just made, once: on the first page after it."""
        return self.choice.decision if session.pop("confirm", None) else None

    @property
    def store_is_down(self) -> bool:
        return bool(g.get("session_store_is_down"))

    def allows(self, purpose: str) -> bool:
        """Whether this visitor accepts the purpose now; what is necessary needs no asking."""
        return purpose not in registry().optional_ids or self.choice.allows(purpose)

    @property
    def services(self) -> tuple[Service, ...]:
        """The services that the page may load: their purpose is given, or they are loaded once."""
        return tuple(
            service
            for service in registry().services
            if self.allows(service.purpose) or service.id == self._loaded_once
        )

    @property
    def consent_mode(self) -> frozenset[str]:
        """The parameters of Google Consent Mode that are granted to the services on the page."""
        return frozenset(name for service in self.services for name in service.consent_mode)

    def load_once(self) -> None:
        """Let the embed that the form names into this one response; nothing is recorded.

        Raises:
            BadRequest: the form does not name a declared embed.

        """
        self.check_form("service")
        service = request.form.get("service", "")
        if registry().embed(service) is None:
            abort(400)
        self._loaded_once = service

    def check_form(self, *names: str) -> None:
        """Refuse a form with other fields than these, with one twice, or with a stale token.

        Raises:
            BadRequest: nothing may be done with the form.

        """
        if VisitorForm(request.form, also=frozenset(names)).problem:
            abort(400)

    def safe_path(self, address: str | None) -> str | None:
        """Return the address if it is a path on this site, else None."""
        return safe_path(address)

    def kept(self, name: str) -> str:
        """Return what a cookie of our own keeps, or nothing where its purpose is not given."""
        name = cookie_prefix(current_app) + name
        value = request.cookies.get(name)
        return value if value and self.allows_cookie(name) else ""

    def keep(self, name: str, value: str) -> bool:
        """Keep a value in a cookie of our own if its purpose is given; return whether it was."""
        name = cookie_prefix(current_app) + name
        if not self.allows_cookie(name):
            return False
        if request.cookies.get(name) != value:
            self.to_keep[name] = value
        return True

    def allows_cookie(self, name: str) -> bool:
        """Whether the declared purpose of the cookie of this full name is given now."""
        found = registry().cookie(name)
        return found is not None and self.allows(found[0].purpose)
