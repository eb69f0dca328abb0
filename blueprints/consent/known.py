"""The visitor as far as cookies and one look-up tell, for pages that are sent before Flask begins.

The rules are those of `choices`; what is not certain here is nothing that is known. `PageConsent`
says the same of the request at hand, and both answer `state`, `allows()` and `kept()`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from werkzeug.sansio.http import parse_cookie  # as `request.cookies` reads them

from blueprints.consent.choices import Model, present_choice, read_decision
from blueprints.consent.registry import Registry
from blueprints.consent.visitor import cookie_prefix, withdrawal_cookie
from blueprints.sessions import StoreUnavailableError, Values, VisitorSessions


@dataclass(frozen=True)
class KnownVisitor:
    registry: Registry
    cookies: Mapping[str, str]
    prefix: str
    state: tuple[bool, frozenset[str]]  # whether the visitor is to be asked, and what is given

    def allows(self, purpose: str) -> bool:
        return purpose in self.registry.necessary_ids or purpose in self.state[1]

    def kept(self, name: str) -> str:
        """Return what a cookie of our own keeps, or nothing where its purpose is not given."""
        name = self.prefix + name
        value = self.cookies.get(name)
        found = self.registry.cookie(name) if value else None
        return value if value and found and self.allows(found[0].purpose) else ""

    @property
    def sends_what_is_refused(self) -> bool:
        """Whether a cookie came along that an answer is to expire."""
        found = filter(None, map(self.registry.cookie, self.cookies))
        return any(not self.allows(service.purpose) for service, _cookie in found)


def who_is_known(app: Flask) -> Callable[[dict[str, Any]], KnownVisitor | None]:
    """Return what tells who sends a request; None for whom an answer has something of their own.

    That is a confirmation, a withdrawal that waits to be recorded, a cookie that is to go (that of
    a session which there is not, too), what is new since a choice, a page that may count as
    continued use; and anybody while the sessions cannot be looked up.
    """
    registry: Registry = app.extensions["registry"]
    sessions: VisitorSessions = app.extensions["sessions"]
    model, prefix = Model(app.config["CONSENT_MODEL"]), cookie_prefix(app)
    with app.app_context():
        withdrawal = withdrawal_cookie()

    def known(environ: dict[str, Any]) -> KnownVisitor | None:
        cookies = parse_cookie(environ["HTTP_COOKIE"])
        if withdrawal in cookies:
            return None
        sent = cookies.get(app.config["SESSION_COOKIE_NAME"])
        try:
            session: Values = sessions.look_up(sent, environ) if sent else {}
        except StoreUnavailableError:
            return None
        now, decision = datetime.now(UTC), read_decision(session)
        if decision and decision.policy_version != registry.policy_version:
            return None
        choice = present_choice(decision, registry, model, gpc=False, now=now)
        visitor = KnownVisitor(registry, cookies, prefix, (choice.is_open, choice.given))
        counts_pages = model is Model.IMPLIED and (
            choice.decision is None or not choice.decision.is_consent
        )
        if sent and not session:
            return None
        if "confirm" in session or counts_pages or visitor.sends_what_is_refused:
            return None
        return visitor

    return known
