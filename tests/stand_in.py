"""The rest of the web: one server under every name, which does what the services of the recipes do.

It stores what they store, contacts whom they contact, and tells who was asked for what.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certificate import certify
from conftest import CHROMIUM_FLAGS, chromium_path
from flask import Flask, Response, request
from playwright.sync_api import Browser, BrowserType
from served import serving

# As Google's own: nothing is sent until a tag has been configured, and nothing without a grant.
TAG = """
for (const [what, id, how] of window.dataLayer.filter((entry) => entry[0] === "config")) {
  document.cookie = `_ga=1; path=/; max-age=${how.cookie_expires}`;
  const consent = window.dataLayer.filter((entry) => entry[0] === "consent").at(-1)[2];
  const address = `https://region1.google-analytics.com/g/collect?tid=${id}`;
  fetch(`${address}&granted=${consent.analytics_storage}`, { method: "POST", mode: "no-cors" });
}
"""
CONTAINER = """
if (window.dataLayer.some((entry) => entry.event === "gtm.js")) {
  window.gtag("config", "G-ABC123DEF4", { cookie_expires: 33696000 });
  const script = document.createElement("script");
  script.src = "https://www.googletagmanager.com/gtag/js?id=G-ABC123DEF4";
  document.head.append(script);
}
"""
MATOMO = """
document.cookie = "_pk_id.1.1fff=1; path=/; max-age=33955200";
document.cookie = "_pk_ses.1.1fff=1; path=/; max-age=1800";
fetch("https://%s/matomo.php?idsite=1", { method: "POST", mode: "no-cors" });
"""
# In a frame Chromium lets others keep nothing, so the films store nothing either.
FILM = "<!doctype html><p>Film %s</p>"
MAP = "<!doctype html><img src='https://tile.openstreetmap.org/13/3899/3074.png' alt=''>"

Asked = list[tuple[str, str]]  # host, and path with what follows a question mark


def stand_in(asked: Asked) -> Flask:
    site = Flask("stand_in")

    @site.before_request
    def note() -> None:
        asked.append((request.host.partition(":")[0], request.full_path.rstrip("?")))

    def script(text: str) -> Response:
        return Response(text, mimetype="text/javascript")

    site.add_url_rule("/gtag/js", "tag", lambda: script(TAG))
    site.add_url_rule("/gtm.js", "container", lambda: script(CONTAINER))
    site.add_url_rule("/js/container_abc.js", "own", lambda: script(MATOMO % request.host))
    site.add_url_rule("/<host>/container_abc.js", "cloud", lambda host: script(MATOMO % host))
    site.add_url_rule("/embed/<film>", "youtube", lambda film: FILM % film)
    site.add_url_rule("/video/<film>", "vimeo", lambda film: FILM % film)
    site.add_url_rule("/export/embed.html", "map", lambda: MAP)

    @site.route("/g/collect", methods=["POST"])
    @site.route("/matomo.php", methods=["POST"])
    @site.route("/<int:z>/<int:x>/<int:y>.png")
    def nothing(**_place: int) -> tuple[str, int]:
        return "", 204

    return site


@contextmanager
def web(folder: Path, chromium: BrowserType) -> Iterator[tuple[Browser, Asked]]:
    """Start a browser for which every name but this machine's leads to the stand-in."""
    asked: Asked = []
    certificate = certify(folder, "stand-in")
    with serving(stand_in(asked), certificate) as address:
        there = address.partition("://")[2]
        flags = [
            *CHROMIUM_FLAGS,
            f"--host-resolver-rules=MAP * {there}, EXCLUDE 127.0.0.1",
            "--ignore-certificate-errors",
        ]
        browser = chromium.launch(executable_path=chromium_path(), args=flags)
        yield browser, asked
        browser.close()
