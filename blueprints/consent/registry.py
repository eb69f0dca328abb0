"""The cookie registry: what the site stores and whom it involves, for which purpose.

Frozen dataclasses; `registry_file.py` reads them from TOML and refuses contradictions.
`Registry.policy_version` is computed from the substance (controller, purposes, data, services,
cookies, lifetimes): what is added to it asks again (coverage.py), a change of wording does not.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from blueprints.consent.cookies import NEEDED, Cookie
from blueprints.consent.parties import Controller, Recipient, Text

# What is consented to of each, beside the hosts and the ways in: a change makes a new version.
SUBSTANCE_OF_PURPOSE = ("optional", "meaning", "personal_data")
SUBSTANCE_OF_SERVICE = ("purpose", "vendor", "country", "consent_mode")
SUBSTANCE_OF_COOKIE = ("storage", "party", "lifetime")
CONSENT_MODE = ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")


@dataclass(frozen=True)
class Purpose:
    id: str
    name: Text
    description: Text
    short: Text | None = None  # the same in a few words, for the banner
    optional: bool = True
    gpc: bool = False  # off while the browser sends Sec-GPC: 1 and the visitor has not chosen
    dpv: str = "Purpose"  # the purpose as W3C DPV calls it, for receipts
    personal_data: tuple[str, ...] = ()  # what it uses, as the PD vocabulary of DPV calls it
    meaning: int = 1  # raised by the editor: who had accepted the purpose is asked again


@dataclass(frozen=True)
class Script:
    loaded_as: ClassVar[str] = "script"  # the kind of load for which its host is declared

    address: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    integrity: str = ""  # Subresource Integrity: "sha384-..."


@dataclass(frozen=True)
class Pixel:
    loaded_as: ClassVar[str] = "img"

    address: str


@dataclass(frozen=True)
class Embed:
    """What an article can show in a frame; `{id}` in the address stands for what it names."""

    loaded_as: ClassVar[str] = "frame"

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Service(Recipient):
    """Somebody who stores or receives something. `hosts` maps a kind of load to its origins.

    It enters the page as a script, a pixel or an embed, or not at all. `consent_mode` names the
    parameters of Google Consent Mode that its purpose grants, `tag_id` what its tag is to send to.
    """

    id: str
    purpose: str
    name: str
    vendor: str
    country: str
    privacy: str = ""  # address of the vendor's privacy notice; empty for this site's own
    cookies: tuple[Cookie, ...] = ()
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    script: Script | None = None
    pixel: Pixel | None = None
    embed: Embed | None = None
    consent_mode: tuple[str, ...] = ()
    tag_id: str = ""  # "G-...": the destination of a Google tag
    justification: Text | None = None  # why others are told without being asked: necessary ones
    safeguard: Text | None = None  # of the transfer, where the country is outside the EEA

    @property
    def is_ours(self) -> bool:
        """Whether nobody else has a part in it: no host, no notice, no item of theirs."""
        has_items = any(cookie.party == "third" for cookie in self.cookies)
        return not (self.hosts or self.privacy or has_items or self.is_outside_eea)

    @property
    def longest_days(self) -> int:
        return max((cookie.max_age.days for cookie in self.cookies), default=0)

    @property
    def ways(self) -> dict[str, Script | Pixel | Embed]:
        """How it enters the page: one way, or none."""
        ways = {"script": self.script, "pixel": self.pixel, "embed": self.embed}
        return {kind: way for kind, way in ways.items() if way}

    @property
    def enters(self) -> dict[str, str]:
        """How it enters the page, as notices tell it: the address, and where its tag sends to."""
        addresses = {kind: way.address for kind, way in self.ways.items()}
        return addresses | ({"tag": self.tag_id} if self.tag_id else {})


@dataclass(frozen=True)
class Registry:
    controller: Controller
    purposes: tuple[Purpose, ...]
    services: tuple[Service, ...]

    @cached_property
    def optional(self) -> tuple[Purpose, ...]:
        return tuple(purpose for purpose in self.purposes if purpose.optional)

    @cached_property
    def optional_ids(self) -> tuple[str, ...]:
        return tuple(purpose.id for purpose in self.optional)

    @cached_property
    def necessary_ids(self) -> tuple[str, ...]:
        return tuple(purpose.id for purpose in self.purposes if not purpose.optional)

    @cached_property
    def necessary_partners(self) -> tuple[Service, ...]:
        """The services of others that are contacted whatever a visitor chooses."""
        necessary = self._services_for(self.necessary_ids)
        return tuple(service for service in necessary if not service.is_ours)

    @cached_property
    def optional_partners(self) -> tuple[Service, ...]:
        """The services of others that are contacted once their purpose is given."""
        optional = self._services_for(self.optional_ids)
        return tuple(service for service in optional if not service.is_ours)

    @cached_property
    def outside_eea(self) -> tuple[Recipient, ...]:
        """Who receives something and sits where the GDPR does not hold by itself."""
        recipients = *self.controller.processors, *self.necessary_partners, *self.optional_partners
        return tuple(recipient for recipient in recipients if recipient.is_outside_eea)

    @cached_property
    def involves_others(self) -> bool:
        """Whether a choice can change what the browser may load."""
        return any(service.hosts for service in self.services)

    def embed(self, service: str) -> Service | None:
        """Return the service of this id if articles can embed it."""
        return next((item for item in self.services if item.id == service and item.embed), None)

    def cookie(self, name: str) -> tuple[Service, Cookie] | None:
        """Return who is declared to set the cookie of this name, and its declaration.

        A whole name comes before a beginning: each request asks for several.
        """
        found = self._cookies.get(name)
        return found or next((item for item in self._beginnings if item[1].matches(name)), None)

    @cached_property
    def keeps_unasked(self) -> bool:
        """Whether something is stored without a choice: whatever is necessary for another thing."""
        necessary = self._items_for(self.necessary_ids)
        return any(item.name.removeprefix("__Host-") not in NEEDED for item in necessary)

    def keeps(self, name: str) -> bool:
        """Whether a cookie of the site itself is declared, with whatever prefix over https."""
        return any(each.removeprefix("__Host-") == name for each in self._cookies)

    @cached_property
    def _cookies(self) -> Mapping[str, tuple[Service, Cookie]]:
        of_all = ((service, cookie) for service in self.services for cookie in service.cookies)
        return {item[1].name: item for item in of_all if item[1].storage == "cookie"}

    @cached_property
    def _beginnings(self) -> tuple[tuple[Service, Cookie], ...]:
        return tuple(item for name, item in self._cookies.items() if name.endswith("*"))

    @cached_property
    def in_web_storage(self) -> frozenset[str]:
        """The optional purposes of which a service uses the browser's web storage."""
        optional = [service for service in self.services if service.purpose in self.optional_ids]
        return frozenset(
            service.purpose
            for service in optional
            if any(item.storage != "cookie" for item in service.cookies)
        )

    def purpose(self, purpose: str) -> Purpose:
        """Return the purpose of this id; a service names none but a declared one."""
        return next(item for item in self.purposes if item.id == purpose)

    def services_for(self, purpose: Purpose) -> tuple[Service, ...]:
        return self._services_for((purpose.id,))

    def _services_for(self, purposes: Collection[str]) -> tuple[Service, ...]:
        return tuple(service for service in self.services if service.purpose in purposes)

    def _items_for(self, purposes: Collection[str]) -> list[Cookie]:
        return [item for service in self._services_for(purposes) for item in service.cookies]

    @cached_property
    def policy_version(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of the substance."""
        substance = json.dumps(self.substance, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(substance.encode()).hexdigest()[:12]

    @cached_property
    def substance(self) -> dict[str, Any]:
        """What a visitor consents to, without the words; the order of entries does not count."""
        return {
            "controller": self.controller.name,
            "purposes": {each.id: _values(each, SUBSTANCE_OF_PURPOSE) for each in self.purposes},
            "services": {service.id: _substance_of(service) for service in self.services},
        }


def _substance_of(service: Service) -> dict[str, Any]:
    told = zip(SUBSTANCE_OF_SERVICE, _values(service, SUBSTANCE_OF_SERVICE), strict=True)
    cookies = [replace(item, lifetime=item.declared or item.lifetime) for item in service.cookies]
    return {
        # Without Google's a registry keeps the version that it had before.
        **{name: value for name, value in told if value != []},
        "hosts": {kind: sorted(hosts) for kind, hosts in service.hosts.items()},
        "enters": [*service.enters.values()],
        "cookies": {item.name: _values(item, SUBSTANCE_OF_COOKIE) for item in cookies},
    }


def _values(entry: Purpose | Service | Cookie, names: tuple[str, ...]) -> list[Any]:
    """Return these fields of it; the order of a list does not count."""
    values = [getattr(entry, name) for name in names]
    return [sorted(value) if isinstance(value, tuple) else value for value in values]
