"""The consent notice as a visitor sees it, written down: the exact words, and what they are about.

A notice is identified by the SHA-256 of its canonical JSON, so that a record which names it pins
every word (GDPR Art. 7(1); ISO/IEC 29184, 5.2.8). A change of wording makes a new notice and asks
nobody again; a change of substance makes a new policy version as well (coverage.py: who is asked).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

from blueprints.consent.choices import Model
from blueprints.consent.cookies import Cookie
from blueprints.consent.digest import canonical, sha256_of
from blueprints.consent.parties import Text
from blueprints.consent.registry import (
    SUBSTANCE_OF_COOKIE,
    SUBSTANCE_OF_PURPOSE,
    SUBSTANCE_OF_SERVICE,
    Purpose,
    Registry,
    Service,
)
from blueprints.consent.registry_checks import LANGUAGES

T = TypeVar("T")

OF_THE_BANNER = {"banner", "settings"}
# What is told of each: the substance, and the words for it.
OF_A_PURPOSE = (*SUBSTANCE_OF_PURPOSE, "id", "gpc", "dpv", "name", "description", "short")
OF_A_SERVICE = (*SUBSTANCE_OF_SERVICE, "id", "name", "privacy", "enters")
OF_A_COOKIE = (*SUBSTANCE_OF_COOKIE, "name", "purpose", "justification")
TEXTS = (Text, Text | None)  # kinds of a field, which are told in the language of the notice


@dataclass(frozen=True)
class Notice:
    """A notice in one language. `content` is what its id is the SHA-256 of."""

    id: str
    content: Mapping[str, Any]

    @property
    def policy_version(self) -> str:
        return str(self.content["policy_version"])

    @property
    def language(self) -> str:
        return str(self.content["language"])

    @property
    def model(self) -> str:
        return str(self.content["model"])

    @property
    def placeholder(self) -> Mapping[str, str] | None:
        """The words of an embed's placeholder, where that is what was shown, and its purpose."""
        return self.content.get("placeholder")

    @property
    def offered(self) -> frozenset[str]:
        """The purposes about which it lets one choose."""
        return frozenset(entry["id"] for entry in self.content["purposes"] if entry["optional"])

    @cached_property
    def purposes(self) -> tuple[Purpose, ...]:
        """The purposes as they were shown, for the macros that show the present ones."""
        return tuple(_shown(Purpose, entry) for entry in self.content["purposes"])

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The services as they were shown, for the macros that show the present ones."""
        return services_shown(self.content["services"])

    @property
    def fits_id(self) -> bool:
        return sha256_of(self.content).hex() == self.id

    @property
    def text(self) -> str:
        """The canonical JSON."""
        return canonical(self.content).decode()


def services_shown(entries: Iterable[Mapping[str, Any]]) -> tuple[Service, ...]:
    """Make the services of what a notice says of them."""
    return tuple(
        _shown(
            Service,
            {**entry, "cookies": tuple(_shown(Cookie, cookie) for cookie in entry["cookies"])},
        )
        for entry in entries
    )


def _shown(cls: type[T], entry: Mapping[str, Any]) -> T:
    """Make an entry of the registry from one of a notice, whichever version of the site wrote it.

    What are texts in several languages there are the same words in every language here.
    """
    types = {field.name: field.type for field in fields(cls)}  # type: ignore[arg-type]
    return cls(
        **{
            key: _text(value) if types[key] in TEXTS else value
            for key, value in entry.items()
            if key in types
        }
    )


def _text(words: str | None) -> Text | None:
    return None if words is None else dict.fromkeys(LANGUAGES, words)


def write_notice(
    registry: Registry, words: Mapping[str, Any], language: str, model: Model
) -> Notice:
    """Write down the notice in force. `words` are those of notice.toml in this language."""
    buttons, is_implied = _buttons(words), model is Model.IMPLIED
    shared = {"question": words["question"]}
    processors = [
        {"name": processor.name, "country": processor.country}
        for processor in registry.controller.processors
    ]
    content = {
        "language": language,
        "model": str(model),
        "policy_version": registry.policy_version,
        "controller": {
            "name": registry.controller.name,
            "address": registry.controller.address,
            "contact": registry.controller.contact,
            **({"tax_number": number} if (number := registry.controller.tax_number) else {}),
            **({"processors": processors} if processors else {}),
        },
        "banner": {
            "heading": words["heading"],
            "introduction": words["introduction"],
            "assumption": words["assumption"][model],
            # Nothing is assumed of a browser that sends the signal, nor of one that may have
            # refused, and it is told so.
            **({"assumption_with_gpc": words["assumption"][Model.OPT_IN]} if is_implied else {}),
            "withdrawal": words["withdrawal"],
            "privacy": words["privacy"],
            "change_settings": words["change_settings"],
            "details": words["details"],
            # The client's banner to the letter has no third button; the settings page has it.
            "buttons": buttons[:2] if is_implied else buttons,
            **shared,
        },
        "settings": {"buttons": _buttons(words["settings"]), **shared},
        "purposes": [_told(each, OF_A_PURPOSE, language) for each in registry.purposes],
        "services": [_service(service, language) for service in registry.services],
    }
    return Notice(sha256_of(content).hex(), content)


def write_placeholder(
    notice: Notice, service: str, purpose: str, words: Mapping[str, str]
) -> Notice:
    """Write down what a placeholder says, beside all that the notice in force is about."""
    about = {key: value for key, value in notice.content.items() if key not in OF_THE_BANNER}
    content = {**about, "placeholder": {"service": service, "purpose": purpose, **words}}
    return Notice(sha256_of(content).hex(), content)


def _buttons(words: Mapping[str, Any]) -> list[str]:
    return [words["accept_selected"], words["accept_all"], words["reject"]]


def _service(service: Service, language: str) -> dict[str, Any]:
    told = _told(service, OF_A_SERVICE, language)
    told["hosts"] = {kind: list(hosts) for kind, hosts in service.hosts.items()}
    told["cookies"] = [_told(cookie, OF_A_COOKIE, language) for cookie in service.cookies]
    if service.justification:
        told["justification"] = service.justification[language]
    return told


def _told(
    entry: Purpose | Service | Cookie, names: tuple[str, ...], language: str
) -> dict[str, Any]:
    """Return these fields of an entry of the registry, its texts in one language."""
    types = {field.name: field.type for field in fields(entry)}
    told = {}
    for name in names:
        value = getattr(entry, name)
        value = value[language] if value and types.get(name) in TEXTS else value
        told[name] = list(value) if isinstance(value, tuple) else value
    return told
