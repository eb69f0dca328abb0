"""`flask consent policy`: what was shown when, and what changed between two versions."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
from flask.cli import AppGroup

from blueprints.consent.commands import BadInputError, database, utc
from blueprints.consent.notice_store import KeptNotice, all_kept
from blueprints.consent.notices import Notice
from blueprints.consent.visitor import notices
from blueprints.operator.notice_changes import consequences, substance_changes, word_changes

BEGINNING = 8  # so many digits of a notice's number are enough to name it

Versions = Mapping[str, Notice]  # language -> notice


policy = AppGroup("policy", help="Show the notices that visitors saw, and what changed in them.")


@policy.command("list")
def list_command() -> None:
    """List every notice that was kept, the newest first."""
    with database():
        kept = list(all_kept())
    in_force = notices().in_force_by_id
    known = {notice.id for notice in kept}
    for notice in in_force.values():
        if notice.id not in known:
            click.echo(_line(notice, "in force, not shown yet"))
    for entry in kept:
        now = "in force, " if entry.id in in_force and entry.fits_id else ""
        shown = "placeholder, " if entry.placeholder else ""
        click.echo(_line(entry, f"{shown}{now}kept since {utc(entry.kept_at)}"))


def _line(notice: Notice, when: str) -> str:
    return f"{notice.id}  {notice.policy_version}  {notice.language}  {notice.model}  {when}"


@policy.command("show")
@click.argument("notice")
@click.option("--json", "as_json", is_flag=True, help="The canonical JSON that the number is of.")
def show_command(notice: str, *, as_json: bool) -> None:
    """Show a NOTICE, named by its number or the first eight digits of it, word for word."""
    with database():
        found = _by_number(notice, list(all_kept()))
    if found is None:
        raise BadInputError(f"No notice has the number {notice}.")
    if as_json:
        click.echo(found.text, nl=False)
        return
    click.echo(f"Notice {found.id}")
    for line in _outline(json.loads(found.text)):
        click.echo(line)


def _outline(content: Any, depth: int = 0) -> Iterator[str]:  # noqa: ANN401 - JSON
    indent = "  " * depth
    entries = content.items() if isinstance(content, dict) else enumerate(content, start=1)
    for key, value in entries:
        if isinstance(value, (dict, list)):
            yield f"{indent}{key}:"
            yield from _outline(value, depth + 1)
        elif isinstance(value, bool):
            yield f"{indent}{key}: {'yes' if value else 'no'}"
        elif value is not None:
            yield f"{indent}{key}: {value}"


@policy.command("diff")
@click.argument("old", required=False)
@click.argument("new", required=False)
def diff_command(old: str | None, new: str | None) -> None:
    """Say what changed from OLD to NEW, and whether visitors will be asked again.

    OLD and NEW are policy versions or numbers of notices. Without NEW, it is what is in force now;
    without OLD, the last that was kept before it.
    """
    with database():
        kept = list(all_kept())
    after = _versions(new, kept) if new else notices().in_force
    before = _versions(old, kept, but_not=after) if old else _last_before(after, kept)
    if not before:
        click.echo("Nothing was kept before what is in force now.")
        return
    both = [language for language in after if language in before]
    if not both:
        raise BadInputError("The two notices are in different languages.")
    for line in _said(before, after, both):
        click.echo(line)


def _said(before: Versions, after: Versions, languages: list[str]) -> Iterator[str]:
    old, new = before[languages[0]], after[languages[0]]
    substance = substance_changes(old, new)
    yield from substance or ["Nothing of substance changed."]
    for language in languages:
        changes = word_changes(before[language], after[language])
        yield from (f"Words ({language}): {change}" for change in changes)
        if not changes:
            yield f"Words ({language}): none changed."
    if old.policy_version == new.policy_version:
        yield f"Visitors are not asked again: the policy version stays {new.policy_version}."
        return
    yield f"The policy version changes from {old.policy_version} to {new.policy_version}."
    yield from consequences(old, new)


def _versions(name: str, kept: list[KeptNotice], but_not: Versions | None = None) -> Versions:
    """Return the notice of that number, or the last ones of that policy version.

    Of the same policy version there may be other words: those are meant before the ones `but_not`.
    """
    if found := _by_number(name, kept):
        return {found.language: found}
    of_version = [
        notice
        for notice in _known(kept)
        if notice.policy_version == name and not notice.placeholder
    ]
    ids = {notice.id for notice in (but_not or {}).values()}
    # One that was altered is another one, and what was altered is told.
    others = [notice for notice in of_version if notice.id not in ids or not notice.fits_id]
    if not of_version:
        raise BadInputError(f"No notice and no policy version has the number {name}.")
    return {notice.language: notice for notice in others or of_version}


def _last_before(after: Versions, kept: list[KeptNotice]) -> Versions:
    """Return the last notices that were kept and are not among those."""
    ids = {notice.id for notice in after.values()}
    return {
        notice.language: notice
        for notice in reversed(kept)
        if notice.id not in ids and not notice.placeholder
    }


def _known(kept: list[KeptNotice]) -> list[Notice]:
    """Every notice, the oldest first, and those in force last."""
    return [*reversed(kept), *notices().in_force.values()]


def _by_number(name: str, kept: list[KeptNotice]) -> Notice | None:
    if len(name) < BEGINNING:
        return None
    found = {notice.id: notice for notice in _known(kept) if notice.id.startswith(name)}
    return next(iter(found.values())) if len(found) == 1 else None
