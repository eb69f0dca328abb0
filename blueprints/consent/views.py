"""The cookie settings page, and the one way in which a choice is made."""

from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    abort,
    g,
    get_template_attribute,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import force_locale
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests
from werkzeug.wrappers import Response

from blueprints.consent import visitor
from blueprints.consent.addresses import safe_path, way_back
from blueprints.consent.choices import Decision
from blueprints.consent.cookie_check import by_way_of_the_check
from blueprints.consent.forms import AllowForm, ChoiceForm, VisitorForm
from blueprints.consent.methods import ALWAYS_ALLOW, WITHDRAW
from blueprints.consent.notices import Notice
from blueprints.consent.placeholders import placeholder_shown
from blueprints.consent.recording import NothingTakenBackError, save
from blueprints.consent.taking_back import Accept, take_back

OF_A_PURPOSE = ("purposes", "not_asked")  # fields

blueprint = Blueprint("consent", __name__)


@blueprint.get("/cookies", pt="/pt/cookies")
def settings(problem: str | None = None) -> Response:
    """Show what each purpose is for, who stores what, and the present choice in a form.

    `problem` says what is wrong with the form that was sent, where this answers one.
    """
    came_from = request.args.get("next") or _path_of_referrer()
    page = render_template(
        "consent/settings.html",
        problem=problem,
        last_decision=visitor.last_decision(),
        way_back=safe_path(came_from, but_not=url_for("consent.settings")),
    )
    return no_store(make_response(page))


