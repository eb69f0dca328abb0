"""Markdown to HTML, with two things of our own: places and embeds.

Each block of the text but the headings gets an id (`p1`, `p2`, ...), a place to come back to. An
image whose address is `embed:<service>/<id>`, alone in its paragraph, stands for a service that the
cookie registry declares; what is shown there depends on the reader's choice, so it is left out of
the HTML.
"""

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from blueprints.article.headings import Heading, mark

EMBED = re.compile(r"embed:([a-z][a-z0-9_-]*)/([A-Za-z0-9_.-]+)")
BLOCKS_WITH_A_PLACE = {"paragraph_open", "blockquote_open", "bullet_list_open", "ordered_list_open"}


@dataclass(frozen=True)
class Embed:
    service: str
    id: str
    title: str


def render(text: str) -> tuple[tuple[str | Embed, ...], tuple[Heading, ...]]:
    """Return the HTML of the text, cut where something is embedded, and its headings."""
    markdown = MarkdownIt("commonmark")
    tokens = markdown.parse(text)
    headings = mark(tokens)
    parts: list[str | Embed] = []
    block: list[Token] = []
    place = 0
    for token in tokens:
        if token.level == 0 and token.type in BLOCKS_WITH_A_PLACE:
            place += 1
            token.attrSet("id", f"p{place}")
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            parts.append(_embed(block) or markdown.renderer.render(block, markdown.options, {}))
            block = []
    return tuple(_joined(parts)), headings


def _embed(block: list[Token]) -> Embed | None:
    inline = block[1] if len(block) == len(("open", "inline", "close")) else None
    children = (inline.children if inline else None) or []
    if len(children) != 1 or children[0].type != "image":
        return None
    match = EMBED.fullmatch(str(children[0].attrs.get("src", "")))
    return Embed(match[1], match[2], children[0].content) if match else None


def _joined(parts: list[str | Embed]) -> list[str | Embed]:
    joined: list[str | Embed] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined
