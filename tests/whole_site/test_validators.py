"""What checkers say of every page, in both languages, before and after a choice: nothing.

The W3C's Nu checker reads HTML, CSS and drawings; axe-core judges with every rule that it has,
those for best practice and level AAA included; pa11y judges with axe and HTML CodeSniffer.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import checkers
import pytest
from addresses import addresses
from browserlike import Visitor
from conftest import CHROMIUM_FLAGS, MakeSite, chromium_path, leave_out
from flask import Flask
from playwright.sync_api import Browser, BrowserContext
from served import serving

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("checkers")]  # started once

CheckFiles = Callable[[str, list[Path]], list[str]]
Check = Callable[[list[dict[str, str | None]]], list[str]]

STATIC = Path(__file__).parents[2] / "static"
# What axe cannot decide by itself, and how it was decided.
ANSWERED = {
    "hidden-content": "judged a second time with all details open, and in a wide window",
    "label-content-name-mismatch": "“Aa”, which to axe might be an icon, begins its name",
}
# Opened, what stands behind “Aa” lies over the title and the lines below it: judged when closed.
HIDDEN_WHEN_OPENED = "color-contrast"
EVERY_RULE = """async (opened) => {
  if (opened) {
    for (const hidden of document.querySelectorAll("[hidden]")) hidden.hidden = false;
    for (const details of document.querySelectorAll("details")) details.open = true;
  }
  const rules = Object.fromEntries(axe.getRules().map(rule => [rule.ruleId, { enabled: true }]));
  const { violations, incomplete } = await axe.run(document, { rules });
  const named = results => results.flatMap(
    ({ id, help, nodes }) => nodes.map(node => [id, `${help}: ${node.html.slice(0, 200)}`])
  );
  return [named(violations), named(incomplete)];
}"""


@dataclass(frozen=True)
class State:
    """Every page as one visitor gets it."""

    site: Flask
    paths: list[str]
    cookie: str | None


@pytest.fixture(scope="session")
def tools() -> Path:
    try:
        checkers.install(checkers.CHECKERS)
    except checkers.NotInstalledError as error:
        leave_out(f"npm registry ({error})")
    return checkers.MODULES


@pytest.fixture(params=["first view", "after a choice"])
def state(request: pytest.FixtureRequest, make_site: MakeSite) -> State:
    site = make_site()
    visitor = Visitor(site)
    if request.param == "after a choice":
        visitor.choose("accept_all")
    pages = [path for path in addresses(site) if visitor.raw_get(path).mimetype == "text/html"]
    assert len(pages) >= 10
    session = visitor.client.get_cookie("session")
    return State(site, [*pages, "/none", "/pt/none"], session.value if session else None)


@pytest.fixture
def address(state: State) -> Iterator[str]:
    with serving(state.site) as address:
        yield address


def visitor_of(state: State) -> Visitor:
    visitor = Visitor(state.site)
    if state.cookie:
        visitor.client.set_cookie("session", state.cookie)
    return visitor


@pytest.fixture(scope="session")
def nu(tools: Path) -> CheckFiles:
    if shutil.which("java") is None:
        leave_out("Java")
    assert tools
    return checkers.nu


@pytest.fixture(scope="session")
def pa11y(tools: Path, browser: Browser) -> Check:
    assert browser.is_connected()
    script = tools.parents[1] / "pa11y.cjs"

    def check(pages: list[dict[str, str | None]]) -> list[str]:
        argument = {"pages": pages, "browser": chromium_path(), "flags": CHROMIUM_FLAGS}
        return list(checkers.node(script, argument))

    return check


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["light, wide", "dark, narrow"])
def context(
    request: pytest.FixtureRequest, browser: Browser, state: State, address: str
) -> Iterator[BrowserContext]:
    scheme, width = request.param
    context = browser.new_context(
        base_url=address, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    if state.cookie:
        context.add_cookies([{"name": "session", "value": state.cookie, "url": address}])
    yield context
    context.close()


def test_the_html_is_valid(nu: CheckFiles, state: State, tmp_path: Path) -> None:
    visitor = visitor_of(state)
    files = []
    for number, path in enumerate(state.paths):
        files.append(tmp_path / f"{number}{path.replace('/', '-')}.html")
        files[-1].write_text(visitor.get(path).response.text, encoding="utf-8")
    assert nu("html", files) == []


def test_the_confirmation_and_the_refusal_of_a_form_are_valid(
    nu: CheckFiles, make_site: MakeSite, tmp_path: Path
) -> None:
    visitor = Visitor(make_site())
    refused = visitor.post("/cookies", {"choice": "nonsense"})
    assert refused.status_code == 400
    files = [tmp_path / "refused.html", tmp_path / "confirmed.html"]
    for file, text in zip(
        files, (refused.text, visitor.choose("reject").response.text), strict=True
    ):
        file.write_text(text, encoding="utf-8")
    assert nu("html", files) == []


def test_style_and_drawings_are_valid(nu: CheckFiles) -> None:
    assert nu("css", sorted(STATIC.rglob("*.css"))) == []
    assert nu("svg", sorted(STATIC.rglob("*.svg"))) == []


def test_the_checker_sees_what_is_wrong(nu: CheckFiles, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>x</title><img src=x><section>y</section>", "utf-8")
    style = tmp_path / "style.css"
    style.write_text("p { colour: red }", encoding="utf-8")
    assert any("alt" in line for line in nu("html", [page]))
    assert any("lang" in line for line in nu("html", [page])), "a warning counts too"
    assert any("colour" in line for line in nu("css", [style]))


def test_axe_finds_nothing_with_any_of_its_rules(
    tools: Path, state: State, context: BrowserContext
) -> None:
    axe = (tools / "axe-core/axe.min.js").read_text(encoding="utf-8")
    page = context.new_page()
    wrong, undecided = [], []
    for path in state.paths:
        for opened in (False, True):
            page.goto(path)
            page.evaluate(axe)
            violations, incomplete = page.evaluate(EVERY_RULE, opened)
            wrong += [(path, *each) for each in violations]
            undecided += [
                (path, *each)
                for each in incomplete
                if not (opened and each[0] == HIDDEN_WHEN_OPENED)
            ]
    for path, rule, what in undecided:
        print(f"undecided: {path} {rule}: {what}")  # noqa: T201 - pytest shows it on demand
    assert wrong == []
    assert {rule for _, rule, _ in undecided} <= set(ANSWERED)


def test_axe_sees_what_is_wrong(tools: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<p style="color: #999">faint</p><img src="x"><p hidden>unseen</p>')
    page.evaluate((tools / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    violations, incomplete = page.evaluate(EVERY_RULE, False)  # noqa: FBT003 - JavaScript's
    page.close()
    assert {"image-alt", "color-contrast", "html-has-lang"} <= {rule for rule, _ in violations}
    assert "hidden-content" in {rule for rule, _ in incomplete}


def test_pa11y_finds_no_error(pa11y: Check, state: State, address: str) -> None:
    cookie = f"session={state.cookie}" if state.cookie else None
    assert pa11y([{"url": address + path, "cookie": cookie} for path in state.paths]) == []


def test_pa11y_sees_what_is_wrong(pa11y: Check, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><title>x</title><img src=x>", encoding="utf-8")
    assert len(pa11y([{"url": page.as_uri(), "cookie": None}])) >= 2
