"""The visitor as far as cookies and one look-up tell, for pages that are sent before Flask begins.

The rules are those of `choices`; what is not certain here is nothing that is known. `PageConsent`
says the same of the request at hand, and both answer `state`, `allows()` and `kept()`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from flask import Flask
from werkzeug.sansio.http import parse_cookie  # as `request.cookies` reads them

from blueprints.consent.choices import OPEN, Model, given_by
from blueprints.consent.cookies import WITHDRAWAL
from blueprints.consent.methods import CONTINUED_USE
from blueprints.consent.records import fields_of_a_decision
from blueprints.consent.registry import Registry
from blueprints.consent.visitor import cookie_prefix
from blueprints.sessions import MALFORMED, StoreUnavailableError, VisitorSessions, is_current

State = tuple[bool, frozenset[str]]  # whether the visitor is to be asked, and what is given
UNDECIDED: State = (True, frozenset())
# A session that holds a decision, read at once by its types: each page of a returning visitor does.
# What `read_decision` would not take is not taken here; times are looked at apart, for msgspec
# takes them also as texts.
HELD_DECISION = msgspec.defstruct(
    "HeldDecision",
    fields_of_a_decision(id=UUID, subject=UUID, decided_at=Any, expires_at=Any),
    kw_only=True,
    forbid_unknown_fields=True,
)
HELD: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(
    msgspec.defstruct(
        "Held", [("expires_at", Any), ("decision", HELD_DECISION), ("confirm", Any, None)]
    )
)


class KnownVisitor(msgspec.Struct, frozen=True):
    registry: Registry
    cookies: Mapping[str, str]
    prefix: str
    is_open: bool
    given: frozenset[str]

    @property
    def state(self) -> State:
        return self.is_open, self.given

    def allows(self, purpose: str) -> bool:
        return purpose in self.registry.necessary_ids or purpose in self.given

    def kept(self, name: str) -> str:
        """Return what a cookie of our own keeps, or nothing where its purpose is not given."""
        name = self.prefix + name
        value = self.cookies.get(name)
        found = self.registry.cookie(name) if value else None
        return value if value and found and self.allows(found[0].purpose) else ""

    @property
    def sends_what_is_refused(self) -> bool:
        """Whether a cookie came along that an answer is to expire."""
        for name in self.cookies:
            found = self.registry.cookie(name)
            if found and not self.allows(found[0].purpose):
                return True
        return False


def who_is_known(app: Flask) -> Callable[[dict[str, Any]], KnownVisitor | None]:
    """Return what tells who sends a request; None for whom an answer has something of their own.

    That is a confirmation, a withdrawal that waits to be recorded, a cookie that is to go (that of
    a session which there is not, too), what is new since a choice, a page that may count as
    continued use; and anybody while the sessions cannot be looked up.
    """
    registry: Registry = app.extensions["registry"]
    sessions: VisitorSessions = app.extensions["sessions"]
    is_implied, prefix = app.config["CONSENT_MODEL"] == Model.IMPLIED, cookie_prefix(app)
    session_cookie, purposes = app.config["SESSION_COOKIE_NAME"], {*registry.optional_ids}
    withdrawal = prefix + WITHDRAWAL

    def known(environ: dict[str, Any]) -> KnownVisitor | None:
        if not environ["HTTP_COOKIE"]:  # They cannot be read.
            return None
        cookies = parse_cookie(environ["HTTP_COOKIE"], _first_of_each)  # type: ignore[arg-type]
        if withdrawal in cookies:
            return None
        sent = cookies.get(session_cookie)
        state = state_of(sent, environ) if sent else None if is_implied else UNDECIDED
        visitor = KnownVisitor(registry, cookies, prefix, *state) if state else None
        return None if visitor and visitor.sends_what_is_refused else visitor

    def state_of(sent: str, environ: dict[str, Any]) -> State | None:
        try:
            held = HELD.decode(sessions.look_up(sent, environ) or b"")
        except (StoreUnavailableError, *MALFORMED):
            return None
        decision, statuses = held.decision, held.decision.statuses
        is_settled = (
            is_current(held.expires_at)
            and isinstance(decision.decided_at, datetime)
            and isinstance(decision.expires_at, datetime)
            and datetime.now(UTC) < decision.expires_at
            and decision.policy_version == registry.policy_version
            and decision.method != CONTINUED_USE
            and statuses.keys() == purposes
            and OPEN.isdisjoint(statuses.values())
        )
        return (False, given_by(statuses)) if is_settled and held.confirm is None else None

    return known


def _first_of_each(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return what `request.cookies.get()` would, where a name comes twice."""
    return dict(reversed(pairs))
