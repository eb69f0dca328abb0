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
from blueprints.rights import profile
from blueprints.rights.context import Node, context
from blueprints.rights.profile import LANGUAGE_TAGS, THIRD, ReceiptMetadata

PROFILE = "https://w3id.org/dpv/schema/dpv-27560#"
STATUSES = {
    Status.GIVEN: "ConsentGiven",
    Status.REFUSED: "ConsentRefused",
    Status.WITHDRAWN: "ConsentWithdrawn",
}


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
    records = [_record(fields, notice, metadata, purpose) for purpose in sorted(fields["statuses"])]
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
    fields: Mapping[str, Any], notice: Mapping[str, Any], metadata: ReceiptMetadata, purpose: str
) -> Node:
    own_id = str(uuid5(UUID(fields["id"]), purpose))
    origin, language, digest = metadata.origin, fields["language"], fields["notice"]
    was_assumed = not fields["is_consent"] or purpose in metadata.assumed
    may_object = was_assumed or fields["statuses"][purpose] == Status.REFUSED
    settings = origin + profile.RIGHTS["A7-3"][language]
    node: Node = {
        "id": f"urn:uuid:{own_id}",
        "type": "dpv:ConsentRecord",
        "dct:identifier": own_id,
        "dpv:hasIdentifier": own_id,
        "dct:conformsTo": f"{PROFILE}record-eu-gdpr",
        "dpv:hasDataSubject": {"type": "dpv:DataSubject", "dct:identifier": fields["subject"]},
        "dpv:hasDataController": profile.controller(notice["controller"], metadata),
        # The controller is in Portugal: its law, and its authority, the CNPD.
        "dpv:hasJurisdiction": "loc:PT",
        "dpv:hasApplicableLaw": "legal-eu:law-GDPR",
        "dpv:hasAuthority": "legal-pt:DPA-PT",
        "dpv:hasLegalBasis": "dpv:ImpliedConsent" if was_assumed else "eu-gdpr:A6-1-a",
        "dpv:hasProcess": [profile.process(notice, metadata, purpose)],
        "dpv:hasConsentControl": {"type": "dpv:WithdrawConsent", "dpv:isExercisedAt": settings},
        "dpv:hasRight": profile.rights(language, metadata, may_object=may_object),
        "dpv:hasConsentStatus": list(_statuses(fields, metadata, purpose)),
    }
    if digest:
        node["dpv:hasNotice"] = {
            "id": f"{origin}/cookies/notices/{digest}",
            "type": "dpv:ConsentNotice",
            "dct:identifier": digest,
            "dct:language": LANGUAGE_TAGS[notice["language"]],
            "site:sha256": digest,
        }
    if metadata.version > 1:
        node["dct:language"] = LANGUAGE_TAGS[language]
        if not digest:  # Where no notice was shown, a row of the profile is missing.
            del node["dct:conformsTo"]
    return node


def _statuses(fields: Mapping[str, Any], metadata: ReceiptMetadata, purpose: str) -> Iterator[Node]:
    """State what was indicated. What was only assumed is never called given (GDPR Recital 32).

    Nor is who objects to it said to withdraw: they have refused what they had never given.
    """
    status = fields["statuses"][purpose]
    given = status == Status.GIVEN and fields["is_consent"]
    # Before there was `assumed`, continued use was recorded as given.
    is_said = status in STATUSES and (fields["is_consent"] or status not in ACCEPTED)
    term = STATUSES[Status(status)] if is_said else "ConsentUnknown"
    if purpose in metadata.assumed:
        term = STATUSES[Status.REFUSED]
    elif given and purpose in metadata.renewed:
        term = "RenewedConsentGiven"
    times = (datetime.fromisoformat(fields[name]) for name in ("decided_at", "expires_at"))
    yield {
        "type": f"dpv:{term}",
        "dpv:isIndicatedAtTime": fields["decided_at"],
        "dpv:isIndicatedBy": "dpv:DataSubject" if is_said else "dpv:DataController",
        "dpv:hasIndicationMethod": fields["method"],
        "dpv:hasDuration": {"type": "dpv:TemporalDuration", "rdf:value": validity(*times)},
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
