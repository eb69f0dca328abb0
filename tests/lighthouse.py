"""Lighthouse's marks for the main pages as a telephone loads them: `python tests/lighthouse.py`.

Run by hand: its marks depend on the machine and its load, so that they are no test. Beside them
stands how much later the largest part of the article is painted than on the same page without
banner, style and script.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import checkers
from conftest import CHROMIUM_FLAGS, serving
from flask import Flask
from flask_migrate import upgrade

from app import create_app
from blueprints.database.setup import MIGRATIONS

PAGES = (
    *("/", "/pt/"),
    *("/cookies", "/pt/cookies", "/cookies/history", "/pt/cookies/history"),
    *("/privacy", "/accessibility"),
)
KINDS = ("performance", "accessibility", "best-practices", "seo")
MEASURES = ("largest-contentful-paint", "cumulative-layout-shift", "total-blocking-time")
BARE = "/bare"


def report(address: str) -> dict[str, object]:
    chromium = shutil.which("chromium") or ""
    done = subprocess.run(  # noqa: S603 - our own words
        [
            checkers.NODE,
            checkers.MODULES / "lighthouse/cli/index.js",
            address,
            "--quiet",
            "--output=json",
            f"--chrome-flags=--headless=new {' '.join(CHROMIUM_FLAGS)}",
        ],
        env=os.environ | {"CHROME_PATH": chromium},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def line(path: str, found: dict[str, object]) -> str:
    marks = [round(found["categories"][kind]["score"] * 100) for kind in KINDS]  # type: ignore[index]
    audits = found["audits"]
    measured = [audits[name]["displayValue"] for name in MEASURES]  # type: ignore[index]
    faults = [
        name
        for name, audit in audits.items()  # type: ignore[attr-defined]
        if audit["score"] is not None
        and audit["score"] < 1
        and audit["scoreDisplayMode"] == "binary"
    ]
    return " | ".join([path, *map(str, marks), *measured, ", ".join(faults) or "none"])


def bare(site: Flask) -> str:
    """Return the front page without its banner, style and script, to be measured beside it."""
    page = site.test_client().get("/").text
    for left_out in (
        r'<div class="notice".*?(?=<header class="masthead)',
        r'<link rel="stylesheet"[^>]*>',
        r"<script.*?</script>",
    ):
        page, times = re.subn(left_out, "", page, flags=re.DOTALL)
        assert times, left_out
    return page


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    checkers.install(checkers.LIGHTHOUSE)
    with tempfile.TemporaryDirectory() as folder:
        site = create_app(
            {"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/site.db"}
        )
        with site.app_context():
            upgrade(directory=MIGRATIONS)

        site.add_url_rule(BARE, view_func=lambda: bare(site))
        sys.stdout.write(" | ".join(["page", *KINDS, *MEASURES, "what is not perfect"]) + "\n")
        with serving(site) as address:
            for path in (*PAGES, BARE):
                sys.stdout.write(line(path, report(address + path)) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
