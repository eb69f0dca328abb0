"""Lighthouse's marks for the main pages as a telephone loads them: `python tests/lighthouse.py`.

Run by hand: its marks depend on the machine and its load, so that they are no test. Below them
stands how much later the largest part of the article is really painted than on the same page
without banner, style and script, on a first visit and on a second page.
"""

import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

import checkers
from conftest import CHROMIUM_FLAGS, chromium_path
from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, sync_playwright
from served import serving

from app import create_app
from blueprints.database.schema import MIGRATIONS
from blueprints.pages.views import ABOUT_THE_SITE

PAGES = (
    *("/", "/pt/"),
    *("/cookies", "/pt/cookies", "/cookies/history", "/pt/cookies/history"),
    *(f"/{name}" for name in ABOUT_THE_SITE),
)
KINDS = ("performance", "accessibility", "best-practices", "seo")
MEASURES = ("largest-contentful-paint", "cumulative-layout-shift", "total-blocking-time")
BARE = "/bare"
ROUNDS = 9

# A slow telephone, as Lighthouse imagines it: milliseconds, bytes per second, times slower.
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
SLOWER = 4
LARGEST = """() => new Promise(done => new PerformanceObserver(
  list => setTimeout(() => done(list.getEntries().at(-1).startTime), 500),
).observe({ type: "largest-contentful-paint", buffered: true }))"""


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


def painted(browser: Browser, address: str, before: str | None) -> float:
    """Return after how many milliseconds a slow telephone painted the largest part of a page."""
    context = browser.new_context(viewport={"width": 412, "height": 823}, is_mobile=True)
    page = context.new_page()
    if before:
        page.goto(before)
    devtools = context.new_cdp_session(page)
    devtools.send("Network.emulateNetworkConditions", NETWORK)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address)
    milliseconds: float = page.evaluate(LARGEST)
    context.close()
    return milliseconds


def side_by_side(address: str) -> None:
    visits = (("first visit", None), ("second page", f"{address}/privacy"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        for visit, before in visits:
            pairs = [
                [painted(browser, address + path, before) for path in ("/", BARE)]
                for _round in range(ROUNDS)
            ]
            ours, least = map(median, zip(*pairs, strict=True))
            sys.stdout.write(
                f"{visit}: {ours:.0f} ms, bare {least:.0f} ms, ratio {ours / least:.2f}\n"
            )
        browser.close()


def main() -> None:
    logging.disable(logging.ERROR)
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
            side_by_side(address)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
