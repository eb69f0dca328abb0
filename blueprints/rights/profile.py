"""What a record says besides, so that it may claim DPV's profile of ISO/IEC TS 27560 for the GDPR.

The numbers are sections of DPV's guide "consent-27560". Receipts of the first version lack these
rows, and go on to be checked as they were written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.consent.choices import TELL_OF_ACCEPTANCE
from blueprints.rights.context import Node

Services = Sequence[Mapping[str, Any]]

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


def is_consent(fields: Mapping[str, Any], assumed: Sequence[str]) -> bool:
    """Whether it is about a consent, given, refused or withdrawn, and not an assumption alone."""
    told = {key for key, status in fields["statuses"].items() if status in TELL_OF_ACCEPTANCE}
    return bool(fields["is_consent"] and (not assumed or told.difference(assumed)))


def completed(
    record: Node, notice: Mapping[str, Any], language: str, origin: str, *, may_object: bool
) -> Node:
    """Add the rows of the record itself: language, controller, rights.

    One may object (Art. 21) to what is kept in a legitimate interest, as the privacy page says: a
    refusal, and what was assumed.
    """
    rights = [
        {
            "type": ["dpv:DataSubjectRight", f"eu-gdpr:{article}"],
            "dpv:isExercisedAt": origin + where[language],
        }
        for article, where in RIGHTS.items()
        if article != "A21" or may_object
    ]
    whole = record | {
        "dct:language": LANGUAGE_TAGS[language],
        "dpv:hasDataController": _controller(notice["controller"], origin),
        "dpv:hasRight": rights,
    }
    if "dpv:hasNotice" not in whole:  # Where no notice was shown, a row of the profile is missing.
        del whole["dct:conformsTo"]
    return whole


def _controller(told: Mapping[str, Any], origin: str) -> Node:
    """Name the controller by an identifier (8.4.2), and the contact as schema.org does (8.4.4)."""
    contact = {"type": "schema:ContactPoint", "schema:email": told["contact"]}
    address = {"type": "schema:PostalAddress", "schema:streetAddress": told["address"]}
    node: Node = {
        "id": origin + CONTROLLER,
        "type": "dpv:DataController",
        "dpv:hasIdentifier": origin + CONTROLLER,
        "dpv:hasName": told["name"],
        "dpv:hasAddress": told["address"],
        "dpv:hasContact": told["contact"],
        "schema:contactPoint": contact,
        "schema:address": address,
    }
    return node | ({"dct:identifier": told["tax_number"]} if told.get("tax_number") else {})


def known_of_any(kept_for: str, origin: str) -> Node:
    """Say what is so of a process of which no notice tells who receives what, and where."""
    return {
        "dpv:hasDataController": {"id": origin + CONTROLLER},
        "dpv:hasStorageCondition": _storage((), kept_for),
    }


def process_completed(
    process: Node, services: Services, processors: Services, kept_for: str, origin: str
) -> Node:
    """Add what is done with which data, where, who receives it, and how long it stays (8.3).

    `processors` work for the controller: they receive what it does (GDPR Art. 4(9)).
    """
    controller = {"id": origin + CONTROLLER}
    operations = ["dpv:Collect", "dpv:Use"]
    if any(service["cookies"] for service in services):
        operations.append("dpv:Store")
    if "dpv:hasRecipient" in process:
        operations.append("dpv:Share")
    # Where no service does anything for the purpose, only the controller's own site does.
    ours = {"loc:PT"} if not services else set()
    countries = sorted(ours | {f"loc:{party['country']}" for party in (*services, *processors)})
    recipients = process.get("dpv:hasRecipient", []) + [
        {"type": "dpv:DataProcessor", "dpv:hasName": processor["name"]} for processor in processors
    ]
    return {
        "dpv:hasPersonalData": ["dpv:PersonalData"],  # where the registry says no more of it
        **process,
        "dpv:hasRecipient": recipients or [controller],  # where nobody else is one
        "dpv:hasDataController": controller,
        "dpv:hasProcessing": operations,
        "dpv:hasDataSource": "dpv:DataSubjectDataSource",
        "dpv:hasStorageCondition": _storage(services, kept_for),
        # There, and nowhere else.
        "dpv:hasProcessingCondition": _in("dpv:ProcessingLocation", countries),
        "dpv:hasRule": _in("dpv:Permission", countries),
    }


def _in(kind: str, countries: list[str]) -> Node:
    return {"type": kind, "dpv:hasLocation": countries}


def _storage(services: Services, kept_for: str) -> list[Node]:
    """Say how long cookies stay on the device, and the record with the controller (8.3.4.2)."""
    lifetimes = sorted({cookie["lifetime"] for entry in services for cookie in entry["cookies"]})
    durations: list[str | Node] = [kept_for]
    for lifetime in lifetimes:
        until_closed = {"type": "dpv:UntilEventDuration", "rdf:value": "the browser is closed"}
        durations.append(until_closed if lifetime == "session" else lifetime)
    places = ["dpv:RemoteLocation"] + (["tech:Device"] if lifetimes else [])
    return [
        *({"type": "dpv:StorageDuration", "dpv:hasDuration": duration} for duration in durations),
        *({"type": "dpv:StorageLocation", "dpv:hasLocation": place} for place in places),
    ]
