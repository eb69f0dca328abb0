"""The headings of a text, each with an address of its own.

An id is made of the heading's words, so that a link to it outlives a heading put in before it, and
begins with `text-`, so that it is never an id of the page around the text.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from markdown_it.token import Token


@dataclass(frozen=True)
class Heading:
    id: str
    words: str


def mark(tokens: list[Token]) -> tuple[Heading, ...]:
    """Give each second-level heading its id, in place, and return them in their order."""
    found: list[Heading] = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag == "h2":
            words = words_of(inline)
            heading = Heading(_free_id(words, found), " ".join(words.split()))
            opening.attrSet("id", heading.id)
            found.append(heading)
    return tuple(found)


def words_of(inline: Token) -> str:
    return "".join(part.content or " " for part in inline.children or ())


def _free_id(words: str, taken: list[Heading]) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    wanted = f"text-{'-'.join(re.findall('[a-z0-9]+', plain)) or 'part'}"
    ids = {heading.id for heading in taken}
    free = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 2))]
    return next(id_ for id_ in free if id_ not in ids)
