"""`flask translations`: the catalogue says what the pages say, and only what changed is changed.

Babel's own command rewrites the whole file, and guesses for a new sentence the words of one that
looks like it. Here a new sentence waits, empty, for somebody's words; one that no page has any more
goes; every other one stays as it is.
"""

from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

TEMPLATES = Path(__file__).parents[2] / "templates"
TRANSLATIONS = Path(__file__).parent / "translations"
METHODS = [("**.html", "jinja2"), ("**.txt", "jinja2")]
SETTINGS = {"**": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
COLUMNS = 100

Sentence = str | tuple[str, ...]  # or its singular and its plural


@click.command("translations")
def translations() -> None:
    """Take the pages' new sentences into the catalogues, drop old ones, and compile them."""
    sentences = sentences_of(TEMPLATES)
    for file in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        for sentence in renew(file, sentences):
            click.echo(f"{file.parts[-3]}: no words yet for: {sentence}")


def sentences_of(templates: Path) -> set[Sentence]:
    """Return what the templates of a folder have translated."""
    found = extract_from_dir(templates, METHODS, SETTINGS)
    return {tuple(words) if isinstance(words, tuple) else words for _f, _l, words, *_ in found}


def renew(file: Path, sentences: set[Sentence]) -> list[str]:
    """Bring a catalogue and its compiled file up to date; return what waits for its words."""
    language = file.parts[-3]
    with file.open("rb") as old:
        catalogue = read_po(old, locale=language)
    for message in list(catalogue):
        if message.id and message.id not in sentences:
            del catalogue[message.id]
    for sentence in sentences:
        if sentence not in catalogue:
            catalogue.add(sentence)
    with file.open("wb") as new:
        write_po(new, catalogue, width=COLUMNS, sort_output=True, no_location=True)
    with file.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, catalogue)
    return sorted(_waiting(catalogue))


def _waiting(catalogue: Catalog) -> Iterator[str]:
    for message in catalogue:
        one, *_many = [message.id] if isinstance(message.id, str) else message.id
        words = message.string if isinstance(message.string, list | tuple) else [message.string]
        if one and not all(words):
            yield one
