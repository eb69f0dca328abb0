"""The self-audit's eyes: a real browser walks through the site in each state.

It does what a visitor does, with the site's own buttons, and asks the browser, not the site, what
is stored and who was contacted.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from blueprints.consent.registry import Registry
from blueprints.operator.findings import HOST, Seen, State

LINKS_OF_EVERY_PAGE = ".masthead a, .colophon a"
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
STORAGE = """async () => ({
  localStorage: Object.keys(localStorage),
  sessionStorage: Object.keys(sessionStorage),
  indexedDB: (await indexedDB.databases()).map((database) => database.name),
  cache: await caches.keys(),
})"""


class NoBrowserError(Exception):
    """There is no browser that could be started."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Start an installed Chromium, or else Playwright's own Firefox.

    Raises:
        NoBrowserError: neither is there.

    """
    executable = next(filter(None, map(shutil.which, INSTALLED)), None)
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        try:
            started = (
                playwright.chromium.launch(executable_path=executable, args=flags)
                if executable
                else playwright.firefox.launch()
            )
        except Error:
            raise NoBrowserError from None
        with started:
            yield started


def look(browser: Browser, address: str, registry: Registry, state: State) -> list[Seen]:
    """Visit the site at `address` as a new visitor in this state; return all that was seen.

    Raises:
        playwright.sync_api.Error: the site does not answer, or has no notice to answer.

    """
    context = browser.new_context(base_url=address, locale="en")
    contacted: set[str] = set()
    page = context.new_page()
    page.goto("/")
    _choose(page, registry, state)
    if state.name == "withdrawn":
        _walk(page)
        page.goto("/cookies")
        page.locator("form[action$='/cookies/withdraw'] button").click()
        page.locator("[role=status]").wait_for()
    context.on("request", lambda request: contacted.add(_origin(request.url)))
    _walk(page)
    seen = [*_cookies(context, state), *_storage(page, state)]
    seen += [Seen(state, HOST, origin) for origin in contacted - {_origin(address), ""}]
    context.close()
    return seen


def _choose(page: Page, registry: Registry, state: State) -> None:
    form = page.locator("[role=region] form[action$='/cookies']")
    if state.name == "no choice":
        return
    if state.name == "refused":  # where each model has a button for that
        page.goto("/cookies")
        page.locator("main form[action$='/cookies'] button[value=reject]").click()
    elif state.name in {"accepted", "withdrawn"}:
        form.locator("button[value=accept_all]").click()
    else:
        for purpose in registry.optional_ids:
            form.locator(f"input[value='{purpose}']").set_checked(purpose in state.given)
        form.locator("button[value=accept_selected]").click()
    page.locator("[role=status]").wait_for()


def _walk(page: Page) -> None:
    """Open what every page links to, and press what keeps something."""
    page.goto("/")
    links = page.locator(LINKS_OF_EVERY_PAGE).evaluate_all("all => all.map(each => each.href)")
    for address in dict.fromkeys(links):
        page.goto(address)
    page.goto("/", wait_until="networkidle")
    for form in page.locator("form[data-stores]").all():
        # Behind a closed "details" the form cannot be clicked, but it can be sent.
        with page.expect_navigation():
            form.evaluate(
                "form => { for (const box of form.querySelectorAll('input[type=radio]'))"
                " box.checked = true; form.requestSubmit() }"
            )
    page.goto("/", wait_until="networkidle")
    # What stands far below would wait for somebody to scroll there.
    page.locator("iframe").evaluate_all("all => all.forEach(each => { each.loading = 'eager' })")
    page.wait_for_load_state("networkidle")


def _cookies(context: BrowserContext, state: State) -> Iterator[Seen]:
    now = datetime.now(UTC).timestamp()
    for cookie in context.cookies():
        expires = cookie.get("expires", -1)
        lifetime = None if expires < 0 else timedelta(seconds=expires - now)
        yield Seen(state, "cookie", cookie.get("name", ""), lifetime)


def _storage(page: Page, state: State) -> Iterator[Seen]:
    for frame in page.frames:
        try:
            kept = frame.evaluate(STORAGE)
        except Error:
            continue  # A frame without an origin of its own keeps nothing.
        for kind, names in kept.items():
            for name in names:
                yield Seen(state, kind, name)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else ""
