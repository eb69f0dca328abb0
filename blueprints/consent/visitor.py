"""The visitor at hand: what they decided, what counts of it now, and how a new decision is kept."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Flask, current_app, g, request, session
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from blueprints.consent import services
from blueprints.consent.choices import Choice, Decision, Model, Status, present_choice
from blueprints.consent.log.notice_store import Notices
from blueprints.consent.log.notices import Notice
from blueprints.consent.registry import Registry


def registry() -> Registry:
    found = current_app.extensions["registry"]
    if not isinstance(found, Registry):
        raise TypeError("the consent room has not been set up")
    return found


def notices() -> Notices:
    found = current_app.extensions["notices"]
    if not isinstance(found, Notices):
        raise TypeError("the consent room has not been set up")
    return found


def cookie_prefix(app: Flask) -> str:
    """Return what stands before the names of our cookies: over https the browser enforces it."""
    return "__Host-" if app.config["PREFERRED_URL_SCHEME"] == "https" else ""


def sends_gpc() -> bool:
    """Whether the browser sends Global Privacy Control; several headers with one "1" count as 1."""
    return "1" in (value.strip() for value in request.headers.get("Sec-GPC", "").split(","))


def last_decision() -> Decision | None:
    """Return the decision that the session holds, however old; None where it holds none."""
    kept = session.get("decision")
    try:
        return kept and Decision(
            **{
                **kept,
                "model": Model(kept["model"]),
                "statuses": {key: Status(value) for key, value in kept["statuses"].items()},
            }
        )
    except (TypeError, KeyError, ValueError, AttributeError):
        return None  # Kept by a version of the site that wrote it otherwise: ask again.


def current_choice() -> Choice:
    """Return where the visitor stands, looked up once per request."""
    if "choice" not in g:
        g.choice = present_choice(
            last_decision(),
            registry(),
            Model(current_app.config["CONSENT_MODEL"]),
            gpc=sends_gpc(),
            now=datetime.now(UTC),
        )
    choice: Choice = g.choice
    return choice


def notice_in_force() -> Notice:
    return notices().in_force[g.language]


def notice_shown(notice_id: str | None) -> Notice | None:
    """Return the notice that a form says its page showed; None where it cannot be consented to.

    A page may have been open while the site changed. Where only words changed, the notice that was
    read counts; where substance changed, nobody has read what they would accept (GDPR Art. 4(11)).
    A client that says nothing has read the one in force.

    Raises:
        ServiceUnavailable: the notice cannot be looked up.

    """
    now = notice_in_force()
    if not notice_id or notice_id == now.id:
        return now
    try:
        found = notices().find(notice_id)
    except SQLAlchemyError:
        current_app.logger.exception("A notice cannot be looked up.")
        raise ServiceUnavailable from None
    same = found and (found.policy_version, found.model) == (now.policy_version, now.model)
    return found if same else None


def save(
    given: frozenset[str],
    method: str,
    notice: Notice | None,
    **kept: Any,  # noqa: ANN401 - msgpack
) -> Decision:
    """Record that the visitor accepts exactly `given`, and let it count from this answer on.

    `notice` is the one that was shown, where that is known. `kept` is put beside the decision in
    the fresh session.

    Raises:
        ServiceUnavailable: the record or the session could not be stored; nothing has changed.

    """
    last = last_decision()
    now = datetime.now(UTC)
    act = services.Act(
        subject=last.subject if last else None,
        language=g.language,
        model=Model(current_app.config["CONSENT_MODEL"]),
        method=method,
        gpc=sends_gpc(),
        notice=notice.id if notice else None,
        at=now,
    )
    months = current_app.config["CONSENT_LIFETIME_MONTHS"]
    decision = services.decide(registry(), given, current_choice(), act, lifetime_months=months)
    values = {"decision": asdict(decision), **kept}
    try:
        with current_app.extensions["sessions"].renewed(values, decision.expires_at):
            if notice:
                notices().keep(notice, now)
            services.record(decision)
    except (services.NotRecordedError, SQLAlchemyError):
        notices().forget()
        current_app.logger.exception("A choice could not be recorded.")
        raise ServiceUnavailable from None
    g.recorded = True
    g.pop("choice")  # It counts from this answer on.
    off = frozenset(registry().optional_ids) - given
    g.clear_storage = registry().keeps_more_than_cookies(off)
    return decision
