"""What was added to a purpose as a table: from the notice that was shown to the one in force."""

from copy import deepcopy
from typing import Any

import pytest

from blueprints.consent.coverage import additions

SHOWN: dict[str, Any] = {
    "controller": {"name": "City"},
    "purposes": [
        {"id": "needed", "optional": False, "personal_data": [], "meaning": 1},
        {"id": "content", "optional": True, "personal_data": ["Age"], "meaning": 1},
        {"id": "films", "optional": True, "personal_data": ["Age", "Name"], "meaning": 2},
    ],
    "services": [
        {
            "id": "player",
            "purpose": "films",
            "vendor": "Films",
            "country": "IE",
            "hosts": {},
            "enters": {"embed": "https://films.example/{id}"},
            "consent_mode": [],
            "cookies": [],
        },
        {
            "id": "counter",
            "purpose": "content",
            "vendor": "Counter",
            "country": "PT",
            "hosts": {"script": ["https://a.example"], "img": ["https://a.example"]},
            "enters": {"script": "https://a.example/a.js", "tag": "G-ABC1"},
            "consent_mode": ["ad_storage"],
            "cookies": [
                {"name": "a", "storage": "cookie", "party": "first", "lifetime": "P1Y"},
                {"name": "b", "storage": "cookie", "party": "first", "lifetime": "session"},
            ],
        },
        {
            "id": "own",
            "purpose": "content",
            "vendor": "City",
            "country": "PT",
            "hosts": {},
            "enters": {},
            "consent_mode": [],
            "cookies": [{"name": "a", "storage": "cookie", "party": "first", "lifetime": "P2M"}],
        },
    ],
}
CONTENT, COUNTER, CITY = ("purposes", 1), ("services", 1), ("services", 2)
A, B = (*COUNTER, "cookies", 0), (*COUNTER, "cookies", 1)
ENTERS, GRANTS = (*COUNTER, "enters"), (*COUNTER, "consent_mode")
A_JS, B_JS = "https://a.example/a.js", "https://a.example/b.js"
LONGER = (("lifetime", "a"),)
BACK_IN_PT = (("country", "Counter (PT)"),)


def changed(way: tuple[Any, ...], value: object) -> dict[str, Any]:
    """Return what was shown with one value changed, or taken out where it is None."""
    content = deepcopy(SHOWN)
    part: Any = content
    for step in way[:-1]:
        part = part[step]
    if value is None:
        del part[way[-1]]
    else:
        part[way[-1]] = value
    return content


@pytest.mark.parametrize(
    ("way", "value", "added", "taken_away"),
    [
        (("controller", "name"), "Town", (("controller", "Town"),), (("controller", "City"),)),
        ((*CONTENT, "personal_data"), ["Sex", "Age"], (("data", "Sex"),), ()),
        ((*CONTENT, "personal_data"), None, (), (("data", "Age"),)),
        ((*CONTENT, "meaning"), 2, (("meaning", "content"),), ()),
        ((*CONTENT, "meaning"), None, (), ()),
        ((*COUNTER, "vendor"), "Other", (("vendor", "Other"),), (("vendor", "Counter"),)),
        ((*COUNTER, "country"), "US", (("country", "Counter (US)"),), BACK_IN_PT),
        ((*COUNTER, "vendor"), "City", (), (("vendor", "Counter"),)),
        ((*COUNTER, "hosts", "img"), None, (), (("img host", "https://a.example"),)),
        ((*COUNTER, "hosts"), {}, (), (("host", "https://a.example"),)),
        ((*COUNTER, "hosts", "font"), ["https://b.example"], (("host", "https://b.example"),), ()),
        ((*ENTERS, "script"), B_JS, (("script address", B_JS),), (("script address", A_JS),)),
        (
            ENTERS,
            {"pixel": A_JS},
            (("pixel address", A_JS),),
            (("script address", A_JS), ("tag", "G-ABC1")),
        ),
        ((*ENTERS, "tag"), "G-ABC2", (("tag", "G-ABC2"),), (("tag", "G-ABC1"),)),
        ((*ENTERS, "tag"), None, (), (("tag", "G-ABC1"),)),
        ((*CITY, "enters"), {"script": A_JS}, (), ()),
        ((*GRANTS, 0), "ad_user_data", (("grant", "ad_user_data"),), (("grant", "ad_storage"),)),
        (GRANTS, ["ad_user_data", "ad_storage"], (("grant", "ad_user_data"),), ()),
        ((*COUNTER, "cookies"), [], (), (("item", "b"), ("lifetime", "a"))),
        ((*B, "name"), "c", (("item", "c"),), (("item", "b"),)),
        ((*B, "party"), "third", (("party", "b"),), (("party", "b"),)),
        ((*B, "storage"), "cache", (("storage", "b"),), (("storage", "b"),)),
        ((*B, "lifetime"), "PT1S", (("lifetime", "b"),), ()),
        ((*A, "lifetime"), "P12M", (), ()),
        ((*A, "lifetime"), "P13M", LONGER, ()),
        ((*A, "lifetime"), "P1Y1D", LONGER, ()),
        ((*A, "lifetime"), "P1YT1H", LONGER, ()),
        ((*A, "lifetime"), "P1YT1M", LONGER, ()),
        ((*A, "lifetime"), "P1YT1S", LONGER, ()),
        ((*A, "lifetime"), "P366D", LONGER, ()),
        ((*A, "lifetime"), "P365D", (), LONGER),
        ((*A, "lifetime"), "P2M", (), LONGER),
        # The longer of two that keep the same item is what counts.
        ((*A, "lifetime"), "P1D", (), LONGER),
        ((*CITY, "cookies", 0, "lifetime"), "P11M", (), ()),
        ((*COUNTER, "purpose"), "needed", (), None),
    ],
)
def test_what_was_added_is_told_and_what_was_taken_away_is_not(
    way: tuple[Any, ...], value: object, added: tuple[Any, ...], taken_away: tuple[Any, ...] | None
) -> None:
    after = changed(way, value)
    others = ("films",) if way[0] == "controller" else ()
    assert additions(SHOWN, after) == {each: added for each in ("content", *others) if added}
    if taken_away is not None:
        back = {each: taken_away for each in ("content", *others) if taken_away}
        assert additions(after, SHOWN) == back


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        (("enters",), (("script address", A_JS), ("tag", "G-ABC1"))),
        (("consent_mode",), (("grant", "ad_storage"),)),
        ((), ()),
    ],
)
def test_what_a_notice_does_not_tell_is_not_covered(
    fields: tuple[str, ...], added: tuple[Any, ...]
) -> None:
    before = deepcopy(SHOWN)
    for service in before["services"]:
        for field in fields:
            del service[field]
    assert additions(before, SHOWN).get("content", ()) == added


