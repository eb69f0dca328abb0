"""What a choice covers, purpose by purpose, and what has been added since.

Consent is for what was told (GDPR Art. 4(11)); a choice goes on to count while what it covers has
only shrunk (EDPB Guidelines 05/2020, 110). Both sides are contents of notices: what was shown then,
and what is in force now.
"""

from collections.abc import Collection, Mapping
from typing import Any

from blueprints.consent.cookies import LIFETIME

Content = Mapping[str, Any]
Additions = Mapping[str, tuple[tuple[str, str], ...]]  # purpose -> kind of thing, and its name

# The field by which a notice tells how a service enters the page, to whom its tag sends and what it
# lets Google do. One of an older version of the site lacks it, and nobody knows what was so then.
TOLD_IN = {"way": "enters", "tag": "consent_mode", "grant": "consent_mode"}
SECONDS = (31_556_952, 2_629_746, 86_400, 3_600, 60, 1)  # a year is twelve months


def additions(old: Content, new: Content) -> Additions:
    """Return what each optional purpose has now and had not then.

    A purpose that is new altogether is not among them: nobody has chosen about it.
    """
    return _additions(old, new, [entry["id"] for entry in old["purposes"] if entry["optional"]])


def added_unasked(old: Content, new: Content) -> Additions:
    """Return what each necessary purpose has now and had not then: it is on for everybody."""
    necessary = {entry["id"] for entry in new["purposes"] if not entry["optional"]}
    return _additions(
        old,
        new,
        [
            entry["id"]
            for entry in old["purposes"]
            if entry["id"] in necessary and not entry["optional"]
        ],
    )


def _additions(old: Content, new: Content, known: Collection[str]) -> Additions:
    purposes = (entry["id"] for entry in new["purposes"] if entry["id"] in known)
    untold = {
        kind
        for kind, field in TOLD_IN.items()
        if not all(field in service for service in old["services"])
    }
    found = {
        purpose: _added(_covered(old, purpose), _covered(new, purpose), untold)
        for purpose in purposes
    }
    return {purpose: things for purpose, things in found.items() if things}


def imposed(old: Content, new: Content) -> Mapping[str, tuple[str, ...]]:
    """Return what nobody is asked about any more: purpose of then -> services that always run now.

    A purpose is among them where it has become necessary itself, or a service of it has.
    """
    optional = [entry["id"] for entry in old["purposes"] if entry["optional"]]
    necessary = {entry["id"] for entry in new["purposes"] if not entry["optional"]}
    always = {service["id"] for service in new["services"] if service["purpose"] in necessary}
    found = {
        purpose: tuple(
            service["id"]
            for service in old["services"]
            if service["purpose"] == purpose and service["id"] in always
        )
        for purpose in optional
    }
    return {purpose: ids for purpose, ids in found.items() if ids or purpose in necessary}


def _added(
    old: Mapping[tuple[str, ...], int], new: Mapping[tuple[str, ...], int], untold: Collection[str]
) -> tuple[tuple[str, str], ...]:
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
