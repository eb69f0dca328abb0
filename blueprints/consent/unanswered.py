"""Where the registry only holds a place (`TODO`, `...`) for what readers are to be told."""

from collections.abc import Iterator

from blueprints.consent.parties import is_no_answer
from blueprints.consent.registry import Registry


def unanswered(registry: Registry) -> list[str]:
    """Name each such place; those of [controller] and of safeguards are told with theirs."""
    return [where for where, told in _told(registry) if told and is_no_answer(told)]


def _told(registry: Registry) -> Iterator[tuple[str, object]]:
    """Return whatever readers are told of purposes, services and items, each with its place."""
    for purpose in registry.purposes:
        for key in ("name", "description", "short", "dpv"):
            yield f"purpose '{purpose.id}' {key}", getattr(purpose, key)
        yield from (
            (f"purpose '{purpose.id}' personal_data", term) for term in purpose.personal_data
        )
    for service in registry.services:
        where = f"service '{service.id}'"
        for key in ("name", "vendor"):
            told = getattr(service, key)
            if told != registry.controller.name:
                yield f"{where} {key}", told
        yield f"{where} privacy", service.privacy
        yield f"{where} justification", service.justification
        hosts = sorted({host for of_kind in service.hosts.values() for host in of_kind})
        yield from ((f"{where} host '{host}'", host) for host in hosts)
        for cookie in service.cookies:
            for key in ("purpose", "justification"):
                yield f"{where} cookie '{cookie.name}' {key}", getattr(cookie, key)