@pytest.mark.parametrize(
    ("shorter", "longer", "is_longer"),
    [
        ("session", "PT1S", True),
        ("PT60S", "PT1M", False),
        ("PT59S", "PT1M", True),
        ("PT60M", "PT1H", False),
        ("PT59M", "PT1H", True),
        ("PT24H", "P1D", False),
        ("PT23H", "P1D", True),
        ("P30D", "P1M", True),
        ("P1M", "P31D", True),
        ("P12M", "P1Y", False),
        ("P1Y", "P366D", True),
    ],
)
def test_lifetimes_are_compared_by_how_long_they_are(
    shorter: str, longer: str, *, is_longer: bool
) -> None:
    before, after = (changed((*B, "lifetime"), lifetime) for lifetime in (shorter, longer))
    assert bool(additions(before, after)) is is_longer
    assert additions(after, before) == {}


@pytest.mark.parametrize(
    ("item", "added"),
    [
        ({}, ()),
        ({"name": "_pk_id*"}, ()),
        ({"name": "_pk_*", "lifetime": "P1D"}, ()),
        ({"name": "_p*"}, (("item", "_p*"),)),
        ({"name": "_p"}, (("item", "_p"),)),
        ({"name": "_pk_"}, ()),
        ({"lifetime": "P1Y"}, ()),
        ({"lifetime": "P13M"}, (("lifetime", "_pk_id.1"),)),
        ({"party": "third"}, (("party", "_pk_id.1"),)),
        ({"storage": "localStorage"}, (("storage", "_pk_id.1"),)),
        ({"name": "_pk_ses"}, (("lifetime", "_pk_ses"),)),  # which was told by its own name
        ({"name": "_pk_seen"}, ()),
    ],
)
def test_a_name_that_one_with_a_star_stood_for_is_not_new(
    item: dict[str, str], added: tuple[tuple[str, str], ...]
) -> None:
    told = {"name": "_pk_*", "storage": "cookie", "party": "first", "lifetime": "P12M"}
    ses = told | {"name": "_pk_ses", "lifetime": "P1D"}
    before = changed(
        (*COUNTER, "cookies"), [told, ses, told | {"name": "_pk_i*", "lifetime": "P2D"}]
    )
    after = changed((*COUNTER, "cookies"), [told | {"name": "_pk_id.1"} | item])
    assert additions(before, after) == ({"content": added} if added else {})


def test_a_name_with_a_star_in_another_purpose_stands_for_nothing() -> None:
    told = {"name": "_pk_*", "storage": "cookie", "party": "first", "lifetime": "P12M"}
    before, after = (changed(("services", 0, "cookies"), [told]) for _ in range(2))
    after["services"][1]["cookies"].append(told | {"name": "_pk_id"})
    assert additions(before, after) == {"content": (("item", "_pk_id"),)}


def test_nobody_has_chosen_about_a_purpose_that_was_not_asked_for() -> None:
    more = {"id": "more", "optional": True}
    for way, value in ((("purposes", 0, "optional"), True), (("purposes", 0), more)):
        after = changed(way, value)
        assert additions(SHOWN, after) == {}
        assert additions(after, SHOWN) == {}


def test_what_a_necessary_purpose_has_more_is_told_and_nothing_of_an_optional_one() -> None:
    after = changed((*COUNTER, "purpose"), "needed")
    assert additions(SHOWN, after) == {}
    assert ("host", "https://a.example") in additions(SHOWN, after, optional=False)["needed"]
    assert additions(after, SHOWN, optional=False) == {}
    assert additions(SHOWN, changed((*CONTENT, "personal_data"), ["Sex"]), optional=False) == {}
    assert additions(SHOWN, changed((*CONTENT, "optional"), False), optional=False) == {}  # noqa: FBT003
