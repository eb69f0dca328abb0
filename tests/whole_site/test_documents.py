"""Promises about README, which is read first, and the documents that it leads to."""

import re
from collections.abc import Iterator

import click
import pytest
from documents import (
    BLOCK,
    CHANGELOG,
    CODE,
    README,
    ROOT,
    documentation,
    documents,
    headings_of,
    links_of,
    read,
)
from flask import Flask

from app import DEFAULTS, create_app

COMMAND = re.compile(r"\bflask ((?:article|consent|db|deploy|translations)\b[^`\n&>|]*)")
PLACE = re.compile(r"<[^>]+>(\.webp)?")  # what stands for a part of an address


@pytest.fixture(scope="module")
def site() -> Flask:
    return create_app({"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": "sqlite:///"})


def commands_of(group: click.Group, *names: str) -> Iterator[tuple[str, set[str]]]:
    """Each command by its whole name, and its options."""
    for name, named in group.commands.items():
        # `flask db` is Flask-Migrate's as soon as it is called.
        command = named.make_context(name, [], resilient_parsing=True).command
        if isinstance(command, click.Group):
            yield from commands_of(command, *names, name)
        else:
            options = {option for parameter in command.params for option in parameter.opts}
            yield " ".join((*names, name)), {name for name in options if name.startswith("--")}


def options_in(words: str) -> set[str]:
    return set(re.findall(r"--[a-z-]+", words))


def test_readme_is_short_enough_to_be_read_first() -> None:
    lines = read(README).splitlines()
    assert len(lines) < 250


def test_no_line_is_longer_than_a_window_outside_of_tables_and_code() -> None:
    for document in (*documents(), CHANGELOG):
        for line in BLOCK.sub("", read(document)).splitlines():
            assert len(line) <= 120 or line.startswith("|"), f"{document}: {line}"


def test_every_document_is_reached_from_readme() -> None:
    written = {README, *ROOT.glob("tests/**/*.md"), *ROOT.glob("blueprints/*/*.md")}
    assert {*documents()} == {file for file in written if ".node" not in file.parts}


def test_every_link_leads_to_a_file_and_a_heading() -> None:
    for document in documents():
        for file, heading in links_of(document):
            assert file.is_file(), f"{document}: {file}"
            assert not heading or heading in headings_of(file), f"{document}: {file}#{heading}"


def test_every_setting_is_documented() -> None:
    rows = [line for line in read(README).splitlines() if line.startswith("| `FLASK_")]
    documented = {name for row in rows for name in re.findall(r"`FLASK_(\w+)`", row)}
    assert documented == set().union(*DEFAULTS.values())
    assert set(re.findall(r"\bFLASK_(\w+)", documentation())) <= documented


def test_every_command_is_documented_with_its_options(site: Flask) -> None:
    rows = [line for line in read(README).splitlines() if line.startswith("| `flask ")]
    cells = [cell.strip("`") for cell in CODE.findall("".join(rows))]
    for name, options in commands_of(site.cli):
        if not name.startswith("db "):  # Flask-Migrate has many that nobody needs
            (cell,) = (cell for cell in cells if f"{cell} ".startswith(f"flask {name} "))
            assert options_in(cell) == options, name


def test_what_is_said_of_a_command_is_so(site: Flask) -> None:
    known = dict(commands_of(site.cli))
    said = COMMAND.findall(documentation())
    assert said
    for words in said:
        (name,) = (name for name in known if f"{words} ".startswith(f"{name} "))
        assert options_in(words) <= known[name], words


def test_every_address_is_documented(site: Flask) -> None:
    section = read(README).partition("\n## Addresses\n")[2]
    documented = {
        PLACE.sub("<>", code.strip("`").removeprefix("POST ")) for code in CODE.findall(section)
    }
    rules = {PLACE.sub("<>", rule.rule) for rule in site.url_map.iter_rules()}
    assert {rule for rule in rules if not rule.startswith("/static/")} <= documented
