"""What the law wants readers to be told and the registry does not tell, or holds a place for."""

from collections.abc import Iterator

from blueprints.consent.commands import ended
from blueprints.consent.cookies import NEEDED
from blueprints.consent.parties import is_no_answer
from blueprints.consent.registry import Registry


def gaps(registry: Registry, prefix: str) -> list[str]:
    """Say each kind in one sentence. `prefix` comes before the name of each cookie of our own."""
    controller = registry.controller
    missing = [
        f"{name} ({controller.wrong[name]!r} cannot be right)" if name in controller.wrong else name
        for name in controller.missing
    ]
    undeclared = [name for name in NEEDED if not registry.cookie(prefix + name)]
    silent = [purpose.id for purpose in registry.optional if not purpose.personal_data]
    places = [where for where, told in _told(registry) if told and is_no_answer(told)]
    bare = [each.name for each in registry.outside_eea if is_no_answer(each.safeguard)]
    wants = {
        "The registry's [controller] lacks what the privacy page must say (GDPR Art. 13):": missing,
        "The registry does not declare cookies of this site:": undeclared,
        "The registry does not say which personal_data these purposes use, as receipts must "
        "(ISO/IEC TS 27560):": silent,
        "The registry only holds a place for what readers are told (GDPR Art. 12(1)):": places,
        "The registry names no safeguard for what goes out of the EEA (GDPR Art. 13(1)(f)) "
        "to": bare,
    }
    return [ended(f"{words} {', '.join(names)}") for words, names in wants.items() if names]


def _told(registry: Registry) -> Iterator[tuple[str, object]]:
    """Yield whatever readers are told, with where; of [controller] and safeguards see `gaps`."""
    for purpose in registry.purposes:
        for key in ("name", "description", "short", "dpv", "personal_data"):
            yield f"purpose '{purpose.id}' {key}", getattr(purpose, key)
    for service in registry.services:
        where = f"service '{service.id}'"
        for key in ("name", "vendor", "privacy", "justification"):
            told = getattr(service, key)
            if told != registry.controller.name:
                yield f"{where} {key}", told
        hosts = sorted({host for of_kind in service.hosts.values() for host in of_kind})
        yield from ((f"{where} host '{host}'", host) for host in hosts)
        for cookie in service.cookies:
            for key in ("purpose", "justification"):
                yield f"{where} cookie '{cookie.name}' {key}", getattr(cookie, key)
