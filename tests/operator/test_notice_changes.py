"""What nobody is asked about any more, as a table: from an older notice to that of now."""

from copy import deepcopy
from typing import Any

import pytest

from blueprints.operator.notice_changes import imposed

SHOWN: dict[str, Any] = {
    "purposes": [
        {"id": "needed", "optional": False},
        {"id": "content", "optional": True},
        {"id": "films", "optional": True},
    ],
    "services": [
        {"id": "player", "purpose": "films"},
        {"id": "counter", "purpose": "content"},
        {"id": "own", "purpose": "content"},
    ],
}


@pytest.mark.parametrize(
    ("kind", "entry", "changes", "found"),
    [
        ("purposes", "content", {"optional": False}, {"content": ("counter", "own")}),
        ("services", "counter", {"purpose": "needed"}, {"content": ("counter",)}),
        ("services", "counter", {"purpose": "films"}, {}),
        ("services", "counter", None, {}),
        ("purposes", "content", None, {}),
        ("purposes", "needed", {"optional": True}, {}),
    ],
)
def test_what_nobody_is_asked_about_any_more_is_told_of_each_purpose(
    kind: str, entry: str, changes: dict[str, Any] | None, found: dict[str, tuple[str, ...]]
) -> None:
    after = deepcopy(SHOWN)
    after[kind] = [
        each | (changes or {}) if each["id"] == entry else each
        for each in after[kind]
        if changes or each["id"] != entry
    ]
    assert imposed(SHOWN, after) == found


def test_a_purpose_without_services_can_become_necessary_as_well() -> None:
    before = {**deepcopy(SHOWN), "services": []}
    after = deepcopy(before)
    after["purposes"][1]["optional"] = False
    assert imposed(before, after) == {"content": ()}
