"""Markdown to HTML: CommonMark with tables, footnotes and strikethrough, and two things of our own.

Each block of the text but the headings gets an id (`p1`, `p2`, ...), a place to come back to. An
image whose address is `embed:<service>/<id>`, alone in its paragraph, stands for a service that the
cookie registry declares; it has a page of its own, so it is left out of the HTML. Any other image,
alone in its paragraph too, is a picture from the folder beside the texts. HTML is refused: it could
bring in others unasked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from blueprints.article.broken import BrokenPartError
from blueprints.article.headings import Heading, mark
from blueprints.article.pictures import Picture, Pictures
from blueprints.article.tables import TABLE_CLOSE, label_cells, table_open

EMBED = re.compile(r"embed:([a-z][a-z0-9_-]*)/([A-Za-z0-9_.,-]+)")
BLOCKS_WITH_A_PLACE = {"paragraph_open", "blockquote_open", "bullet_list_open", "ordered_list_open"}
DEEP_HEADINGS = {"h4", "h5", "h6"}
HTML = {"html_block", "html_inline"}
BREAKS = {"softbreak", "hardbreak"}
# As printed in Portugal. The English text is its author's, quotation marks and dashes included.
QUOTATION_MARKS = {"pt": "«»“”"}
BACK_TO_THE_TEXT = {"en": "Back to the text", "pt": "Voltar ao texto"}
NOTES_OPEN, NOTES_CLOSE = '<div class="notes" role="doc-endnotes">\n<ol>\n', "</ol>\n</div>\n"
BETWEEN_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}\b)")


@dataclass(frozen=True, eq=False)  # The same film twice is two of them.
class Embed:
    service: str
    id: str
    title: str
    line: int  # of the file


Part = str | Embed | Picture


@dataclass(frozen=True)
class Text:
    parts: tuple[Part, ...]  # HTML, and what stands between
    headings: tuple[Heading, ...]
    problems: tuple[str, ...]  # each begins with the line


def render(text: str, language: str, pictures: Pictures, first_line: int = 1) -> Text:
    """Render a text whose first line is that line of its file."""
    markdown = _markdown(language)
    env: dict[str, Any] = {"back": BACK_TO_THE_TEXT.get(language, "↑")}
    tokens = markdown.parse(text, env)
    headings = mark(tokens)
    label_cells(tokens)
    parts: list[Part] = []
    problems = [*_problems(tokens, first_line), *_unused_notes(env)]
    html: list[Token] = []
    block: list[Token] = []
    place = 0
    for token in tokens:
        if token.level == 0 and token.type in BLOCKS_WITH_A_PLACE:
            place += 1
            token.attrSet("id", f"p{place}")
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            if image := _image_alone(block):
                line = first_line + (block[0].map or [0])[0]
                parts.append(markdown.renderer.render(html, markdown.options, env))
                html = []
                try:
                    parts.append(_part(image, language, pictures, line))
                except BrokenPartError as error:
                    problems.append(f"line {line}: the picture {error}")
            else:
                html += block
            block = []
    parts.append(markdown.renderer.render(html, markdown.options, env))
    return Text(tuple(filter(None, parts)), headings, tuple(problems))


def typeset(words: str, language: str) -> str:
    """Return words that are no Markdown, such as a title, with the same marks as in the text."""
    if language not in QUOTATION_MARKS:
        return words
    (inline,) = _markdown(language, "zero").parseInline(words)
    return "".join(child.content for child in inline.children or ())


def _markdown(language: str, syntax: str = "commonmark") -> MarkdownIt:
    markdown = MarkdownIt(syntax)
    if quotes := QUOTATION_MARKS.get(language):
        markdown.options["typographer"] = True
        markdown.options["quotes"] = quotes
        markdown.enable(["replacements", "smartquotes"])
        markdown.core.ruler.push("thousands", _keep_numbers_together)
    if syntax == "commonmark":
        markdown.enable(["table", "strikethrough"])
        markdown.add_render_rule("table_open", table_open)
        markdown.add_render_rule("table_close", lambda *_: TABLE_CLOSE)
        markdown.use(footnote_plugin, always_match_refs=True)
        markdown.add_render_rule("footnote_ref", _note_number)
        markdown.add_render_rule("footnote_block_open", lambda *_: NOTES_OPEN)
        markdown.add_render_rule("footnote_block_close", lambda *_: NOTES_CLOSE)
        markdown.add_render_rule("footnote_anchor", _back_to_the_text)
    return markdown


def _keep_numbers_together(state: StateCore) -> None:
    for token in state.tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = BETWEEN_THOUSANDS.sub("\u00a0", child.content)


# The roles of DPUB-ARIA say in each reader's own language what these are, without words of ours; an
# arrow is no name for a link, though.
def _note_number(_renderer: object, tokens: list[Token], at: int, *_: object) -> str:
    note, place = _note_ids(tokens[at])
    number = tokens[at].meta["id"] + 1
    return f'<sup><a href="#{note}" id="{place}" role="doc-noteref">{number}</a></sup>'


def _back_to_the_text(
    _renderer: object, tokens: list[Token], at: int, _options: object, env: dict[str, Any]
) -> str:
    meta = tokens[at].meta
    is_used_again = env["footnotes"]["list"][meta["id"]].get("count", 1) > 1
    name = env["back"] + (f" ({meta['subId'] + 1})" if is_used_again else "")
    place = _note_ids(tokens[at])[1]
    return f' <a href="#{place}" role="doc-backlink" aria-label="{name}">↑</a>'


def _note_ids(token: Token) -> tuple[str, str]:
    """Return the id of a note, and that of the place in the text which refers to it."""
    number = token.meta["id"] + 1
    again = token.meta.get("subId", 0)
    return f"fn{number}", f"fnref{number}" + (f"-{again + 1}" if again else "")


def _problems(tokens: list[Token], first_line: int) -> Iterator[str]:
    missing_notes = {
        opening.meta["id"]
        for opening, inner in pairwise(tokens)
        if (opening.type, inner.type) == ("footnote_open", "footnote_anchor")
    }
    for before, token in pairwise((Token("", "", 0), *tokens)):
        line = first_line + (token.map or [0])[0]
        children = token.children or ()
        stands_alone = before.type == "paragraph_open" and token.level == len(children) == 1
        if token.type == "heading_open" and token.tag == "h1":
            yield f"line {line} is a heading of the first level, which is the title; use ## here"
        if token.type == "heading_open" and token.tag in DEEP_HEADINGS:
            yield f"line {line} is a heading deeper than ###; use ## or ### here"
        if token.type in HTML:
            yield _html_is_refused(line, token)
        for child in children:
            line += child.type in BREAKS
            if child.type == "image" and not stands_alone:
                yield f"line {line} has a picture among words; give it a paragraph of its own"
            if child.type == "footnote_ref" and child.meta["id"] in missing_notes:
                note = f"[^{child.meta['label']}]"
                yield f"line {line} has {note}, but there is no line {note}: with its words"
            if child.type in HTML and not child.content.startswith("</"):
                yield _html_is_refused(line, child)


def _unused_notes(env: dict[str, Any]) -> Iterator[str]:
    for label, number in env.get("footnotes", {}).get("refs", {}).items():
        if number < 0:
            yield f"nothing in the text refers to the note [^{label.removeprefix(':')}]"


def _html_is_refused(line: int, token: Token) -> str:
    return f"line {line} has HTML, '{token.content.split()[0][:40]}'; a text is Markdown alone"


def _image_alone(block: list[Token]) -> Token | None:
    """Return the image of which the block consists, if it is a paragraph and does."""
    inline = block[1] if block[0].type == "paragraph_open" else None
    children = (inline.children if inline else None) or []
    return children[0] if [child.type for child in children] == ["image"] else None


def _part(image: Token, language: str, pictures: Pictures, line: int) -> Embed | Picture:
    address, words = str(image.attrs.get("src", "")), typeset(image.content, language)
    if match := EMBED.fullmatch(address):
        return Embed(match[1], match[2], words, line)
    name = unquote(address)
    if not words.strip():
        raise BrokenPartError(f"'{name}' needs words in its brackets that say what it shows")
    caption = typeset(str(image.attrs.get("title", "")), language)
    return Picture(pictures.make(name), words, caption or None)
