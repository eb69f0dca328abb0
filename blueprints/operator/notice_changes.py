"""What changed between two notices, in words for the operator, and whether that asks again.

Substance is what visitors consent to: purposes, services, what they store, whom they contact. Words
are everything else that is shown. Substance makes a new policy version, and what is added to a
purpose asks those again who accepted it; words do not (EDPB Guidelines 05/2020, 110).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from blueprints.consent.commands import ended
from blueprints.consent.coverage import Content, additions
from blueprints.consent.notices import Notice
from blueprints.consent.registry import (
    SUBSTANCE_OF_COOKIE,
    SUBSTANCE_OF_PURPOSE,
    SUBSTANCE_OF_SERVICE,
)

Entry = Mapping[str, Any]
WORKERS = "controller processors "


def consequences(old: Notice, new: Notice) -> Iterator[str]:
    """Say in one sentence each what is on for everybody unasked, and who is asked again."""
    before, after = _by_id(old.content["purposes"]), _by_id(new.content["purposes"])
    necessary_now = imposed(old.content, new.content)
    asked_again = additions(old.content, new.content)
    for purpose, services in necessary_now.items():
        if purpose in after and not after[purpose]["optional"]:
            yield (
                f"Nobody is asked about '{purpose}' any more: it is necessary now, and so on for "
                "everybody, also for those who refused it."
            )
        for service in services:
            yield (
                f"Service '{service}' runs for everybody now, also for those who refused "
                f"'{purpose}'."
            )
    unasked = _unasked(old, new, {item for items in necessary_now.values() for item in items})
    for purpose, things in unasked.items():
        yield ended(f"Necessary purpose '{purpose}' is on for everybody unasked; new: {things}")
    asked = []
    for purpose, entry in after.items():
        if entry["optional"] and purpose not in before:
            asked.append(f"Everybody is asked about the new purpose '{purpose}'.")
        elif entry["optional"] and not before[purpose]["optional"]:
            asked.append(f"Everybody is asked about '{purpose}', which was necessary before.")
        elif purpose in asked_again:
            new_things = _listed(asked_again[purpose])
            asked.append(ended(f"Who accepted '{purpose}' is asked again; new: {new_things}"))
    purpose = "an optional purpose" if unasked else "a purpose"
    yield from asked or [f"Nobody is asked again: nothing was added to {purpose}."]


def imposed(old: Content, new: Content) -> dict[str, tuple[str, ...]]:
    """Return what nobody is asked about any more: an optional purpose -> what always runs of it.

    It, or one of its services, has become necessary.
    """
    necessary = {entry["id"] for entry in new["purposes"] if not entry["optional"]}
    always = {service["id"] for service in new["services"] if service["purpose"] in necessary}
    found = {}
    for purpose in (entry["id"] for entry in old["purposes"] if entry["optional"]):
        of_it = (item["id"] for item in old["services"] if item["purpose"] == purpose)
        services = tuple(service for service in of_it if service in always)
        if services or purpose in necessary:
            found[purpose] = services
    return found


def _unasked(old: Notice, new: Notice, told: Collection[str]) -> dict[str, str]:
    """Return what was added to necessary purposes, besides the services that are told already."""
    others = [service for service in new.content["services"] if service["id"] not in told]
    added = additions(old.content, {**new.content, "services": others}, optional=False)
    return {purpose: _listed(things) for purpose, things in added.items()}


def _listed(things: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{kind} {thing}" for kind, thing in things)


def substance_changes(old: Notice, new: Notice) -> list[str]:
    """Say each change of substance in one sentence."""
    before, after = old.content, new.content
    controllers = _fields(("name",), before["controller"], after["controller"])
    return [
        *(f"Controller: {change}" for change in controllers),
        *_entries(
            "Purpose",
            _by_id(before["purposes"]),
            _by_id(after["purposes"]),
            partial(_fields, SUBSTANCE_OF_PURPOSE),
        ),
        *_entries("Service", _by_id(before["services"]), _by_id(after["services"]), _service),
    ]


def word_changes(old: Notice, new: Notice) -> list[str]:
    """Say each change of words in one sentence; both notices are in one language."""
    before, after = dict(_words(old.content)), dict(_words(new.content))
    # That purposes and services come and go is substance; that those who work for the site do, not.
    workers = {key for key in after.keys() | before.keys() if key.startswith(WORKERS)}
    none = _in_words([])
    return [
        f"{key}: was “{before.get(key, none)}”, is “{after.get(key, none)}”."
        for key in sorted(after.keys() & before.keys() | workers)
        if before.get(key) != after.get(key)
    ]


def _entries(
    kind: str, old: Entry, new: Entry, changes: Callable[[Entry, Entry], Iterable[str]]
) -> Iterator[str]:
    for key in old:
        if key not in new:
            yield f"{kind} '{key}' was removed."
    for key, entry in new.items():
        if key not in old:
            yield f"{kind} '{key}' was added."
        else:
            for change in changes(old[key], entry):
                yield f"{kind} '{key}': {change}"


def _fields(names: tuple[str, ...], old: Entry, new: Entry) -> Iterator[str]:
    for name in names:
        if name in old and name in new:
            was, is_now = _in_words(old[name]), _in_words(new[name])
            if was != is_now:
                yield ended(f"{name} was {was}, is {is_now}")


def _in_words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(sorted(value)) or "none"  # Their order is no substance.
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _service(old: Entry, new: Entry) -> Iterator[str]:
    yield from _fields(SUBSTANCE_OF_SERVICE, old, new)
    before, after = _hosts(old), _hosts(new)
    yield from (f"host {host} ({kind}) was removed." for host, kind in sorted(before - after))
    yield from (f"host {host} ({kind}) was added." for host, kind in sorted(after - before))
    if "enters" in old and "enters" in new:  # Notices of before do not say it.
        ways_in, ways_now = (set(of["enters"].items()) for of in (old, new))
        yield from (f"{kind} {way} was removed." for kind, way in sorted(ways_in - ways_now))
        yield from (f"{kind} {way} was added." for kind, way in sorted(ways_now - ways_in))
    was, is_now = ({entry["name"]: entry for entry in of["cookies"]} for of in (old, new))
    yield from _entries("cookie", was, is_now, partial(_fields, SUBSTANCE_OF_COOKIE))


def _hosts(service: Entry) -> set[tuple[str, str]]:
    return {(host, kind) for kind, hosts in service["hosts"].items() for host in hosts}


def _by_id(entries: list[Entry]) -> dict[str, Entry]:
    return {entry["id"]: entry for entry in entries}


def _words(content: Any, where: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Give every text of a notice that is not substance, with the way to it."""
    if isinstance(content, Mapping):
        if "hosts" in content:  # A service without this does not have it.
            content = {"justification": None, **content}
        for key in content.keys() - _no_words_of(content):
            yield from _words(content[key], f"{where} {key}".strip())
    elif isinstance(content, list):
        for number, entry in enumerate(content, start=1):
            name = (entry.get("id") or entry.get("name")) if isinstance(entry, Mapping) else number
            yield from _words(entry, f"{where} {name}")
    else:
        yield where, _in_words([] if content is None else content)


def _no_words_of(entry: Entry) -> set[str]:
    if "hosts" in entry:
        return {"id", "hosts", "enters", *SUBSTANCE_OF_SERVICE}
    if "lifetime" in entry:
        return {"name", *SUBSTANCE_OF_COOKIE}
    return {"id", "policy_version", "language", *SUBSTANCE_OF_PURPOSE}
