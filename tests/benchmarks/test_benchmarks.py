"""The quick form of the cheapest part, so that the measuring itself is tested; speed is no test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_a_page_view_is_told_as_a_ratio_to_bare_flask(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(Path(__file__).parent),
        "--quick",
        "--json",
        "found.json",
        "first",
    ]
    run = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in found["parts"]["first"]["rows"]}
    assert not any(row["failed"] for row in rows.values()), run.stdout
    for name in ("raw WSGI", "first view", "first view, If-None-Match"):
        assert rows[name]["ratios"]["bare Flask"]["median"] > 0
        assert rows[name]["ratios"]["bare Flask"]["by_cpu"]["median"] > 0
        assert name in run.stdout
