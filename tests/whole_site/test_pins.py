"""Each library that the tests stand on is pinned, however far below, and is of that version."""

import json
import subprocess
import tomllib
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path

import advisories
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as name_of

FILE = Path(__file__).parents[2] / "pyproject.toml"
PROJECT = tomllib.loads(FILE.read_text(encoding="utf-8"))["project"]
OWN = name_of(PROJECT["name"])
EXTRAS = PROJECT["optional-dependencies"]


def pins() -> dict[str, str]:
    """Return the version of each library that pyproject.toml names for this machine."""
    named = map(Requirement, chain(PROJECT["dependencies"], *EXTRAS.values()))
    here = (each for each in named if not each.marker or each.marker.evaluate())
    versions = {name_of(each.name): str(each.specifier) for each in here}
    return {name: version.removeprefix("==") for name, version in versions.items() if name != OWN}


def wanted_by(lines: list[str], extra: str) -> set[tuple[str, str]]:
    """Return each library in these lines that is for this machine, and with which of its extras."""
    wanted = [Requirement(line) for line in lines]
    return {
        (name_of(each.name), its_extra)
        for each in wanted
        if not each.marker or each.marker.evaluate({"extra": extra})
        for its_extra in each.extras | {""}
    }


def installed() -> dict[str, str]:
    """Return the version of each library that the tests stand on."""
    waiting: set[tuple[str, str]] = {(OWN, "test")}
    done: set[tuple[str, str]] = set()
    while waiting:
        name, extra = here = waiting.pop()
        done.add(here)
        waiting |= wanted_by(distribution(name).requires or [], extra) - done
    return {name: distribution(name).version for name, _extra in done if name != OWN}


def test_each_library_below_the_tests_is_pinned_and_is_of_that_version() -> None:
    pinned, there = pins(), installed()
    assert "werkzeug" in there, "which only Flask names"
    assert {name: pinned.get(name) for name in there} == there


def test_no_library_is_pinned_that_nothing_wants() -> None:
    lines = EXTRAS["mutations"] + EXTRAS["advisories"]
    by_hand = {name_of(Requirement(line).name) for line in lines}
    assert pins().keys() - installed().keys() == by_hand


LIBRARY = {"name": "flask", "version": "3"}


@pytest.mark.parametrize(
    ("libraries", "begins"),
    [
        (None, "NOT CHECKED: no advisories are to be had here"),
        (
            [{"name": "flask", "skip_reason": "unknown"}],
            "NOT CHECKED: nothing is known here of any",
        ),
        ([LIBRARY | {"vulns": []}], "1 libraries: 1 compared, 0 advisories."),
    ],
)
def test_where_nothing_was_compared_with_advisories_that_is_said_first(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    libraries: list[object] | None,
    begins: str,
) -> None:
    answer = json.dumps({"dependencies": libraries}) if libraries else ""
    done = subprocess.CompletedProcess([], 1, answer, "no route to host")
    monkeypatch.setattr(subprocess, "run", lambda *_a, **_k: done)
    assert advisories.main() == 0
    assert capsys.readouterr().out.startswith(begins)
