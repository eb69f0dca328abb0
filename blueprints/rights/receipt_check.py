"""Checks a consent receipt from what stands in it, without looking its visitor up.

The receipt is written again from the fields and the notice that it carries, and must come out the
same to the last character; their digests must fit; the proof must lead from the record's digest to
the root of a seal, and the seal to its head. Only that head is then looked for in the log, or in a
list of heads kept elsewhere.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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


class Answer(StrEnum):
    VALID = "valid"
    NOT_YET_SEALED = "not yet sealed"
    ALTERED = "altered"
    UNKNOWN = "unknown"

    @property
    def is_good(self) -> bool:
        return self in {Answer.VALID, Answer.NOT_YET_SEALED}


@dataclass(frozen=True)
class Verdict:
    answer: Answer
    why: str


class _AlteredError(Exception):
    pass


def read_receipt(text: bytes) -> Node:
    """Read a file that should be a receipt.

    Raises:
        NotAReceiptError: saying what it is instead.

    """
    if len(text) > MAX_BYTES:
        raise NotAReceiptError("The file is larger than any receipt.")
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except _AlteredError:
        raise NotAReceiptError("The file has a key twice, so it says two things.") from None
    except (ValueError, RecursionError):
        raise NotAReceiptError("The file is not JSON, so it is no receipt.") from None
    if not isinstance(found, dict) or not MARKS & found.keys():
        raise NotAReceiptError("The file is JSON, but no consent receipt.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> Node:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _AlteredError
    return found


def check(
    receipt: Node,
    knows_head: Callable[[int, str], bool],
    knows_digest: Callable[[bytes], bool] | None,
    seal_of: Callable[[UUID, bytes], Mapping[str, Any] | None],
) -> Verdict:
    """Check a receipt. `knows_head`, `knows_digest` and `seal_of` look into the log.

    `knows_digest` is None where there are only heads to look into. `seal_of` returns the seal that
    a record with this digest is in by now: the receipt may be older.
    """
    try:
        digest, seal = _digest_and_seal(receipt)
        record = UUID(receipt["site:decision"])
    except _AlteredError as error:
        return Verdict(Answer.ALTERED, str(error))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
        return Verdict(Answer.ALTERED, "A part of it is missing or is not what this site writes.")
    if seal is None:
        if knows_digest and not knows_digest(digest):
            return Verdict(Answer.UNKNOWN, "It is whole, but its digest is not in this log.")
        seal = seal_of(record, digest)
    if seal is None:
        # The log finds the seal of this one too; there may be no other, once its record is erased.
        again = "check it again" if knows_digest else "download it again"
        return Verdict(
            Answer.NOT_YET_SEALED,
            f"It is whole, and it was made before its record was sealed: {again} later.",
        )
    if not knows_head(seal["number"], seal["head"]):
        return Verdict(
            Answer.UNKNOWN, f"It is whole, but no seal here has the head {seal['head']}."
        )
    return Verdict(
        Answer.VALID,
        f"Its record is in seal {seal['number']} of {seal['sealed_at']}, head {seal['head']}.",
    )


def _digest_and_seal(receipt: Node) -> tuple[bytes, Mapping[str, Any] | None]:
    """Return the record's digest and the seal that the proof leads to, None if not yet sealed.

    Raises:
        _AlteredError: saying what does not fit.

    """
    fields, notice = receipt["site:digestedFields"], receipt["site:noticeContent"]
    digest = sha256_of(fields)
    if digest.hex() != receipt["site:digest"]:
        raise _AlteredError("The digest does not fit the fields that it is over.")
    if fields["notice"] and sha256_of(notice).hex() != fields["notice"]:
        raise _AlteredError("The notice is not the one that the record names.")
    inclusion = _inclusion(receipt.get("site:inclusionProof"))
    if canonical(write_receipt(fields, notice, _metadata(receipt), inclusion)) != canonical(
        receipt
    ):
        raise _AlteredError("The receipt says something else than the record that it carries.")
    if inclusion is None:
        return digest, None
    seal = dict(inclusion.seal)
    _refuse_wrong_kinds(inclusion.index, seal)
    if sha256_of({key: seal[key] for key in seal.keys() - {"head"}}).hex() != seal["head"]:
        raise _AlteredError("The head does not fit the seal.")
    path = [bytes.fromhex(step) for step in inclusion.path]
    if not merkle.is_in(digest, inclusion.index, seal["size"], path, bytes.fromhex(seal["root"])):
        raise _AlteredError("The proof does not lead from the digest to the root of the seal.")
    return digest, seal


def _refuse_wrong_kinds(index: object, seal: Node) -> None:
    """Refuse what no seal holds, before the log is asked for it or anybody told of it.

    Raises:
        _AlteredError: a number is none or fits no column, or the time is not written so.

    """
    numbers = (index, seal["number"], seal["first"], seal["size"])
    if any(type(number) is not int for number in numbers) or not 0 < seal["number"] <= LARGEST:
        raise _AlteredError("The seal has a number that no seal has.")
    if seal["sealed_at"] != utc_text(datetime.fromisoformat(seal["sealed_at"])):
        raise _AlteredError("The seal has a time that no seal has.")


def _metadata(receipt: Node) -> ReceiptMetadata:
    namespace = receipt["@context"]["site"]
    origin = namespace.removesuffix(f"{ABOUT}#")
    parts = urlsplit(origin)
    if f"{parts.scheme}://{parts.netloc}{ABOUT}#" != namespace:
        raise _AlteredError("Its own terms do not stand under the address of a site.")
    statuses, counts = receipt["site:digestedFields"]["statuses"], receipt["site:counts"]
    given = {purpose for purpose, status in statuses.items() if status == Status.GIVEN}
    renewed = sorted(given.intersection(receipt["site:renewed"]))
    # What was only assumed counts as well, while it does, and is never given.
    accepted = {purpose for purpose, status in statuses.items() if status in ACCEPTED}
    counting = sorted(accepted.intersection(receipt.get("site:counting", ())))
    withdrawn = {purpose for purpose, status in statuses.items() if status == Status.WITHDRAWN}
    assumed = sorted(withdrawn.intersection(receipt.get("site:onlyAssumed", ())))
    if type(counts) is not bool:
        raise _AlteredError("It does not say whether the choice still counted.")
    version = receipt.get("site:version", 1)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise _AlteredError("It is of a version that this site does not know.")
    kept_for = receipt.get("site:keptFor", "")
    if version > 1 and not PERIOD.fullmatch(kept_for):
        raise _AlteredError("It does not say how long the record is kept.")
    return ReceiptMetadata(
        id=str(UUID(receipt["dct:identifier"])),
        created_at=utc_text(datetime.fromisoformat(receipt["dct:created"])),
        origin=origin,
        counts=counts,
        renewed=tuple(renewed),
        counting=tuple(counting),
        assumed=tuple(assumed),
        kept_for=kept_for,
        version=version,
    )


def _inclusion(proof: Mapping[str, Any] | None) -> Inclusion | None:
    if proof is None:
        return None
    return Inclusion(proof["site:leafIndex"], tuple(proof["site:path"]), proof["site:seal"])
