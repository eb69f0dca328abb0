"""Signals from and to others: Global Privacy Control and Google Consent Mode."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from browserlike import Visitor
from conftest import MakeSite, serving
from evidence import REGISTRY
from flask import Flask
from partner import Partner, partner_server
from playwright.sync_api import Browser


@pytest.fixture
def partner() -> Iterator[Partner]:
    with partner_server() as server:
        yield server


@pytest.fixture
def site(make_site: MakeSite, tmp_path: Path, partner: Partner) -> Flask:
    """A site with a service that asks for Consent Mode; the partner stands in for Google."""
    registry = tmp_path / "registry.toml"
    registry.write_text(
        REGISTRY.read_text(encoding="utf-8")
        + f"""
[[services]]
id = "tag"
purpose = "advertising"
name = "Tag"
vendor = "Partner"
country = "IE"
privacy = "https://partner.example/privacy"
hosts = {{ script = ["{partner.address}"] }}
script = {{ address = "{partner.address}/track.js" }}
consent_mode = ["ad_storage", "ad_user_data", "ad_personalization"]
""",
        encoding="utf-8",
    )
    return make_site(CONSENT_REGISTRY=str(registry))


def test_gpc_support_is_announced(make_site: MakeSite) -> None:
    answer = Visitor(make_site()).raw_get("/.well-known/gpc.json")
    assert answer.mimetype == "application/json"
    assert answer.json is not None
    assert answer.json["gpc"] is True
    assert date.fromisoformat(answer.json["lastUpdate"]) <= date.today()  # noqa: DTZ011


def test_the_banner_shows_that_the_signal_is_honoured(make_site: MakeSite) -> None:
    site = make_site()
    assert "signal is honoured" in Visitor(site, Sec_GPC="1").get("/").text
    assert "signal is honoured" not in Visitor(site).get("/").text


def test_consent_mode_denies_all_by_default_and_updates_once(
    browser: Browser, site: Flask, partner: Partner
) -> None:
    with serving(site) as address:
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.goto("/", wait_until="networkidle")
        assert partner.asked == []
        assert page.evaluate("window.dataLayer") is None
        page.get_by_label("Personalised content").check()
        page.get_by_role("button", name="Accept selected cookies").click()
        page.goto("/", wait_until="networkidle")
        assert partner.asked == []
        assert page.evaluate("window.dataLayer") is None
        page.goto("/cookies")
        page.get_by_role("button", name="Accept all").click()
        page.wait_for_load_state("networkidle")
        assert partner.asked == ["/track.js"]
        layer = page.evaluate("window.dataLayer.map((entry) => Array.from(entry))")
        denied = dict.fromkeys(
            ["ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"], "denied"
        )
        granted = dict.fromkeys(["ad_storage", "ad_user_data", "ad_personalization"], "granted")
        assert layer == [
            ["consent", "default", denied],
            ["consent", "update", denied | granted],
        ]
        context.close()