def no_store(response: Response) -> Response:
    """Keep the page out of every cache: it shows what one visitor chose."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _path_of_referrer() -> str:
    here, referrer = request.host_url, request.referrer or ""
    return "/" + referrer.removeprefix(here) if referrer.startswith(here) else ""


@blueprint.post("/cookies", pt="/pt/cookies")
def choose() -> Response:
    """Record a choice, made in the banner or on the settings page."""
    form = ChoiceForm(visitor.registry(), request.form)
    problem = form.problem
    if problem and problem not in OF_A_PURPOSE:
        return bad_request(problem)
    # First: where a notice cannot be looked up, the session is not asked for a while either.
    before, accepted = visitor.current_choice(), visitor.accepted_before()
    notice, fault = _notice_of(form)
    # A page of before may have offered a purpose that is gone: it asked another question.
    if problem and not fault:
        return bad_request(problem)
    g.consent.failed = form  # until it is recorded
    own_page = request.path  # The settings page has the same address.
    came_from = way_back(form.next.data or own_page)
    target = came_from or own_page
    page = "settings" if urlsplit(came_from or "").path == own_page else "banner"
    method = f"{page}.{form.choice.data}"
    takes_back = form.given <= before.consented and form.accept(accepted) < accepted
    if problem or (form.given and not takes_back):
        return _grant(form, method, notice, fault, target)
    # What takes back needs no reading, and waits for nothing; of what is new nobody has read.
    in_part = isinstance(fault, visitor.OutdatedNoticeError) and before.decision is not None
    if not form.given:
        return _refuse(method, notice, target, in_part=in_part)
    with suppress(NothingTakenBackError):
        return _saved(form.accept, method, notice, target, in_part=in_part, takes_back=True)
    return _grant(form, method, notice, fault, target)


def _notice_of(form: ChoiceForm) -> tuple[Notice | None, Exception | None]:
    """Return what its page showed, where that is known, and why nobody can accept it, if so."""
    try:
        return visitor.notice_shown(form.notice.data), None
    except visitor.OutdatedNoticeError as error:
        return error.notice, error
    except ServiceUnavailable as error:
        return None, error


def _grant(
    form: ChoiceForm, method: str, notice: Notice | None, fault: Exception | None, target: str
) -> Response:
    """Record a choice that accepts something; where it cannot, what it takes back goes anyway.

    Raises:
        ServiceUnavailable: nobody knows what was shown.
        TooManyRequests: this client has accepted too often within the minute.

    """
    if isinstance(fault, ServiceUnavailable):
        take_back(form.accept, method)
        raise fault
    if fault:
        _take_back_alone(form, method, notice)
        g.consent.failed = None  # Nobody has read what these ticks would accept.
        return bad_request("outdated")
    try:
        g.count_grant()
    except TooManyRequests:
        _take_back_alone(form, method, notice)
        raise
    return _saved(form.accept, method, notice, target)


def _take_back_alone(form: ChoiceForm, method: str, notice: Notice | None) -> None:
    accepted = visitor.accepted_before()
    if not accepted <= form.accept(accepted):
        with suppress(NothingTakenBackError):
            save(form.accept, method, notice, takes_back=True, in_part=True)
    # What is not ticked is refused: going on is no acceptance of it, nor was it one before.
    elif g.get("choice_is_unknown") or visitor.may_assume():
        take_back(form.accept, method, notice=notice)


@blueprint.post("/cookies/withdraw", pt="/pt/cookies/withdraw")
def withdraw() -> Response:
    """Withdraw every optional purpose, in one click."""
    if problem := VisitorForm(request.form).problem:
        return bad_request(problem)
    return _refuse(WITHDRAW, None, url_for("consent.settings"))


@blueprint.post("/cookies/allow", pt="/pt/cookies/allow")
def allow() -> Response:
    """Add one purpose to those accepted, from the placeholder of what it would show."""
    form = AllowForm(visitor.registry(), request.form)
    if form.problem:
        abort(400)
    target = g.place_of_embed = way_back(form.next.data) or url_for("consent.settings")
    g.count_grant()
    try:
        notice = placeholder_shown(form.notice.data, str(form.purpose.data))
    except ServiceUnavailable:
        g.is_partly_lost = True  # An error page has to say so.
        raise
    except visitor.OutdatedNoticeError:
        if g.wants_json:
            return bad_request("outdated")
        # The purpose is another one meanwhile: the placeholder tells of it anew, and says so.
        return redirect(f"{target}{'&' if '?' in target else '?'}outdated=", 303)
    added = {str(form.purpose.data)}
    return _saved(lambda before: before | added, ALWAYS_ALLOW, notice, target)


def _refuse(method: str, notice: Notice | None, target: str, *, in_part: bool = False) -> Response:
    """Record a refusal: one that takes something back is never limited, every other is counted.

    Which it is shows only in its turn: of many at once the first takes back, and leaves nothing.
    """
    if visitor.accepted_before() or g.get("choice_is_unknown"):
        with suppress(NothingTakenBackError):
            return _saved(_nothing, method, notice, target, in_part=in_part, takes_back=True)
    try:
        g.count_first_refusal()
    except TooManyRequests:
        if visitor.is_assumable():
            take_back(_nothing, method)
        raise
    return _saved(_nothing, method, notice, target, in_part=in_part)


def _nothing(_before: frozenset[str]) -> frozenset[str]:
    return frozenset()


def _saved(
    accept: Accept, method: str, notice: Notice | None, target: str, **kinds: bool
) -> Response:
    if g.wants_json:
        save(accept, method, notice, **kinds)
        return jsonify(_as_json(cast("Decision", visitor.last_decision())))  # It has been stored.
    save(accept, method, notice, confirm=True, **kinds)
    return redirect(by_way_of_the_check(target), 303)


def _as_json(decision: Decision) -> dict[str, Any]:
    return {
        "saved": True,
        "record": decision.id,
        "statuses": decision.statuses,
        "policy_version": decision.policy_version,
        "decided_at": decision.decided_at.isoformat(timespec="seconds"),
        "expires_at": decision.expires_at.isoformat(timespec="seconds"),
    }


def bad_request(problem: str) -> Response:
    if g.wants_json:
        words = get_template_attribute("consent/problems.html", "problem_words")(problem)
        answer: Response = jsonify(error=problem, message=str(words).strip())
    else:
        answer = settings(problem)
    answer.status_code = 400
    return answer


@blueprint.get("/cookies/notices/<notice_id>", pt="/pt/cookies/notices/<notice_id>")
def notice(notice_id: str) -> str:
    """Show a notice with the words that it had when it was shown, however long ago."""
    found = visitor.find_notice(notice_id)
    if found is None:
        abort(404)
    with force_locale(found.language):
        words = render_template("consent/notice_words.html", notice=found)
    return render_template("consent/notice.html", notice=found, words=words)
