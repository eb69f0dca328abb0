"""What a choice covers, purpose by purpose, and what has been added since.

Consent is for what was told (GDPR Art. 4(11)); a choice goes on to count while what it covers has
only shrunk (EDPB Guidelines 05/2020, 110). Both sides are contents of notices: what was shown then,
and what is in force now.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from blueprints.consent.cookies import LIFETIME

Content = Mapping[str, Any]
Things = tuple[tuple[str, str], ...]  # each its kind, and its name
Additions = Mapping[str, Things]  # by purpose

# The field by which a notice tells how a service enters the page, to whom its tag sends and what it
# lets Google do. One of an older version of the site lacks it, and nobody knows what was so then.
TOLD_IN = {"way": "enters", "tag": "consent_mode", "grant": "consent_mode"}
SECONDS = (31_556_952, 2_629_746, 86_400, 3_600, 60, 1)  # a year is twelve months


class Changes(NamedTuple):
    """What became of the purposes that were shown; of one that is new nobody has been told."""

    asked: Additions  # what an optional one has now and had not then
    unasked: Additions  # likewise a necessary one, which is on for everybody
    # What nobody is asked about any more: an optional one -> its services that always run now,
    # where one of these, or it, has become necessary.
    imposed: Mapping[str, tuple[str, ...]]


def compare(old: Content, new: Content) -> Changes:
    """Compare what was shown then with what is in force now."""
    untold = {
        kind
        for kind, field in TOLD_IN.items()
        if not all(field in service for service in old["services"])
    }
    optional = {entry["id"]: entry["optional"] for entry in new["purposes"]}
    always = {item["id"] for item in new["services"] if not optional.get(item["purpose"], True)}
    grown: dict[bool, dict[str, Things]] = {True: {}, False: {}}
    imposed = {}
    for entry in old["purposes"]:
        purpose, was_optional = entry["id"], entry["optional"]
        of_it = (item["id"] for item in old["services"] if item["purpose"] == purpose)
        still = tuple(service for service in of_it if service in always)
        if was_optional and (still or optional.get(purpose) is False):
            imposed[purpose] = still
        if optional.get(purpose) == was_optional and (
            things := _added(_covered(old, purpose), _covered(new, purpose), untold)
        ):
            grown[was_optional][purpose] = things
    return Changes(asked=grown[True], unasked=grown[False], imposed=imposed)


def _added(
    old: Mapping[tuple[str, ...], int], new: Mapping[tuple[str, ...], int], untold: Collection[str]
) -> Things:
    things = {
        ("lifetime" if key[0] == "item" and key in old else key[0], _name(key, old))
        for key, size in new.items()
        if size > old.get(key, -1) and key[0] not in untold
    }
    return tuple(sorted(things))


def _name(key: tuple[str, ...], old: Mapping[tuple[str, ...], int]) -> str:
    """Return how a thing is called; of a vendor who was known in another country, with this one."""
    kind, name, *rest = key
    is_elsewhere = kind == "vendor" and any(known[:2] == key[:2] for known in old)
    return f"{name} ({', '.join(rest)})" if is_elsewhere else name


def _covered(content: Content, purpose: str) -> dict[tuple[str, ...], int]:
    """Return kind, name and what else tells two things apart -> how long, or how far it goes."""
    (entry,) = (entry for entry in content["purposes"] if entry["id"] == purpose)
    covered: dict[tuple[str, ...], int] = {
        ("controller", content["controller"]["name"]): 0,
        **{("data", term): 0 for term in entry.get("personal_data", [])},
    }
    covered["meaning", purpose] = entry.get("meaning", 1)  # A notice of before does not say it.
    for service in content["services"]:
        if service["purpose"] != purpose:
            continue
        covered["vendor", service["vendor"], service["country"]] = 0
        for kind, hosts in service["hosts"].items():
            covered.update({("host", host, kind): 0 for host in hosts})
        for kind, told in service.get("enters", {}).items():
            covered["tag" if kind == "tag" else "way", told, kind] = 0
        covered.update({("grant", name): 0 for name in service.get("consent_mode", [])})
        for cookie in service["cookies"]:
            key = ("item", cookie["name"], cookie["storage"], cookie["party"])
            covered[key] = max(covered.get(key, 0), _seconds(cookie["lifetime"]))
    return covered


def _seconds(lifetime: str) -> int:
    match = LIFETIME.fullmatch(lifetime)
    numbers = match.groups(default="0") if match else ()
    return sum(int(number) * unit for number, unit in zip(numbers, SECONDS, strict=False))
