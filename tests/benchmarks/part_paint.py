"""Part `paint`: when a slow telephone has painted the largest part of a page, in a real browser.

On a first visit, on the next page of whoever has not chosen, and on the next page after a choice;
with the stylesheet as the site sends it, with a link to it on each page, and with neither style nor
script, which nothing can be ahead of. All in turn, each by a browser that knows nothing yet; the
network and the processor are those that Lighthouse imagines. A busy machine is a slower telephone:
ratios are taken within each round.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from bench import Bench
from conftest import CHROMIUM_FLAGS, chromium_path
from flask import Flask
from measuring import figures
from playwright.sync_api import Browser, Page, sync_playwright
from served import serving

ROUNDS, ROUNDS_OF_A_QUICK_RUN = 15, 1
# Slow 4G: milliseconds, bytes per second; and a processor so many times slower.
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
SLOWER = 4
TELEPHONE: Any = {"width": 412, "height": 823}
LARGEST = """() => new Promise(done => new PerformanceObserver(
  list => setTimeout(() => done(list.getEntries().at(-1).startTime), 500),
).observe({ type: "largest-contentful-paint", buffered: true }))"""
LINK = re.compile(r'<link rel="stylesheet"[^>]*>')
IN_ITSELF = re.compile("<style>.*?</style>", re.DOTALL)
SCRIPT = re.compile("<script.*?</script>", re.DOTALL)
OURS, LINKED, BARE = "as it is", "stylesheet linked", "without style and script"
FIRST, NEXT = "/", "/privacy"
# Where each kind of page stands in the site that is measured.
PAGES = {OURS: (FIRST, NEXT), LINKED: ("/linked", NEXT), BARE: ("/bare", "/bare-next")}


def paint(bench: Bench) -> dict[str, Any]:
    """Paint the largest part of a page on a slow telephone: milliseconds."""
    site = bench.migrated(f"sqlite:///{bench.folder}/paint.db")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # which tells of each request
    for address, page in _others(site).items():
        site.add_url_rule(address, endpoint=address, view_func=page)
    found: dict[str, Any] = {}
    rounds = ROUNDS_OF_A_QUICK_RUN if bench.is_quick else ROUNDS
    with serving(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        for visit, (before, place, against) in VISITS.items():
            taken: dict[str, list[float]] = {kind: [] for kind in PAGES}
            for _ in range(rounds):
                for kind, pages in PAGES.items():
                    first, shown = (address + page for page in (pages[0], pages[place]))
                    come = before if kind in against else None
                    taken[kind].append(_painted(browser, first, come, shown))
            found[visit] = _told(visit, taken)
        browser.close()
    return found


def _others(site: Flask) -> dict[str, Callable[[], str]]:
    """Return, for each address that the site has not, what makes its page."""

    def page(address: str) -> str:
        return site.test_client().get(address).text

    def without(address: str) -> str:
        text = page(address)
        for left_out in (IN_ITSELF, LINK, SCRIPT):
            text = left_out.sub("", text)
        return text

    def linked() -> str:
        link = LINK.search(page(NEXT))
        assert link, "the next page links its stylesheet"
        return IN_ITSELF.sub(link[0], page(FIRST))

    return {"/linked": linked, "/bare": lambda: without(FIRST), "/bare-next": lambda: without(NEXT)}


def _look(_page: Page) -> None:
    """Go on without a choice."""


def _choose(page: Page) -> None:
    page.locator("button[value=accept_all]").click()
    page.locator("[role=status]").wait_for()
    page.wait_for_load_state("networkidle")


# What comes before the page that is measured, which of the two pages that is, and for whom.
Before = Callable[[Page], None]
VISITS: dict[str, tuple[Before | None, int, set[str]]] = {
    "first visit": (None, 0, set()),
    "next page, nothing chosen": (_look, 1, {OURS, LINKED, BARE}),
    "next page after a choice": (_choose, 1, {OURS, LINKED}),  # the bare page has no script for it
}


def _painted(browser: Browser, first: str, before: Before | None, shown: str) -> float:
    context = browser.new_context(viewport=TELEPHONE, is_mobile=True)
    page = context.new_page()
    if before:
        page.goto(first, wait_until="networkidle")
        before(page)
    devtools = context.new_cdp_session(page)
    devtools.send("Network.emulateNetworkConditions", NETWORK)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(shown)
    milliseconds: float = page.evaluate(LARGEST)
    context.close()
    return milliseconds


def _told(visit: str, taken: dict[str, list[float]]) -> dict[str, Any]:
    """Print the figures of one visit, and return them."""
    told: dict[str, Any] = {}
    for kind, values in taken.items():
        ratios = [a / b for a, b in zip(values, taken[BARE], strict=True)]
        told[kind] = {"milliseconds": figures(values), "ratio": figures(ratios)}
        each, ratio = told[kind]["milliseconds"], told[kind]["ratio"]["median"]
        spread = f"({each['least']:,.0f}-{each['most']:,.0f})"
        compared = "" if kind == BARE else f"  {ratio:.2f} times as long"
        print(f"{visit:26} {kind:25} {each['median']:6,.0f} {spread:13}{compared}", flush=True)
    return told
