"""What the placeholder of an embed says, written down as a notice of its own.

Who presses "Always allow" there has read these words and not those of the banner, so these are what
the record names (GDPR Art. 7(1)).
"""

from flask import current_app, g
from markupsafe import Markup

from blueprints.consent.notices import Notice, write_placeholder
from blueprints.consent.registry import Service
from blueprints.consent.visitor import OutdatedNoticeError, notice_in_force, notice_shown, registry


def placeholder(service: Service) -> Notice:
    """Return the notice of this service's placeholder, in the language of the request."""
    known: dict[tuple[str, str], Notice] = current_app.extensions.setdefault("placeholders", {})
    key = service.id, g.language
    if key not in known:
        known[key] = write_placeholder(
            notice_in_force(), service.id, service.purpose, _words(service)
        )
    return known[key]


def _words(service: Service) -> dict[str, str]:
    purpose = registry().purpose(service.purpose)
    others = [
        item.name
        for item in registry().services_for(purpose)
        if item.id != service.id and item.vendor != registry().controller.name
    ]
    about = {"service": service, "purpose": purpose, "others": list(dict.fromkeys(others))}
    about |= {"model": notice_in_force().model, "language": g.language}
    template = current_app.jinja_env.get_template("consent/placeholder.html")
    words = template.make_module(about).words  # type: ignore[attr-defined]
    return {
        key: text.unescape() if isinstance(text, Markup) else text for key, text in words.items()
    }


def placeholder_shown(notice_id: str | None, purpose: str) -> Notice | None:
    """Return the placeholder that a form says its page showed; None where it shows no such thing.

    Raises:
        OutdatedNoticeError: nobody has read there what they would accept.
        ServiceUnavailable: the notice cannot be looked up.

    """
    for service in registry().services:
        if service.embed and service.purpose == purpose:
            shown = placeholder(service)
            if shown.id == notice_id:
                return shown
    found = notice_shown(notice_id, of_embed=True)
    if not found or not found.placeholder:
        return None
    if found.placeholder["purpose"] != purpose:
        raise OutdatedNoticeError
    return found
