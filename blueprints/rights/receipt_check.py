"""Checks a consent receipt from what stands in it, without looking its visitor up.

The receipt is written again from the fields and the notice that it carries, and must come out the
same to the last character; their digests must fit; the proof must lead from the record's digest to
the root of a seal, and the seal to its head.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from blueprints.consent.choices import ACCEPTED, Status
from blueprints.consent.digest import canonical, sha256_of, utc_text
from blueprints.proof import merkle
from blueprints.rights.context import ABOUT, Node
from blueprints.rights.profile import VERSION, ReceiptMetadata
from blueprints.rights.receipt import Inclusion, write_receipt

MAX_BYTES = 1024 * 1024
LARGEST = 2**31 - 1  # number of a seal
PERIOD = re.compile(r"P(\d{1,4}Y)?\d{1,4}M")
MARKS = {"site:digestedFields", "site:digest", "site:inclusionProof"}


class NotAReceiptError(Exception):
    """The file is no receipt at all; the message is one sentence."""


class AlteredError(Exception):
    """It is not as it was given out; the message is one sentence."""


def read_receipt(text: bytes) -> Node:
    """Read a file that should be a receipt.

    Raises:
        NotAReceiptError: saying what it is instead.

    """
    if len(text) > MAX_BYTES:
        raise NotAReceiptError("The file is larger than any receipt.")
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise NotAReceiptError("The file is not JSON, so it is no receipt.") from None
    if not isinstance(found, dict) or not MARKS & found.keys():
        raise NotAReceiptError("The file is JSON, but no consent receipt.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> Node:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAReceiptError("The file has a key twice, so it says two things.")
    return found


def check(receipt: Node) -> tuple[UUID, bytes, Mapping[str, Any] | None]:
    """Return the number of the record, its digest and the seal that the proof leads to, if any.

    Raises:
        AlteredError: saying what does not fit.

    """
    try:
        return _checked(receipt)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
        raise AlteredError("A part of it is missing or is not what this site writes.") from None


def _checked(receipt: Node) -> tuple[UUID, bytes, Mapping[str, Any] | None]:
    fields, notice = receipt["site:digestedFields"], receipt["site:noticeContent"]
    digest = sha256_of(fields)
    if digest.hex() != receipt["site:digest"]:
        raise AlteredError("The digest does not fit the fields that it is over.")
    if fields["notice"] and sha256_of(notice).hex() != fields["notice"]:
        raise AlteredError("The notice is not the one that the record names.")
    inclusion, proof = None, receipt.get("site:inclusionProof")
    if proof is not None:
        leads_by = tuple(proof["site:path"])
        inclusion = Inclusion(proof["site:leafIndex"], leads_by, proof["site:seal"])
    written = write_receipt(fields, notice, _metadata(receipt), inclusion)
    if canonical(written) != canonical(receipt):
        raise AlteredError("The receipt says something else than the record that it carries.")
    record = UUID(receipt["site:decision"])
    if inclusion is None:
        return record, digest, None
    seal = dict(inclusion.seal)
    _refuse_wrong_kinds(inclusion.index, seal)
    if sha256_of({key: seal[key] for key in seal.keys() - {"head"}}).hex() != seal["head"]:
        raise AlteredError("The head does not fit the seal.")
    path = [bytes.fromhex(step) for step in inclusion.path]
    if not merkle.is_in(digest, inclusion.index, seal["size"], path, bytes.fromhex(seal["root"])):
        raise AlteredError("The proof does not lead from the digest to the root of the seal.")
    return record, digest, seal


def _refuse_wrong_kinds(index: object, seal: Node) -> None:
    """Refuse what no seal holds, before the log is asked for it or anybody told of it.

    Raises:
        AlteredError: a number is none or fits no column, or the time is not written so.

    """
    numbers = (index, seal["number"], seal["first"], seal["size"])
    if any(type(number) is not int for number in numbers) or not 0 < seal["number"] <= LARGEST:
        raise AlteredError("The seal has a number that no seal has.")
    if seal["sealed_at"] != utc_text(datetime.fromisoformat(seal["sealed_at"])):
        raise AlteredError("The seal has a time that no seal has.")


def _metadata(receipt: Node) -> ReceiptMetadata:
    namespace = receipt["@context"]["site"]
    origin = namespace.removesuffix(f"{ABOUT}#")
    parts = urlsplit(origin)
    if f"{parts.scheme}://{parts.netloc}{ABOUT}#" != namespace:
        raise AlteredError("Its own terms do not stand under the address of a site.")
    statuses, counts = receipt["site:digestedFields"]["statuses"], receipt["site:counts"]

    def only(listed: Iterable[str], *those: Status) -> tuple[str, ...]:
        """Take those purposes alone that can stand in such a list, in its order."""
        possible = {purpose for purpose, status in statuses.items() if status in those}
        return tuple(sorted(possible.intersection(listed)))

    if type(counts) is not bool:
        raise AlteredError("It does not say whether the choice still counted.")
    version = receipt.get("site:version", 1)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise AlteredError("It is of a version that this site does not know.")
    kept_for = receipt.get("site:keptFor", "")
    if version > 1 and not PERIOD.fullmatch(kept_for):
        raise AlteredError("It does not say how long the record is kept.")
    return ReceiptMetadata(
        id=str(UUID(receipt["dct:identifier"])),
        created_at=utc_text(datetime.fromisoformat(receipt["dct:created"])),
        origin=origin,
        counts=counts,
        renewed=only(receipt["site:renewed"], Status.GIVEN),
        # What was only assumed counts as well, while it does, and is never given.
        counting=only(receipt.get("site:counting", ()), *ACCEPTED),
        assumed=only(receipt.get("site:onlyAssumed", ()), Status.WITHDRAWN),
        kept_for=kept_for,
        version=version,
    )
