"""Lighthouse's marks for the main pages as a telephone loads them: `python tests/lighthouse.py`.

Run by hand: its marks depend on the machine and its load, so that they are no test. How much later
than a page without style and script the article is really painted, `tests/benchmarks paint` tells.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import checkers
from conftest import CHROMIUM_FLAGS, chromium_path
from served import serving

from app import create_app
from blueprints.database.schema import upgrade
from blueprints.pages.views import ABOUT_THE_SITE

PAGES = (
    *("/", "/pt/"),
    *("/cookies", "/pt/cookies", "/cookies/history", "/pt/cookies/history"),
    *(f"/{name}" for name in ABOUT_THE_SITE),
)
KINDS = ("performance", "accessibility", "best-practices", "seo")
MEASURES = ("largest-contentful-paint", "cumulative-layout-shift", "total-blocking-time")


def report(address: str) -> dict[str, object]:
    command = [
        str(checkers.NODE),
        str(checkers.MODULES / "lighthouse/cli/index.js"),
        address,
        "--quiet",
        "--output=json",
        f"--chrome-flags=--headless=new {' '.join(CHROMIUM_FLAGS)}",
    ]
    environment = os.environ | {"CHROME_PATH": chromium_path() or ""}
    for _attempt in range(3):  # Now and then it misses the start of the page.
        done = subprocess.run(  # noqa: S603 - our own words
            command, env=environment, capture_output=True, text=True, check=False
        )
        if not done.returncode:
            break
    else:
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


def main() -> None:
    logging.disable(logging.ERROR)
    checkers.install(checkers.LIGHTHOUSE)
    with tempfile.TemporaryDirectory() as folder:
        site = create_app(
            {"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/site.db"}
        )
        with site.app_context():
            upgrade()
        sys.stdout.write(" | ".join(["page", *KINDS, *MEASURES, "what is not perfect"]) + "\n")
        with serving(site) as address:
            for path in PAGES:
                sys.stdout.write(line(path, report(address + path)) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
