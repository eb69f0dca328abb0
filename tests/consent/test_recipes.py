"""The recipes of blueprints/consent/RECIPES.md, each run word for word against a stand-in."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browserlike import Visitor
from conftest import MakeSite
from evidence import REGISTRY
from flask import Flask
from playwright.sync_api import Browser
from served import serving
from stand_in import Asked, web

from blueprints.consent.choices import Model
from blueprints.consent.registry import Registry
from blueprints.operator.browser import look
from blueprints.operator.findings import compare, states

pytestmark = [pytest.mark.slow, pytest.mark.needs("operator"), pytest.mark.xdist_group("recipes")]

RECIPES = REGISTRY.with_name("RECIPES.md")
BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"`(!\[.+?\]\(embed:.+?\))`")
ARTICLE = """---
title: What is shown here
date: 2026-01-02
summary: A summary
---
Words.

{}
"""

STATES = {"no choice", "accepted", "withdrawn"}  # those in which a recipe can go wrong

GOOGLE = "www.googletagmanager.com", "region1.google-analytics.com"
COLLECTED = "/g/collect?tid=G-ABC123DEF4&granted=granted"
# Whom each contacts once it is accepted, and what arrives there.
ARRIVES = {
    "A Matomo of your own": ({"stats.example.pt"}, "/matomo.php?idsite=1"),
    "Matomo Cloud": ({"cdn.matomo.cloud", "example.matomo.cloud"}, "/matomo.php?idsite=1"),
    "YouTube": ({"www.youtube-nocookie.com"}, "/embed/VIDEO_ID"),
    "Vimeo": ({"player.vimeo.com"}, "/video/123456789?dnt=1"),
    "OpenStreetMap": (
        {"www.openstreetmap.org", "tile.openstreetmap.org"},
        "/export/embed.html?bbox=-8.63,41.13,-8.59,41.16&layer=mapnik",
    ),
    "Google Analytics 4": ({*GOOGLE}, COLLECTED),
    "A tag manager": ({*GOOGLE}, COLLECTED),
}


def recipes() -> dict[str, str]:
    sections = RECIPES.read_text(encoding="utf-8").split("\n## ")[1:]
    return {section.partition("\n")[0]: section for section in sections}


@pytest.fixture(scope="module")
def stand_in(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Browser, Asked]]:
    folder = tmp_path_factory.mktemp("stand_in")
    with web(folder, browser.browser_type) as browser_and_asked:
        yield browser_and_asked


def site_of(recipe: str, make_site: MakeSite, folder: Path) -> Flask:
    (block,) = BLOCK.findall(recipe)
    registry = folder / "registry.toml"
    registry.write_text(f"{REGISTRY.read_text(encoding='utf-8')}\n{block}", encoding="utf-8")
    text = ARTICLE.format("".join(LINE.findall(recipe)))
    for language in ("en", "pt"):
        (folder / "texts" / language).mkdir(parents=True)
        (folder / "texts" / language / "here.md").write_text(text, encoding="utf-8")
    return make_site(CONSENT_REGISTRY=str(registry), ARTICLES=str(folder / "texts"))


def policy_of(visitor: Visitor, *, framed: bool) -> dict[str, set[str]]:
    page = visitor.frame("/articles/here/embeds/1") if framed else visitor.get("/")
    directives = page.response.headers["Content-Security-Policy"].split(";")
    return {name: set(sources) for name, *sources in map(str.split, directives)}


def test_each_recipe_is_run() -> None:
    assert recipes().keys() == ARRIVES.keys()


@pytest.mark.parametrize("name", ARRIVES)
def test_a_recipe_contacts_whom_it_names_once_accepted_and_nobody_before(
    make_site: MakeSite, tmp_path: Path, stand_in: tuple[Browser, Asked], name: str
) -> None:
    browser, asked = stand_in
    site = site_of(recipes()[name], make_site, tmp_path)
    registry: Registry = site.extensions["registry"]
    service, (hosts, arrives) = registry.services[-1], ARRIVES[name]
    seen = []
    with serving(site) as address:
        for state in (each for each in states(registry, Model.OPT_IN) if each.name in STATES):
            asked.clear()
            seen += look(browser, address, registry, state)
            is_given = state.name in {"accepted", "withdrawn"}  # at first
            # A browser asks others for itself as well; whom a page asks is compared below.
            assert {host for host, _path in asked} & hosts == (hosts if is_given else set())
            assert (arrives in {path for _host, path in asked}) is is_given
    assert [finding for finding in compare(seen, registry) if not finding.is_note] == []
    stored = {cookie.name for cookie in service.cookies if cookie.party == "first"}
    met = {name for name in stored if any(item.name.startswith(name.strip("*")) for item in seen)}
    assert met == stored


@pytest.mark.parametrize("name", ARRIVES)
def test_the_policy_of_a_recipe_has_its_hosts_and_no_others(
    make_site: MakeSite, tmp_path: Path, name: str
) -> None:
    site = site_of(recipes()[name], make_site, tmp_path)
    service = site.extensions["registry"].services[-1]
    visitor, is_framed = Visitor(site), service.embed is not None
    before = policy_of(visitor, framed=is_framed)
    visitor.choose("accept_all")
    visitor.get("/")
    after = policy_of(visitor, framed=is_framed)
    added = {kind: sources - before.get(kind, set()) for kind, sources in after.items()}
    declared = {f"{kind}-src": set(hosts) for kind, hosts in service.hosts.items()}
    assert {kind: sources for kind, sources in added.items() if sources} == declared
    assert {urlsplit(host).scheme for hosts in declared.values() for host in hosts} == {"https"}
