"""Heads kept elsewhere: reads a file of them, as `/consent/seals.json` gave it out."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blueprints.consent.digest import sha256_of

MAX_BYTES = 5 * 1024 * 1024  # a thousand seals are a tenth of it
HEAD = re.compile(r"[0-9a-f]{64}")
CONTENT = ("number", "first", "size", "total", "root", "previous", "sealed_at")


class HeadFileError(Exception):
    """The file holds no heads; the message is one sentence."""


def read_heads(file: Path) -> Mapping[int, str]:
    """Read seals.json, or one seal of it, into number -> head.

    Raises:
        HeadFileError: saying what is wrong with the file.

    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise HeadFileError(f"{file} is larger than any file of heads.")
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise HeadFileError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise HeadFileError(f"{file} is not JSON.") from None
    entries = found.get("seals", [found]) if isinstance(found, dict) else found
    if not isinstance(entries, list) or not entries:
        raise HeadFileError(f"{file} holds no seal.")
    heads: dict[int, str] = {}
    for number, head in (_head(entry, file) for entry in entries):
        if heads.setdefault(number, head) != head:
            raise HeadFileError(f"{file} has two heads of seal {number}.")
    return heads


def _head(entry: Any, file: Path) -> tuple[int, str]:  # noqa: ANN401 - from a file, any shape
    number, head = (entry.get("number"), entry.get("head")) if isinstance(entry, dict) else (0, "")
    if type(number) is not int or number < 1 or not HEAD.fullmatch(str(head)):
        raise HeadFileError(f"{file} holds something that is no seal with its number and head.")
    if entry.keys() >= set(CONTENT):
        try:
            computed = sha256_of({key: entry[key] for key in CONTENT}).hex()
        except (ValueError, RecursionError):
            computed = ""
        if computed != head:
            raise HeadFileError(f"{file} was altered: the head of its seal {number} does not fit.")
    return number, str(head)
