"""The tables of a text, made fit for a phone and for the policy.

On a phone a row is read as a card, in which each cell says what its column is: so every cell
carries the words of its column's head. The alignment of a column is a class, because the policy of
every page blocks a style that stands in an element.

On a desk a table stands in a box that scrolls sideways where its words do not fit. That of a table
of many columns can be reached by keyboard, and is named by their heads.
"""

from html import escape
from itertools import pairwise

from markdown_it.token import Token

from blueprints.article.headings import words_of

SIDES = {"text-align:right": "end", "text-align:center": "middle"}
MANY_COLUMNS = 6
TABLE_CLOSE = "</table>\n</div>\n"


def label_cells(tokens: list[Token]) -> None:
    heads: list[str] = []
    column = 0
    for token, inner in pairwise(tokens):
        if token.type == "table_open":
            token.meta["heads"] = heads = []
        elif token.type == "tr_open":
            column = 0
        elif token.type in {"th_open", "td_open"}:
            if side := SIDES.get(str(token.attrs.pop("style", ""))):
                token.attrSet("class", side)
            if token.type == "th_open":
                token.attrSet("scope", "col")
                heads.append(words_of(inner).strip())
            elif heads[column]:
                token.attrSet("data-label", heads[column])
            column += 1


def table_open(_renderer: object, tokens: list[Token], at: int, *_: object) -> str:
    heads = tokens[at].meta["heads"]
    name = escape(", ".join(filter(None, heads)))
    reached = f' role="group" tabindex="0" aria-label="{name}"'
    return f'<div class="sideways"{reached if len(heads) >= MANY_COLUMNS else ""}>\n<table>\n'
