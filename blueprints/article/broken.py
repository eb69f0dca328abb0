"""What is said of a file that cannot be right: one sentence a problem, all of them at once."""

import re
import tomllib
from pathlib import Path
from typing import Any

# No text has them, and a page or feed that holds one is no HTML or XML; among them what Unicode
# keeps for none: 32 in the middle of the first plane, and the last two of each.
PLANES = "".join(
    f"{chr(plane)}-{chr(plane + 0xFFFD)}" for plane in range(0x10000, 0x110000, 0x10000)
)
CONTROL = re.compile(rf"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd{PLANES}]")

LONGEST = 500  # characters of a sentence, whatever words of a file it repeats


class BrokenArticleError(ValueError):
    """Articles are wrong; each argument is one sentence that names the file and the field."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = [on_one_line(problem) for problem in problems]

    def __str__(self) -> str:
        return "; ".join(self.problems)


class BrokenArticlesExit(SystemExit):
    """What an editor has to mend stops the start; a command ends with 1, for it found something."""


class BrokenPartError(ValueError):
    """A part of an article is wrong; each argument is one sentence, without the file's name."""


class BrokenTableError(ValueError):
    """A TOML file beside the articles is wrong; the message is one sentence."""


def read_table(file: Path) -> dict[str, Any]:
    """Read the file, or raise BrokenTableError where it is not there, or no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # no TOML, or a number without end
        raise BrokenTableError(f"it cannot be read: {error}") from None


def on_one_line(problem: str) -> str:
    """Name what cannot be seen in the words that a sentence repeats from a file, and end it."""
    if len(problem) > LONGEST:
        problem = f"{problem[:LONGEST]}…"
    return "".join(each if each.isprintable() else f"U+{ord(each):04X}" for each in problem)


def control_character(text: str) -> str | None:
    """Return the name of the first control character in the text, if it has any."""
    found = CONTROL.search(text)
    return f"U+{ord(found[0]):04X}" if found else None
