"""Reads `notice.toml`, the words of the notice, or says in one sentence what is wrong with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blueprints.consent.registry_checks import LANGUAGES
from blueprints.consent.toml_file import TomlFileError, read_table

Words = Mapping[str, Mapping[str, Any]]  # language -> what each sentence is for -> the sentence

NAME = "{site}"  # where it stands, readers see the name of the site
BUTTONS = ("accept_selected", "accept_all", "reject")
# What has its words in each language; a part of the notice has some of its own.
SENTENCES: Mapping[str, tuple[str, ...]] = {
    "": (
        *("heading", "introduction", "question", "withdrawal", "privacy", "details"),
        *("change_settings", *BUTTONS, "withdraw"),
    ),
    "settings": BUTTONS,
    "assumption": ("opt_in", "implied"),
}


def read_notice(file: Path, site_name: str) -> Words:
    """Read and check the words, and put the name of the site where it belongs.

    Raises:
        TomlFileError: naming what lacks its words, or nobody shows.

    """
    table = read_table(file)
    if set(table) != set(LANGUAGES):
        raise TomlFileError(f"it needs the languages {' and '.join(LANGUAGES)}, and no other")
    for language, words in table.items():
        for part, names in SENTENCES.items():
            of_part = words.get(part) if part and isinstance(words, dict) else words
            where = f"[{language}.{part}]" if part else f"[{language}]"
            _check(of_part, names, where, parts=() if part else tuple(SENTENCES)[1:])
    filled: Words = _with_name(table, site_name)
    return filled


def _with_name(value: Any, site_name: str) -> Any:  # noqa: ANN401 - from a file, any shape
    if isinstance(value, dict):
        return {key: _with_name(inner, site_name) for key, inner in value.items()}
    return value.replace(NAME, site_name) if isinstance(value, str) else value


def _check(words: Any, names: tuple[str, ...], where: str, parts: tuple[str, ...]) -> None:  # noqa: ANN401 - from a file, any shape
    if not isinstance(words, dict):
        raise TomlFileError(f"{where} is missing")
    for name in names:
        if not isinstance(words.get(name), str) or not words[name].strip():
            raise TomlFileError(f"{where} lacks the words of {name!r}")
        if "{" in words[name].replace(NAME, ""):
            raise TomlFileError(f"{where} has another brace than that of {NAME} in {name!r}")
    for name in words:
        if name not in names + parts:
            raise TomlFileError(f"{where} has the unknown key {name!r}")
