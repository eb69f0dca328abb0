"""The consent receipt: a visitor's own copy of a consent record, which anybody can check.

JSON-LD after ISO/IEC TS 27560:2023, in the terms of W3C DPV 2.3 (guide "consent-27560": a receipt
gathers one consent record per purpose, example 45). Its context is complete, so that reading it
needs no network. What the vocabularies have no word for stands under this site's own address, where
a page explains each of them.

A receipt is a function of what it carries itself: the fields that the record's digest is over and
the notice that they name. `receipt_check` writes it again from these and so finds any change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from blueprints.consent.choices import ACCEPTED, Status
from blueprints.consent.digest import sha256_of
from blueprints.consent.notices import services_shown
from blueprints.rights import profile
from blueprints.rights.context import Node, context
from blueprints.rights.profile import LANGUAGE_TAGS

PROFILE = "https://w3id.org/dpv/schema/dpv-27560#"
VERSION = 3  # of a receipt; those of the first do not say which they are of
THIRD = 3  # since which it tells what was only assumed, and each recipient of the privacy page
STATUSES = {
    Status.GIVEN: "ConsentGiven",
    Status.REFUSED: "ConsentRefused",
    Status.WITHDRAWN: "ConsentWithdrawn",
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


@dataclass(frozen=True)
class Inclusion:
    """That the record is in the sealed log: RFC 9162, section 2.1.3."""

    index: int
    path: tuple[str, ...]
    seal: Mapping[str, Any]  # as in /consent/seals.json


def write_receipt(
    fields: Mapping[str, Any],
    notice: Mapping[str, Any],
    metadata: ReceiptMetadata,
    inclusion: Inclusion | None = None,
) -> Node:
    """Write the receipt of a record. `fields` are what its digest is over.

    `notice` is the content of the notice that was shown. Where the record names none, it has only
    the controller; that of older receipts had purposes and services as well, but not one of them.
    """
    records = [
        _record(fields, notice, metadata, purpose, status)
        for purpose, status in sorted(fields["statuses"].items())
    ]
    receipt: Node = {
        "@context": context(metadata.origin, metadata.version),
        "id": f"urn:uuid:{metadata.id}",
        "type": "dpv:ConsentReceipt",
        "dct:identifier": metadata.id,
        "dpv:hasIdentifier": metadata.id,
        "dct:conformsTo": f"{PROFILE}receipt-eu-gdpr",
        "dct:created": metadata.created_at,
        "dct:language": LANGUAGE_TAGS[fields["language"]],
        "dpv:hasRecordOfActivity": records,
        "site:decision": fields["id"],
        "site:counts": metadata.counts,
        "site:renewed": list(metadata.renewed),
        "site:policyVersion": fields["policy_version"],
        "site:consentModel": fields["model"],
        "site:isConsent": profile.is_consent(fields, metadata.assumed),
        "site:globalPrivacyControl": fields["gpc"],
        "site:noticeContent": dict(notice),
        "site:digestedFields": dict(fields),
        "site:digest": sha256_of(fields).hex(),
        "site:salt": fields["salt"],
        "site:heads": f"{metadata.origin}/consent/seals.json",
    }
    if metadata.version > 1:
        receipt["site:version"] = metadata.version
        receipt["site:counting"] = list(metadata.counting)
        receipt["site:keptFor"] = metadata.kept_for
        if metadata.version >= THIRD:
            receipt["site:onlyAssumed"] = list(metadata.assumed)
        if not all("dct:conformsTo" in record for record in records):
            del receipt["dct:conformsTo"]
    if inclusion:
        receipt["site:inclusionProof"] = {
            "type": "site:InclusionProof",
            "site:leafIndex": inclusion.index,
            "site:treeSize": inclusion.seal["size"],
            "site:path": list(inclusion.path),
            "site:rootHash": inclusion.seal["root"],
            "site:seal": dict(inclusion.seal),
        }
    return receipt | {"site:checksum": sha256_of(receipt).hex()}


def _record(
    fields: Mapping[str, Any],
    notice: Mapping[str, Any],
    metadata: ReceiptMetadata,
    purpose: str,
    status: str,
) -> Node:
    own_id = str(uuid5(UUID(fields["id"]), purpose))
    settings = metadata.origin + profile.RIGHTS["A7-3"][fields["language"]]
    controller = notice["controller"]
    was_assumed = not fields["is_consent"] or purpose in metadata.assumed
    node: Node = {
        "id": f"urn:uuid:{own_id}",
        "type": "dpv:ConsentRecord",
        "dct:identifier": own_id,
        "dpv:hasIdentifier": own_id,
        "dct:conformsTo": f"{PROFILE}record-eu-gdpr",
        "dpv:hasDataSubject": {"type": "dpv:DataSubject", "dct:identifier": fields["subject"]},
        "dpv:hasDataController": {
            "type": "dpv:DataController",
            "dpv:hasName": controller["name"],
            "dpv:hasAddress": controller["address"],
            "dpv:hasContact": controller["contact"],
        },
        # The controller is in Portugal: its law, and its authority, the CNPD.
        "dpv:hasJurisdiction": "loc:PT",
        "dpv:hasApplicableLaw": "legal-eu:law-GDPR",
        "dpv:hasAuthority": "legal-pt:DPA-PT",
        "dpv:hasLegalBasis": "dpv:ImpliedConsent" if was_assumed else "eu-gdpr:A6-1-a",
        "dpv:hasProcess": [_process(notice, metadata, purpose)],
        "dpv:hasConsentControl": {"type": "dpv:WithdrawConsent", "dpv:isExercisedAt": settings},
        "dpv:hasRight": {"type": "eu-gdpr:A7-3"},
        "dpv:hasConsentStatus": list(_statuses(fields, metadata, purpose, status)),
    }
    if fields["notice"]:
        node["dpv:hasNotice"] = _notice(fields, notice, metadata)
    if metadata.version > 1:
        may_object = metadata.version >= THIRD and (was_assumed or status == Status.REFUSED)
        return profile.completed(
            node, notice, fields["language"], metadata.origin, may_object=may_object
        )
    return node


def _notice(
    fields: Mapping[str, Any], notice: Mapping[str, Any], metadata: ReceiptMetadata
) -> Node:
    digest = fields["notice"]
    return {
        "id": f"{metadata.origin}/cookies/notices/{digest}",
        "type": "dpv:ConsentNotice",
        "dct:identifier": digest,
        "dct:language": LANGUAGE_TAGS[notice["language"]],
        "site:sha256": digest,
    }


def _process(notice: Mapping[str, Any], metadata: ReceiptMetadata, purpose: str) -> Node:
    """Say what is done for the purpose, with which data, by whom, kept for how long."""
    shown: Node = next((it for it in notice.get("purposes", ()) if it["id"] == purpose), {})
    process: Node = {
        "type": "dpv:Process",
        "dct:title": shown.get("name", purpose),
        "dpv:hasPurpose": f"dpv:{shown.get('dpv', 'Purpose')}",
    }
    if "services" not in notice:
        return process | profile.known_of_any(metadata.kept_for, metadata.origin)
    services = [entry for entry in notice["services"] if entry["purpose"] == purpose]
    if data := shown.get("personal_data"):
        process["dpv:hasPersonalData"] = [f"pd:{term}" for term in data]
    if others := sorted(_others(services, metadata)):
        process["dpv:hasRecipient"] = [
            {"type": "dpv:ThirdParty", "dpv:hasName": vendor} for vendor in others
        ]
    if metadata.version > 1:
        processors = notice["controller"].get("processors", ())
        return profile.process_completed(
            process, services, processors, metadata.kept_for, metadata.origin
        )
    if lifetimes := sorted({c["lifetime"] for entry in services for c in entry["cookies"]}):
        process["dpv:hasStorageCondition"] = [
            *({"type": "dpv:StorageDuration", "dpv:hasDuration": item} for item in lifetimes),
            {"type": "dpv:StorageLocation", "dpv:hasLocation": "dpv:WithinDevice"},
        ]
    return process


def _others(services: profile.Services, metadata: ReceiptMetadata) -> set[str]:
    """Return who else receives something: who is one to the privacy page as well."""
    if metadata.version < THIRD:
        return {entry["vendor"] for entry in services if entry["hosts"]}
    return {entry.vendor for entry in services_shown(services) if not entry.is_ours}


def _statuses(
    fields: Mapping[str, Any], metadata: ReceiptMetadata, purpose: str, status: str
) -> Iterator[Node]:
    """State what was indicated. What was only assumed is never called given (GDPR Recital 32).

    Nor is who objects to it said to withdraw: they have refused what they had never given.
    """
    given = status == Status.GIVEN and fields["is_consent"]
    # Before there was `assumed`, continued use was recorded as given.
    is_said = status in STATUSES and (fields["is_consent"] or status not in ACCEPTED)
    term = STATUSES[Status(status)] if is_said else "ConsentUnknown"
    if purpose in metadata.assumed:
        term = STATUSES[Status.REFUSED]
    yield {
        "type": "dpv:RenewedConsentGiven"
        if given and purpose in metadata.renewed
        else f"dpv:{term}",
        "dpv:isIndicatedAtTime": fields["decided_at"],
        "dpv:isIndicatedBy": "dpv:DataSubject" if is_said else "dpv:DataController",
        "dpv:hasIndicationMethod": fields["method"],
        "dpv:hasDuration": {
            "type": "dpv:TemporalDuration",
            "rdf:value": validity(
                datetime.fromisoformat(fields["decided_at"]),
                datetime.fromisoformat(fields["expires_at"]),
            ),
        },
    }
    counts = purpose in metadata.counting if metadata.version > 1 else metadata.counts
    if given and not counts:
        yield {
            "type": "dpv:ConsentExpired",
            "dpv:isIndicatedAtTime": min(fields["expires_at"], metadata.created_at),
            "dpv:isIndicatedBy": "dpv:DataController",
        }


def validity(since: datetime, until: datetime) -> str:
    """Return the time between as ISO 8601: calendar months, as choices are made to last."""
    return f"P{(until.year - since.year) * 12 + until.month - since.month}M"
