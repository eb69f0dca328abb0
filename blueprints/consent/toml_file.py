"""Reads a TOML file of this room, or says in one sentence what no text may hold, and where."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Among them what Unicode keeps for none: 32 in the first plane, and the last two of each.
PLANES = "".join(
    f"{chr(plane)}-{chr(plane + 0xFFFD)}" for plane in range(0x10000, 0x110000, 0x10000)
)
CONTROL = re.compile(rf"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd{PLANES}]")
ESCAPED = re.compile(
    r"\\([befrx]|u00[01789]|u(fff[ef]|d[89a-f]|fd[de])|U0000|U00[01][0-9a-f]fff[ef])",
    re.IGNORECASE,
)


class TomlFileError(ValueError):
    """The file cannot be used; the message is one sentence."""


def read_table(file: Path) -> dict[str, Any]:
    """Read the file; a byte order mark at its beginning is left out.

    Raises:
        TomlFileError: it is not there or no TOML, or a text in it has a control character.

    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # no TOML, or a number without end
        raise TomlFileError(f"it cannot be read: {error}") from None
    if any(CONTROL.search(words) for words in _texts(table)):
        lines = [CONTROL.search(line) or ESCAPED.search(line) for line in text.split("\n")]
        number = next(number for number, found in enumerate(lines, start=1) if found)
        raise TomlFileError(f"line {number} has a control character")
    return table


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - from a file, any shape
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
