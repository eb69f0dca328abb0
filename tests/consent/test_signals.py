"""Signals from and to others: Global Privacy Control and Google Consent Mode."""

import re
import time
from datetime import date
from pathlib import Path

import pytest
from browserlike import Visitor
from conftest import MakeSite
from evidence import REGISTRY, records, session_cookie
from flask import Flask
from partner import Partner
from playwright.sync_api import Browser
from registries import NEW_PURPOSE, shipped_with
from served import serving

pytestmark = pytest.mark.stores("sqlite")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path: Path, partner: Partner) -> dict[str, str]:
    """A service asks for Consent Mode; the partner stands in for Google."""
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
    return {"CONSENT_REGISTRY": str(registry)}


def test_gpc_support_is_announced(make_site: MakeSite) -> None:
    answer = Visitor(make_site()).raw_get("/.well-known/gpc.json")
    assert answer.mimetype == "application/json"
    assert answer.json is not None
    assert answer.json["gpc"] is True
    assert date.fromisoformat(answer.json["lastUpdate"]) <= date.today()  # noqa: DTZ011


def test_no_string_of_the_advertising_trade_is_made_up() -> None:
    """Who calls __tcfapi relies on a consent of the IAB's kind, which nobody here asks for."""
    offered = [file for folder in ("templates", "static/js") for file in (ROOT / folder).rglob("*")]
    texts = [file.read_text(encoding="utf-8") for file in offered if file.is_file()]
    assert len(texts) > 20
    assert not any(name in text for text in texts for name in ("__tcfapi", "__gpp", "euconsent"))


def test_the_banner_shows_that_the_signal_is_honoured(make_site: MakeSite) -> None:
    site = make_site()
    assert "signal is honoured" in Visitor(site, Sec_GPC="1").get("/").text
    assert "signal is honoured" not in Visitor(site).get("/").text
    words = "Publicidade personalizada: não se propõe nem ativa (sinal de privacidade"
    assert words in Visitor(site, Sec_GPC="1").get("/pt/").text


def test_a_banner_that_asks_again_still_asks_for_nothing_that_the_signal_refuses(
    make_site: MakeSite,
) -> None:
    """Its first answer is a refusal in the log, and no reason to ask."""
    visitor = Visitor(make_site(), Sec_GPC="1")
    visitor.choose("accept_all")
    later = Visitor(make_site(registry=shipped_with(more=NEW_PURPOSE)), Sec_GPC="1")
    later.client.set_cookie("session", session_cookie(visitor))
    page = later.choose("accept_all")
    assert page.confirmation is not None
    assert records(later.site)[-1].statuses == {
        "personalization": "given",
        "advertising": "refused",
        "statistics": "given",
    }
    later.post("/cookies", {"choice": "accept_selected", "purposes": "advertising"})
    boxes = later.get("/cookies").all("input", checked="")
    assert [box.get("value") for box in boxes] == ["advertising"], "whoever asks for it has it"


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


TAG = "G-ABC123DEF4"


def test_a_google_tag_sends_once_its_purpose_is_given_and_not_before(
    browser: Browser, make_site: MakeSite, partner: Partner
) -> None:
    """With the very lines of the recipe; the partner stands in for Google."""
    recipes = REGISTRY.with_name("RECIPES.md").read_text(encoding="utf-8")
    (example,) = (part for part in recipes.split("```toml")[1:] if f'tag_id = "{TAG}"' in part)
    here = f'["{partner.address}"]'
    lines = re.sub("hosts = .*", f"hosts = {{ script = {here}, connect = {here} }}", example)
    lines = re.sub("https://www.googletagmanager.com/gtag/js", f"{partner.address}/gtag.js", lines)
    with serving(
        make_site(registry=REGISTRY.read_text("utf-8") + lines.partition("```")[0])
    ) as address:
        context = browser.new_context(base_url=address)
        page = context.new_page()
        page.goto("/")
        page.get_by_role("button", name="Reject optional cookies").click()
        page.goto("/", wait_until="networkidle")
        assert partner.asked == []
        page.goto("/cookies")
        page.get_by_role("button", name="Accept all").click()
        page.wait_for_load_state("networkidle")
        assert partner.asked == ["/gtag.js", "/collect"]
        names = page.evaluate("window.dataLayer.map((entry) => [entry[0], String(entry[1])])")
        assert [what for what, _about in names] == ["consent", "consent", "js", "config"]
        assert names[3][1] == TAG
        (kept,) = (cookie for cookie in context.cookies() if cookie["name"] == "_ga")
        assert 389 < (kept["expires"] - time.time()) / 24 / 60 / 60 < 391, "13 months at most"
        page.get_by_role("button", name="Withdraw consent").click()
        page.wait_for_load_state("networkidle")
        page.goto("/", wait_until="networkidle")
        assert partner.asked == ["/gtag.js", "/collect"]
        assert "_ga" not in {cookie["name"] for cookie in context.cookies()}
        context.close()
