"""What a record says besides, so that it may claim DPV's profile of ISO/IEC TS 27560 for the GDPR.

The numbers are sections of DPV's guide "consent-27560". Receipts of the first version lack these
rows, and go on to be checked as they were written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.consent.choices import TELL_OF_ACCEPTANCE
from blueprints.consent.notices import services_shown
from blueprints.rights.context import Node

VERSION = 3  # of a receipt; those of the first do not say which they are of
THIRD = 3  # since which it tells what was only assumed, and each recipient of the privacy page
LANGUAGE_TAGS = {"en": "en", "pt": "pt-PT"}
CONTROLLER = "/privacy#controller"
# By article of the GDPR: where each right is exercised.
RIGHTS = {
    "A7-3": {"en": "/cookies", "pt": "/pt/cookies"},
    "A15": {"en": "/cookies/history", "pt": "/pt/cookies/history"},
    "A16": {"en": "/privacy", "pt": "/pt/privacidade"},
    "A17": {"en": "/cookies/erase", "pt": "/pt/cookies/erase"},
    "A18": {"en": "/privacy", "pt": "/pt/privacidade"},
    "A20": {"en": "/cookies/receipt", "pt": "/pt/cookies/receipt"},
    "A21": {"en": "/privacy", "pt": "/pt/privacidade"},
    "A77": {"en": "/privacy", "pt": "/pt/privacidade"},
}


@dataclass(frozen=True)
class ReceiptMetadata:
    """How a receipt came about: all of it that is not in the record."""

    id: str
    created_at: str
    origin: str  # of the site, https://www.example.pt
    counts: bool  # whether the decision still counted
    renewed: tuple[str, ...] = ()  # purposes given before and given again
    counting: tuple[str, ...] = ()  # purposes given that still counted
    assumed: tuple[str, ...] = ()  # purposes taken back that nobody had given
    kept_for: str = ""  # how long the record is kept, from the decision on, ISO 8601
    version: int = VERSION


def is_consent(fields: Mapping[str, Any], assumed: Sequence[str]) -> bool:
    """Whether it is about a consent, given, refused or withdrawn, and not an assumption alone."""
    told = {key for key, status in fields["statuses"].items() if status in TELL_OF_ACCEPTANCE}
    return bool(fields["is_consent"] and (not assumed or told.difference(assumed)))


def rights(language: str, metadata: ReceiptMetadata, *, may_object: bool) -> Node | list[Node]:
    """Say where each right is exercised.

    One may object (Art. 21) to what is kept in a legitimate interest, as the privacy page says: a
    refusal, and what was assumed.
    """
    if metadata.version == 1:
        return {"type": "eu-gdpr:A7-3"}
    return [
        {
            "type": ["dpv:DataSubjectRight", f"eu-gdpr:{article}"],
            "dpv:isExercisedAt": metadata.origin + where[language],
        }
        for article, where in RIGHTS.items()
        if article != "A21" or (may_object and metadata.version >= THIRD)
    ]


def controller(told: Mapping[str, Any], metadata: ReceiptMetadata) -> Node:
    """Name the controller by an identifier (8.4.2), and the contact as schema.org does (8.4.4)."""
    node: Node = {
        "type": "dpv:DataController",
        "dpv:hasName": told["name"],
        "dpv:hasAddress": told["address"],
        "dpv:hasContact": told["contact"],
    }
    if metadata.version == 1:
        return node
    number = metadata.origin + CONTROLLER
    return {
        "id": number,
        "type": "dpv:DataController",
        "dpv:hasIdentifier": number,
        **node,
        "schema:contactPoint": {"type": "schema:ContactPoint", "schema:email": told["contact"]},
        "schema:address": {"type": "schema:PostalAddress", "schema:streetAddress": told["address"]},
        **({"dct:identifier": told["tax_number"]} if told.get("tax_number") else {}),
    }


def process(notice: Mapping[str, Any], metadata: ReceiptMetadata, purpose: str) -> Node:
    """Say what is done for the purpose, with which data, where, by whom, kept for how long (8.3).

    Processors work for the controller: they receive what it does (GDPR Art. 4(9)).
    """
    shown: Node = next((it for it in notice.get("purposes", ()) if it["id"] == purpose), {})
    controller = {"id": metadata.origin + CONTROLLER}
    node: Node = {
        "type": "dpv:Process",
        "dct:title": shown.get("name", purpose),
        "dpv:hasPurpose": f"dpv:{shown.get('dpv', 'Purpose')}",
    }
    if "services" not in notice:  # No notice tells who receives what, and where.
        storage = _storage([], metadata.kept_for)
        return node | {"dpv:hasDataController": controller, "dpv:hasStorageCondition": storage}
    services = [entry for entry in notice["services"] if entry["purpose"] == purpose]
    data = [f"pd:{term}" for term in shown.get("personal_data", ())]
    third_parties = [
        {"type": "dpv:ThirdParty", "dpv:hasName": vendor}
        for vendor in sorted(_others(services, metadata))
    ]
    lifetimes = sorted({cookie["lifetime"] for entry in services for cookie in entry["cookies"]})
    if metadata.version == 1:
        rows = {
            "dpv:hasPersonalData": data,
            "dpv:hasRecipient": third_parties,
            "dpv:hasStorageCondition": lifetimes and _conditions(lifetimes, ["dpv:WithinDevice"]),
        }
        return node | {name: row for name, row in rows.items() if row}
    operations = ["dpv:Collect", "dpv:Use"]
    operations += ["dpv:Store"] if lifetimes else []
    operations += ["dpv:Share"] if third_parties else []
    processors = notice["controller"].get("processors", ())
    # Where no service does anything for the purpose, only the controller's own site does.
    ours = set() if services else {"loc:PT"}
    countries = sorted(ours | {f"loc:{party['country']}" for party in (*services, *processors)})
    recipients = third_parties + [
        {"type": "dpv:DataProcessor", "dpv:hasName": processor["name"]} for processor in processors
    ]
    return {
        "dpv:hasPersonalData": data or ["dpv:PersonalData"],  # where the registry says no more
        **node,
        "dpv:hasRecipient": recipients or [controller],  # where nobody else is one
        "dpv:hasDataController": controller,
        "dpv:hasProcessing": operations,
        "dpv:hasDataSource": "dpv:DataSubjectDataSource",
        "dpv:hasStorageCondition": _storage(lifetimes, metadata.kept_for),
        # There, and nowhere else.
        "dpv:hasProcessingCondition": _in("dpv:ProcessingLocation", countries),
        "dpv:hasRule": _in("dpv:Permission", countries),
    }


def _others(services: Sequence[Mapping[str, Any]], metadata: ReceiptMetadata) -> set[str]:
    """Return who else receives something: who is one to the privacy page as well."""
    if metadata.version < THIRD:
        return {entry["vendor"] for entry in services if entry["hosts"]}
    return {entry.vendor for entry in services_shown(services) if not entry.is_ours}


def _in(kind: str, countries: list[str]) -> Node:
    return {"type": kind, "dpv:hasLocation": countries}


def _storage(lifetimes: list[str], kept_for: str) -> list[Node]:
    """Say how long cookies stay on the device, and the record with the controller (8.3.4.2)."""
    until_closed = {"type": "dpv:UntilEventDuration", "rdf:value": "the browser is closed"}
    durations = [until_closed if lifetime == "session" else lifetime for lifetime in lifetimes]
    places = ["dpv:RemoteLocation", *(["tech:Device"] if lifetimes else [])]
    return _conditions([kept_for, *durations], places)


def _conditions(durations: Sequence[str | Node], places: list[str]) -> list[Node]:
    return [
        *({"type": "dpv:StorageDuration", "dpv:hasDuration": duration} for duration in durations),
        *({"type": "dpv:StorageLocation", "dpv:hasLocation": place} for place in places),
    ]
