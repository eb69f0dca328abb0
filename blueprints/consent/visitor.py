"""The visitor at hand: what they decided, what counts of it now, and which notice they saw."""

from datetime import UTC, datetime

from flask import Flask, current_app, g, request, session
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from blueprints.consent.choices import (
    Choice,
    Circumstances,
    Decision,
    Model,
    Status,
    given_by,
    present_choice,
    read_decision,
    withdrawn,
)
from blueprints.consent.cookies import WITHDRAWAL
from blueprints.consent.coverage import Additions
from blueprints.consent.notice_store import Notices
from blueprints.consent.notices import Notice
from blueprints.consent.registry import Registry
from blueprints.consent.withdrawal import Withdrawal
from blueprints.sessions import Values

ANSWERED = "answered"  # in a session: the tokens of the last withdrawals that it has answered
ANSWERED_AT_MOST = 3


def registry() -> Registry:
    found: Registry = current_app.extensions["registry"]
    return found


def notices() -> Notices:
    found: Notices = current_app.extensions["notices"]
    return found


def model_here() -> Model:
    return Model(current_app.config["CONSENT_MODEL"])


def find_notice(notice_id: str) -> Notice | None:
    """Return a notice in force or kept; None where there is no such notice.

    Raises:
        ServiceUnavailable: the database cannot be asked.

    """
    try:
        return notices().find(notice_id)
    except SQLAlchemyError as error:
        current_app.logger.error("A notice cannot be looked up: %s", type(error).__name__)
        raise ServiceUnavailable from None


def cookie_prefix(app: Flask) -> str:
    """Return what stands before the names of our cookies: over https the browser enforces it."""
    return "__Host-" if app.config["PREFERRED_URL_SCHEME"] == "https" else ""


def sends_gpc() -> bool:
    """Whether the browser sends Global Privacy Control; several headers with one "1" count as 1."""
    return "1" in (value.strip() for value in request.headers.get("Sec-GPC", "").split(","))


def last_decision() -> Decision | None:
    """Return the decision that the session holds, however old; None where it holds none."""
    return read_decision(session)


def accepted_before() -> frozenset[str]:
    """Return what the last decision accepts, or what it assumes, whether it counts or not."""
    last = last_decision()
    return given_by(last.statuses) if last else frozenset()


def current_choice() -> Choice:
    """Return where the visitor stands, looked up once per request."""
    if "choice" not in g:
        g.choice = withdrawn(recorded_choice(), pending_withdrawal())
    found: Choice = g.choice
    return found


def refresh_choice(withdrawal: Withdrawal | None) -> None:
    """Let count from now on what the session holds, without what was taken back since."""
    g.withdrawal = withdrawal
    g.pop("choice", None)
    stored = registry().in_web_storage
    g.clear_storage = bool(stored) and not stored <= current_choice().given


def added_since(decision: Decision) -> Additions | None:
    return notices().additions(decision.notice, decision.policy_version)


def recorded_choice() -> Choice:
    """Return where the visitor stands by what is recorded, whatever they took back since."""
    last, rules, now = last_decision(), registry(), datetime.now(UTC)
    try:
        return present_choice(
            last, rules, model_here(), gpc=sends_gpc(), now=now, added=added_since
        )
    except SQLAlchemyError as error:  # Of an older policy: what it was about stands there.
        current_app.logger.error("A notice cannot be looked up: %s", type(error).__name__)
        g.choice_is_unknown = True  # Nobody knows what counts of it.
        return Choice(dict.fromkeys(rules.optional_ids, Status.UNKNOWN), None, last)


def withdrawal_cookie() -> str:
    return cookie_prefix(current_app) + WITHDRAWAL


def answered_by(values: Values) -> list[str]:
    """Return the tokens of the withdrawals that a session has answered."""
    kept = values.get(ANSWERED)
    return kept if isinstance(kept, list) else [kept] if isinstance(kept, str) else []


def pending_withdrawal() -> Withdrawal | None:
    """Return what the visitor took back and the log does not have yet: their browser tells it.

    A browser can only take back with it, never give. Nothing else in it is believed.
    """
    if "withdrawal" not in g:
        cookie = request.cookies.get(withdrawal_cookie(), "")
        told = Withdrawal.read(cookie, frozenset(registry().optional_ids))
        g.withdrawal = None if told and told.token in answered_by(session) else told
    found: Withdrawal | None = g.withdrawal
    return found


def circumstances_of(
    method: str, notice: Notice | None, waited: Withdrawal | None
) -> Circumstances:
    """Return on what the visitor decides, or has decided before it `waited`."""
    version, language, gpc = registry().policy_version, g.language, sends_gpc()
    if waited and waited.language in notices().in_force:
        language, gpc = waited.language, waited.gpc
        # Nobody but the browser says which it was: it has to be one that the site has shown.
        if notices().offered(None, waited.policy_version):
            version = waited.policy_version
    if notice:
        version, language = notice.policy_version, notice.language
    return Circumstances(
        policy_version=version,
        language=language,
        model=model_here(),
        method=method,
        gpc=gpc,
        notice=notice.id if notice else None,
    )


def is_assumable() -> bool:
    """Whether going on is taken for acceptance, now or later, unless a refusal is kept."""
    last = last_decision()
    is_implied = model_here() is Model.IMPLIED
    return is_implied and bool(registry().optional) and not (last and last.is_consent)


def may_assume() -> bool:
    """Whether of this visitor going on without a choice is taken for acceptance now."""
    return (
        is_assumable()
        and not sends_gpc()
        and current_choice().is_open
        # Whose session is lost, or cannot be looked up, may have refused.
        and not (g.get("choice_is_unknown") or current_app.extensions["sessions"].is_missing())
    )


def notice_in_force() -> Notice:
    return notices().in_force[g.language]


class OutdatedNoticeError(Exception):
    """Nobody has read what they would accept: substance has changed since, or it is no notice.

    `notice` is the one that was read; a refusal can answer it all the same.
    """

    def __init__(self, notice: Notice | None = None) -> None:
        super().__init__()
        self.notice = notice


def notice_shown(notice_id: str | None, *, of_embed: bool = False) -> Notice | None:
    """Return the notice that a form says its page showed; None where it says nothing of any.

    That is the banner's, or with `of_embed` the placeholder's of an embed.

    A page may have been open while the site changed. Where only words changed, the notice that was
    read counts; where substance changed, nobody has read what they would accept (GDPR Art. 4(11)).

    Raises:
        OutdatedNoticeError: it cannot be consented to.
        ServiceUnavailable: the notice cannot be looked up.

    """
    now = notice_in_force()
    if not notice_id or notice_id == now.id:
        return now if notice_id else None
    found = find_notice(notice_id)
    if not found or found.model != now.model or bool(found.placeholder) is not of_embed:
        raise OutdatedNoticeError
    if found.policy_version != now.policy_version:
        raise OutdatedNoticeError(found)
    return found
