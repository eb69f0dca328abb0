"""The cookie settings page, and the one way in which a choice is made."""

from typing import Any

from flask import (
    Blueprint,
    g,
    get_template_attribute,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from blueprints.consent.addresses import safe_path
from blueprints.consent.choices import Decision
from blueprints.consent.forms import AllowForm, ChoiceForm, VisitorForm
from blueprints.consent.log.notices import Notice
from blueprints.consent.visitor import (
    current_choice,
    last_decision,
    notice_in_force,
    notice_shown,
    registry,
    save,
)

Answer = Response | dict[str, Any] | tuple[dict[str, Any], int]

blueprint = Blueprint("consent", __name__, cli_group="consent")


@blueprint.get("/cookies", defaults={"language": "en"})
@blueprint.get("/pt/cookies", defaults={"language": "pt"})
def settings() -> Answer:
    """Show what each purpose is for, who stores what, and the present choice in a form."""
    return _settings_page()


def _settings_page(problem: str | None = None) -> Response:
    came_from = request.args.get("next") or _path_of_referrer()
    page = render_template(
        "consent/settings.html",
        problem=problem,
        last_decision=last_decision(),
        way_back=safe_path(came_from, but_not=url_for("consent.settings")),
    )
    return kept_by_nobody(make_response(page))


def kept_by_nobody(response: Response) -> Response:
    """Keep the page out of every cache: it shows what one visitor chose."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _path_of_referrer() -> str:
    here, referrer = request.host_url, request.referrer or ""
    return "/" + referrer.removeprefix(here) if referrer.startswith(here) else ""


@blueprint.post("/cookies", defaults={"language": "en"})
@blueprint.post("/pt/cookies", defaults={"language": "pt"})
def choose() -> Answer:
    """Record a choice, made in the banner or on the settings page."""
    form = ChoiceForm(registry(), request.form)
    if problem := form.problem:
        return refuse(problem)
    notice = notice_shown(form.notice.data)
    if form.given:  # A refusal is never limited, and needs no reading.
        g.count_grant()
        if notice is None:
            return refuse("outdated")
    own_page = url_for("consent.settings")
    target = safe_path(form.next.data) or own_page
    page = "settings" if target.partition("?")[0] == own_page else "banner"
    return _saved(form.given, f"{page}.{form.choice.data}", notice, target)


@blueprint.post("/cookies/withdraw", defaults={"language": "en"})
@blueprint.post("/pt/cookies/withdraw", defaults={"language": "pt"})
def withdraw() -> Answer:
    """Withdraw every optional purpose, in one click."""
    if problem := VisitorForm(request.form).problem:
        return refuse(problem)
    return _saved(frozenset(), "settings.withdraw", notice_in_force(), url_for("consent.settings"))


@blueprint.post("/cookies/allow", defaults={"language": "en"})
@blueprint.post("/pt/cookies/allow", defaults={"language": "pt"})
def allow() -> Answer:
    """Add one purpose to those accepted, from the placeholder of what it would show."""
    form = AllowForm(registry(), request.form)
    if problem := form.problem:
        return refuse(problem)
    g.count_grant()
    given = current_choice().given | {str(form.purpose.data)}
    target = safe_path(form.next.data) or url_for("consent.settings")
    return _saved(given, "embed.always", notice_in_force(), target)


def _saved(given: frozenset[str], method: str, notice: Notice | None, target: str) -> Answer:
    if g.wants_json:
        return _as_json(save(given, method, notice))
    save(given, method, notice, confirm=True)
    return redirect(target, 303)


def _as_json(decision: Decision) -> dict[str, Any]:
    return {
        "saved": True,
        "record": decision.id,
        "statuses": decision.statuses,
        "policy_version": decision.policy_version,
        "decided_at": decision.decided_at.isoformat(timespec="seconds"),
        "expires_at": decision.expires_at.isoformat(timespec="seconds"),
    }


def refuse(problem: str) -> Answer:
    if g.wants_json:
        words = get_template_attribute("consent/problems.html", "problem_words")(problem)
        return {"error": problem, "message": str(words).strip()}, 400
    page = _settings_page(problem)
    page.status_code = 400
    return page
