"""The self-audit: nothing to find on the shipped site, and every lie of a registry found."""

import json
import os
import subprocess
import sys
from pathlib import Path
from socket import socket

import pytest
from evidence import REGISTRY
from partner import ARTICLE, partner_server, registry_with
from playwright.sync_api import Browser
from registries import necessary_only

from blueprints.consent import registry_file
from blueprints.operator.findings import Finding, Seen, State, compare

ROOT = Path(__file__).parents[2]


def audit(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
    return subprocess.run(  # noqa: S603 - our own interpreter and command
        [sys.executable, "-m", "flask", "consent", "audit", *arguments],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_the_shipped_site_keeps_its_word(tmp_path: Path, model: str) -> None:
    database = f"sqlite:///{tmp_path}/none.db"
    with socket() as numbers_of_the_site:
        numbers_of_the_site.bind(("127.0.0.1", 0))
        taken = f"127.0.0.1:{numbers_of_the_site.getsockname()[1]}"
        own = {"FLASK_SQLALCHEMY_DATABASE_URI": database, "FLASK_CONSENT_MODEL": model}
        result = audit(FLASK_METRICS_ADDRESS=taken, **own)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Nothing found" in result.stdout
    for name in ("session", "preferences", "interests"):
        assert name in result.stdout


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_a_site_with_nothing_to_choose_about_is_visited_as_it_is(
    tmp_path: Path, model: str
) -> None:
    registry = tmp_path / "registry.toml"
    registry.write_text(necessary_only(), encoding="utf-8")
    result = audit(
        FLASK_CONSENT_REGISTRY=str(registry),
        FLASK_CONSENT_MODEL=model,
        FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/none.db",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Nothing found" in result.stdout


REASON = '\njustification = { en = "It must be.", pt = "Tem de ser." }'


@pytest.mark.usefixtures("browser")
def test_every_lie_of_a_registry_is_found(tmp_path: Path) -> None:
    """The partner stores more, longer and earlier than this registry admits."""
    with partner_server() as partner:
        shipped = REGISTRY.read_text(encoding="utf-8")
        honest = registry_with(partner.address, shipped)
        statistics = 'id = "statistics"\npurpose = "{}"'
        lies = (
            ('lifetime = "PT1H"', 'lifetime = "PT1M"'),  # kept longer than declared
            ('storage = "localStorage"', 'storage = "sessionStorage"'),  # undeclared, never seen
            # Statistics posing as strictly necessary: allowed by the registry, so that it loads in
            # every state; what it stores is declared for another purpose.
            (statistics.format("personalization"), statistics.format("necessary") + REASON),
        )
        text = honest
        for old, new in lies:
            assert old in text
            text = text.replace(old, new, 1)
        cookies = text.index('[[services.cookies]]\nname = "_pt_*"')
        after = text.index('[[services]]\nid = "pixel"')
        moved = text[cookies:after]
        text = text[:cookies] + text[after:] + moved.replace("_pt_*", "_pt_i*")
        registry = tmp_path / "lying.toml"
        registry.write_text(text, encoding="utf-8")
        result = audit(
            "--json",
            FLASK_CONSENT_REGISTRY=str(registry),
            FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/none.db",
        )
    assert result.returncode == 1, result.stdout + result.stderr
    found = {
        (item["problem"], item["kind"], item["name"])
        for item in json.loads(result.stdout)["findings"]
    }
    assert ("undeclared", "cookie", "_pt_deep") in found
    assert ("not allowed", "cookie", "_pt_id") in found
    assert ("too long", "cookie", "_pt_id") in found
    assert ("undeclared", "localStorage", "_pt_store") in found
    assert ("never seen", "sessionStorage", "_pt_store") in found


@pytest.mark.usefixtures("browser")
def test_a_film_far_down_in_an_article_is_met(tmp_path: Path) -> None:
    shipped = REGISTRY.read_text(encoding="utf-8")
    words = "\n\n".join(["Words that fill a paragraph of the article. " * 20] * 60)
    with partner_server() as partner:
        with_film = registry_with(partner.address, shipped)
        player = with_film.index('[[services]]\nid = "player"')
        registry = tmp_path / "registry.toml"
        registry.write_text(shipped + with_film[player:], encoding="utf-8")
        for language in ("en", "pt"):
            (tmp_path / "texts" / language).mkdir(parents=True)
            text = ARTICLE.replace("First words.", words)
            (tmp_path / "texts" / language / "film.md").write_text(text, encoding="utf-8")
        result = audit(
            FLASK_CONSENT_REGISTRY=str(registry),
            FLASK_ARTICLES=str(tmp_path / "texts"),
            FLASK_SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/none.db",
        )
    assert f"host    {partner.address}" in result.stdout
    assert "never seen: host" not in result.stdout


def test_a_site_that_is_not_there_is_one_sentence(browser: Browser, tmp_path: Path) -> None:
    assert browser.is_connected()
    database = f"sqlite:///{tmp_path}/none.db"
    result = audit("http://127.0.0.1:1", FLASK_SQLALCHEMY_DATABASE_URI=database)
    assert result.returncode == 2
    assert "The site could not be visited" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_host_in_the_wrong_state_or_unknown_is_found(tmp_path: Path) -> None:
    text = registry_with("https://partner.example", REGISTRY.read_text(encoding="utf-8"))
    file = tmp_path / "registry.toml"
    file.write_text(text, encoding="utf-8")
    registry = registry_file.read_registry(file)
    refused = State("refused")
    seen = [
        Seen(refused, "host", "https://partner.example"),
        Seen(refused, "host", "https://unknown.example"),
    ]
    findings = compare(seen, registry)
    assert Finding("host", "https://partner.example", "not allowed", "refused") in findings
    assert Finding("host", "https://unknown.example", "undeclared", "refused") in findings
