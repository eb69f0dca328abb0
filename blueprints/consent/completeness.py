"""What the law wants readers to be told and the registry does not tell, or holds a place for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime

from blueprints.consent.commands import ended
from blueprints.consent.cookies import NEEDED
from blueprints.consent.parties import MAIL, WEB, Controller, Processor
from blueprints.consent.registry import Registry

# A host that nobody can reach (RFC 2606).
EXAMPLE = re.compile(r"\.example\b(?!\.?[\w-])", re.IGNORECASE)
# What stands where an answer is to come: no letter, something in brackets, or such a word, alone or
# before what it asks for. As a part of a name ("Todo o Terreno, Lda.") it is an answer.
TO_COME = re.compile(
    r"[\W_0]*|<.*>|\[.*\]|\{.*\}"
    r"|[\W_]*(?:to[ -]?do|t\.?b\.?[acd]|fix[ -]?me|change[ -]?me|fill[ -]?(?:me[ -]?)?in|x{2,}"
    r"|n[./][ad]|none|null|unknown|placeholder|example|exemplo|desconhecid[ao]|lorem ipsum"
    r"|(?:(?:a|por)\s+)?(?:definir|indicar|preencher|completar|designar|confirmar)(?:\s+(?:aqui|pel[ao]).*)?"
    r"|to\s+be\s+(?:defined|decided|confirmed|announced|done|filled\s+in)|em\s+falta)"
    r"(?:[\W_]*|\s*[:(].*|\s+[-\u2013\u2014].*)",
    re.IGNORECASE | re.DOTALL,
)

# What cannot be right is missing; whatever a city would write beside these is left to it.
TELEPHONE = re.compile(r"(?:\d[\s()./\u2010-\u2013-]*){9}")  # "(+351) 222 097 000 (a local call)"
TAX_NUMBER = re.compile(r"\s*(?:PT)?(?:[\s.-]*\d){9}\s*", re.IGNORECASE)


def gaps(registry: Registry, prefix: str) -> list[str]:
    """Say each kind in one sentence. `prefix` comes before the name of each cookie of our own."""
    wrong = wrong_of(registry.controller)
    missing = [
        f"{name} ({wrong[name]!r} cannot be right)" if name in wrong else name
        for name in missing_of(registry.controller)
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


def missing_of(controller: Controller) -> list[str]:
    """Return what the law demands and nobody has filled in, or with what cannot be right."""
    values = {item.name: getattr(controller, item.name) for item in fields(controller)}
    wrong = wrong_of(controller)
    return [name for name, value in values.items() if name in wrong or is_no_answer(value)]


def wrong_of(controller: Controller) -> dict[str, str]:
    """Return what is filled in and cannot be right, by its name; an example may be."""
    today = datetime.now(UTC).astimezone().date()  # where the site runs
    is_right = {
        "contact": _reaches(controller.contact),
        "tax_number": TAX_NUMBER.fullmatch(controller.tax_number),
        "telephone": TELEPHONE.search(controller.telephone),
        "officer": _reaches(controller.officer),
        "dated": controller.dated_on and controller.dated_on <= today,
    }
    wrong = {name: getattr(controller, name) for name, right in is_right.items() if not right}
    return {name: value for name, value in wrong.items() if value.strip()}


def _reaches(words: str) -> bool:
    return bool(MAIL.search(words) or WEB.search(words))


def is_no_answer(value: object) -> bool:
    """Whether nobody has answered, or not in each language, or not of each processor."""
    if isinstance(value, str):
        return bool(TO_COME.fullmatch(value.strip()) or EXAMPLE.search(value))
    if isinstance(value, Mapping):
        return any(map(is_no_answer, value.values()))
    if isinstance(value, Processor):  # The safeguard is asked for where one is needed.
        return any(map(is_no_answer, (value.name, value.task, value.country)))
    return not value or (isinstance(value, tuple) and any(map(is_no_answer, value)))
