"""The JSON-LD context of a receipt: complete, so that nobody needs a network to read one."""

from typing import Any

Node = dict[str, Any]

ABOUT = "/cookies/receipt/about"  # the page that explains this site's own terms
PREFIXES = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "legal-eu": "https://w3id.org/dpv/legal/eu#",
    "legal-pt": "https://w3id.org/dpv/legal/pt#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
SINCE_VERSION_2 = {
    "tech": "https://w3id.org/dpv/tech#",
    "schema": "https://schema.org/",
    "dpv:hasProcessing": {"@type": "@id"},
    "dpv:hasDataSource": {"@type": "@id"},
}
TYPES = {
    "@id": (
        *("dpv:hasPurpose", "dpv:hasPersonalData", "dpv:hasJurisdiction", "dpv:hasApplicableLaw"),
        *("dpv:hasAuthority", "dpv:hasLegalBasis", "dpv:hasLocation", "dpv:isIndicatedBy"),
        *("dpv:isExercisedAt", "dct:conformsTo", "site:heads"),
    ),
    "xsd:dateTime": ("dpv:isIndicatedAtTime", "dct:created"),
    # Kept as it is to the last character, because a digest is computed over it.
    "@json": ("site:digestedFields", "site:noticeContent", "site:seal"),
}


def context(origin: str, version: int) -> Node:
    return {
        "@version": 1.1,
        **PREFIXES,
        "site": f"{origin}{ABOUT}#",
        "id": "@id",
        "type": "@type",
        "site:path": {"@container": "@list"},
        **{term: {"@type": kind} for kind, terms in TYPES.items() for term in terms},
        **(SINCE_VERSION_2 if version > 1 else {}),
    }
