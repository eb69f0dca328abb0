"""What a choice covers, purpose by purpose, and what has been added since.

Consent is for what was told (GDPR Art. 4(11)); a choice goes on to count while what it covers has
only shrunk (EDPB Guidelines 05/2020, 110). Both sides are contents of notices: what was shown then,
and what is in force now.
"""

from collections.abc import Mapping
from typing import Any

from blueprints.consent.cookies import duration

Content = Mapping[str, Any]
Things = tuple[tuple[str, str], ...]  # each its kind, and its name
Additions = Mapping[str, Things]  # by purpose
# Kind and name, with one value of it or none -> for how long, or how far it goes.
Covered = dict[tuple[str, ...], float]

# What is told only of what was known: of a new vendor, host or item it goes without saying.
ABOUT = {"country": "vendor", "load": "host", "storage": "item", "party": "item"}
OF_AN_ITEM = ("item", "storage", "party")


def additions(old: Content, new: Content, *, optional: bool = True) -> Additions:
    """Return what each optional purpose has now and had not when it was shown.

    With `optional=False` it is of the necessary ones. One that is new, or was of the other kind
    then, is not among them: about that nobody has been asked.
    """
    then, now = (
        [entry["id"] for entry in content["purposes"] if entry["optional"] is optional]
        for content in (old, new)
    )
    found = {each: _added(*_covered_by(old, new, each)) for each in then if each in now}
    return {purpose: things for purpose, things in found.items() if things}


def _added(old: Covered, new: Covered) -> Things:
    things = {
        _told(*key, was_known=key in old)
        for key, size in new.items()
        if size > old.get(key, -1) and (key[0] not in ABOUT or (ABOUT[key[0]], key[1]) in old)
    }
    return tuple(sorted(things))


def _covered_by(old: Content, new: Content, purpose: str) -> tuple[Covered, Covered]:
    """Return what each covers; what was told of `_pk*` was told of a new item `_pk_id` as well."""
    before, now = _covered(old, purpose), _covered(new, purpose)
    names = {key[1] for key in now.keys() - before.keys() if key[0] == "item"}
    for (kind, beginning, *value), size in list(before.items()):
        if kind in OF_AN_ITEM and beginning.endswith("*"):
            for name in names:
                if name.startswith(beginning[:-1]):
                    key = kind, name, *value
                    before[key] = max(before.get(key, size), size)
    return before, now


def _told(kind: str, name: str, value: str = "", *, was_known: bool) -> tuple[str, str]:
    if kind == "item" and was_known:
        return "lifetime", name
    if kind == "country":
        return kind, f"{name} ({value})"
    return {"load": f"{value} host", "way": f"{value} address"}.get(kind, kind), name


def _covered(content: Content, purpose: str) -> Covered:
    """Return what a notice tells; what it does not tell is not covered."""
    (entry,) = (entry for entry in content["purposes"] if entry["id"] == purpose)
    covered: Covered = {("data", term): 0 for term in entry.get("personal_data", [])}
    covered["controller", content["controller"]["name"]] = 0
    covered["meaning", purpose] = entry.get("meaning", 1)  # A notice of before does not say it.
    for service in content["services"]:
        if service["purpose"] != purpose:
            continue
        vendor = service["vendor"]
        covered["vendor", vendor] = covered["country", vendor, service["country"]] = 0
        for kind, hosts in service["hosts"].items():
            for host in hosts:
                covered["host", host] = covered["load", host, kind] = 0
        for kind, told in service.get("enters", {}).items():
            covered[("tag", told) if kind == "tag" else ("way", told, kind)] = 0
        covered.update({("grant", name): 0 for name in service.get("consent_mode", [])})
        for cookie in service["cookies"]:
            key, lasts = ("item", cookie["name"]), duration(cookie["lifetime"])
            covered[key] = max(covered.get(key, 0), lasts.total_seconds())
            covered.update({(kind, key[1], cookie[kind]): 0 for kind in ("storage", "party")})
    return covered
