"""Consent as the page at hand sees it: `consent` in templates, `g.consent` in other rooms.

Other rooms ask here whether a purpose is given, and store through `keep()`, which stores nothing
without its purpose: there is no second place in which a cookie could slip out.
"""

from collections.abc import Hashable, Sequence
from typing import Any

from flask import abort, current_app, g, request, session

from blueprints.consent import visitor
from blueprints.consent.addresses import safe_path
from blueprints.consent.choices import OPEN, Choice, Decision, Model, Status
from blueprints.consent.forms import ChoiceForm, VisitorForm
from blueprints.consent.methods import ACCEPT_SELECTED
from blueprints.consent.placeholders import placeholder
from blueprints.consent.registry import CONSENT_MODE, Purpose, Registry, Service


class PageConsent:
    safe_path = staticmethod(safe_path)
    placeholder = staticmethod(placeholder)

    def __init__(self) -> None:
        self._confirmed: Decision | None = None
        self.to_keep: dict[str, str] = {}  # full name of a cookie -> its new value
        self.failed: ChoiceForm | None = None  # a choice that was made and could not be recorded
        self.framed: tuple[Service, ...] | None = None  # what the page of an embed shows

    @property
    def registry(self) -> Registry:
        return visitor.registry()

    @property
    def choice(self) -> Choice:
        return visitor.current_choice()

    @property
    def ticked(self) -> frozenset[str]:
        """The purposes whose boxes are ticked: by the visitor, and by nobody for them.

        What was only assumed ticks nothing (GDPR Recital 32). A form that could not be recorded
        comes back as the visitor had ticked it.
        """
        if self.failed and self.failed.choice.data == ACCEPT_SELECTED:
            return self.failed.given
        decision = self.choice.decision
        return self.choice.given if decision and decision.is_consent else frozenset()

    @property
    def unsaved(self) -> list[Purpose]:
        """What was accepted with the choice that counts, or that waits, and could not be saved."""
        return [purpose for purpose in self._open if self._why_open(purpose.id) == "unsaved"]

    @property
    def opened(self) -> list[Purpose]:
        """What the choice that counts does not settle any more, because something has changed."""
        return [purpose for purpose in self._open if self._why_open(purpose.id) == "opened"]

    @property
    def unasked(self) -> list[Purpose]:
        """What the choice that counts did not answer: "Always allow" is about one purpose."""
        return [purpose for purpose in self._open if self._why_open(purpose.id) == "unasked"]

    @property
    def _open(self) -> list[Purpose]:
        statuses = self.choice.statuses
        return [purpose for purpose in self.registry.optional if statuses[purpose.id] in OPEN]

    def _why_open(self, purpose: str) -> str:
        choice = self.choice
        told = choice.decision.statuses.get(purpose) if choice.decision else None
        waits = choice.withdrawal is not None and purpose in choice.withdrawal.wanted
        if choice.statuses[purpose] is Status.UNKNOWN and (told is Status.UNKNOWN or waits):
            return "unsaved"
        if choice.decision is None:
            return "undecided"
        then = visitor.notices().offered(choice.decision.notice, choice.decision.policy_version)
        return "opened" if purpose in choice.news or purpose not in then else "unasked"

    @property
    def asks(self) -> bool:
        """Whether there is a banner: nobody is asked about nothing, or what the signal refuses."""
        return self.choice.is_open and bool(self.asked(self._open))

    def asked(self, purposes: Sequence[Purpose]) -> list[Purpose]:
        """Return those for which a banner asks: not what the privacy signal refuses."""
        return [purpose for purpose in purposes if not self.is_off_by_signal(purpose)]

    @property
    def gpc(self) -> bool:
        return visitor.sends_gpc()

    def is_off_by_signal(self, purpose: Purpose) -> bool:
        """Whether the signal refuses what the visitor does not accept: no banner asks for it."""
        return purpose.gpc and self.gpc and purpose.id not in self.choice.given

    @property
    def model(self) -> str:
        """How this site asks: nothing is assumed where there is nothing to accept."""
        return str(current_app.config["CONSENT_MODEL"] if self.registry.optional else Model.OPT_IN)

    @property
    def may_assume(self) -> bool:
        """Whether of this visitor going on without a choice is taken for acceptance."""
        return not self.browser_keeps_no_cookies and visitor.may_assume()

    @property
    def notice(self) -> dict[str, Any]:
        return self.notice_in(g.language)

    def notice_in(self, language: str) -> dict[str, Any]:
        words: dict[str, Any] = current_app.extensions["notice_words"][language]
        return words

    @property
    def notice_id(self) -> str:
        return visitor.notice_in_force().id

    @property
    def confirm(self) -> Decision | None:
        """The decision just made, once: on the first page after it, if nothing waits since."""
        if session.pop("confirm", None) and not self.choice.withdrawal:
            self._confirmed = self.choice.decision
        return self._confirmed

    @property
    def state(self) -> Hashable | None:
        """What the pages of other rooms show of this visitor's consent.

        None where one shows something that is for this visitor and this request alone.
        """
        if (
            self.choice_is_unknown
            or self.browser_keeps_no_cookies
            or self.choice.withdrawal
            or (self.choice.is_open and self.choice.decision)  # It says what is new.
            or "confirm" in session
        ):
            return None
        decision = self.choice.decision
        # What was only assumed is called so, and never withdrawn as a consent.
        kind = [] if decision is None or decision.is_consent else ["assumed"]
        kind += ["may be assumed"] if self.may_assume else []
        return self.choice.is_open, self.choice.given, *kind

    @property
    def choice_is_unknown(self) -> bool:
        """Whether nobody knows what the visitor chose."""
        return bool(g.get("choice_is_unknown"))

    @property
    def browser_keeps_no_cookies(self) -> bool:
        """Whether the browser has just lost the cookie of a choice."""
        return bool(g.get("keeps_no_cookies"))

    def is_known_off(self, purpose: str) -> bool:
        """Whether the visitor does not accept the purpose now, for certain."""
        if self.choice_is_unknown and purpose in self.registry.optional_ids:
            withdrawal = self.choice.withdrawal
            return withdrawal is not None and purpose not in withdrawal.kept
        return not self.allows(purpose)

    def allows(self, purpose: str) -> bool:
        """Whether this visitor accepts the purpose now; what is necessary needs no asking.

        Raises:
            LookupError: in tests, for a purpose that is not declared; on line nobody accepts it.

        """
        if purpose in self.registry.necessary_ids:
            return True
        if purpose not in self.registry.optional_ids:
            current_app.logger.error("A page asks for a purpose that is not declared: %s", purpose)
            if current_app.testing:
                raise LookupError(purpose)
        return self.choice.allows(purpose)

    @property
    def services(self) -> tuple[Service, ...]:
        """The services that the page may load: those given, and an embed in its own page alone."""
        if self.framed is not None:
            return self.framed
        return tuple(
            service
            for service in self.registry.services
            if not service.embed and self.allows(service.purpose)
        )

    @property
    def consent_mode(self) -> dict[str, str]:
        """Google Consent Mode's parameters and their states; none where no service wants them."""
        granted = {name for service in self.services for name in service.consent_mode}
        denied = dict.fromkeys(CONSENT_MODE, "denied")
        return denied | dict.fromkeys(granted, "granted") if granted else {}

    @property
    def google_tags(self) -> tuple[str, ...]:
        """The Google tags on the page, each with the days for which it may keep something."""
        return tuple(f"{each.tag_id}={each.longest_days}" for each in self.services if each.tag_id)

    def frame(self, service: Service, *, once: bool) -> bool:
        """Make this the page of one embed; return whether it is shown: given, or once."""
        is_shown = once or self.allows(service.purpose)
        self.framed = (service,) if is_shown else ()
        return is_shown

    def check_form(self, *names: str) -> None:
        """Refuse a form with other fields than these, or with one twice.

        Raises:
            BadRequest: nothing may be done with the form.

        """
        if VisitorForm(request.form, also=frozenset(names)).problem:
            abort(400)

    def kept(self, name: str) -> str:
        """Return what a cookie of our own keeps, or nothing where its purpose is not given."""
        value = request.cookies.get(visitor.cookie_prefix(current_app) + name)
        return value if value and self.may_keep(name) else ""

    def keep(self, name: str, value: str) -> bool:
        """Keep a value in a cookie of our own if its purpose is given; return whether it was."""
        if not self.may_keep(name):
            return False
        full_name = visitor.cookie_prefix(current_app) + name
        if request.cookies.get(full_name) != value:
            self.to_keep[full_name] = value
        return True

    def may_keep(self, name: str) -> bool:
        """Whether the purpose under which a cookie of our own is declared is given now."""
        found = self.registry.cookie(visitor.cookie_prefix(current_app) + name)
        return found is not None and self.allows(found[0].purpose)
