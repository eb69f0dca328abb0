"""A partner's server on a port of its own: it counts who asks, and tries to store something."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evidence import REGISTRY
from flask import Flask, Response, request
from jinja2 import ChoiceLoader, DictLoader
from served import serving

PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
SCRIPT = """
document.cookie = "_pt_id=abc; path=/; max-age=3600";
document.cookie = "_pt_deep=abc; max-age=3600";
localStorage.setItem("_pt_store", "1");
document.documentElement.setAttribute("data-tracked", "yes");
"""


# As Google's own script does: it sends nothing until it has been configured.
GOOGLE = """
for (const [what, id, how] of window.dataLayer) {
  if (what !== "config") continue;
  document.cookie = `_ga=abc; path=/; max-age=${how.cookie_expires}`;
  fetch(`${new URL(document.currentScript.src).origin}/collect?tid=${id}`);
}
"""


class Partner:
    def __init__(self, address: str, asked: list[str], referrers: set[str | None]) -> None:
        self.address = address
        self.asked = asked  # the path of every request that reached the partner
        self.referrers = referrers  # and from where they say that they come


@contextmanager
def partner_server() -> Iterator[Partner]:
    site = Flask("partner")
    asked: list[str] = []
    referrers: set[str | None] = set()
    site.before_request(lambda: asked.append(request.path))
    site.before_request(lambda: referrers.add(request.referrer))

    @site.get("/track.js")
    def script() -> Response:
        return Response(SCRIPT, mimetype="text/javascript")

    @site.get("/gtag.js")
    def google() -> Response:
        return Response(GOOGLE, mimetype="text/javascript")

    @site.get("/collect")
    def collect() -> Response:
        return Response(status=204, headers={"Access-Control-Allow-Origin": "*"})

    @site.get("/pixel.gif")
    def pixel() -> Response:
        return Response(PIXEL, mimetype="image/gif")

    @site.get("/player/<name>")
    def player(name: str) -> str:
        return f"<!doctype html><title>player</title><p>Playing {name}</p>"

    with serving(site) as address:
        yield Partner(address, asked, referrers)


def registry_with(partner: str, shipped: str) -> str:
    """The shipped registry and three services of the partner, one for each way into a page."""
    return f"""{shipped}
[[services]]
id = "statistics"
purpose = "personalization"
name = "Partner statistics"
vendor = "Partner"
country = "PT"
privacy = "https://partner.example/privacy"
hosts = {{ script = ["{partner}"] }}
script = {{ address = "{partner}/track.js", attributes = {{ data-site = "7" }} }}

[[services.cookies]]
name = "_pt_*"
storage = "cookie"
party = "first"
lifetime = "PT1H"
path = "/articles"
purpose = {{ en = "Counts", pt = "Conta" }}

[[services.cookies]]
name = "_pt_store"
storage = "localStorage"
party = "first"
lifetime = "P1Y"
purpose = {{ en = "Counts", pt = "Conta" }}

[[services]]
id = "pixel"
purpose = "advertising"
name = "Partner pixel"
vendor = "Partner"
country = "PT"
privacy = "https://partner.example/privacy"
hosts = {{ img = ["{partner}"] }}
pixel = {{ address = "{partner}/pixel.gif" }}

[[services]]
id = "player"
purpose = "personalization"
name = "Partner player"
vendor = "Partner"
country = "PT"
privacy = "https://partner.example/privacy"
hosts = {{ frame = ["{partner}"] }}
embed = {{ address = "{partner}/player/{{id}}", width = 560, height = 315 }}
"""


ARTICLE = """---
title: An article with a film
date: 2026-01-02
summary: A summary
topics: [smart-cities]
---
First words.

![A film about Porto](embed:player/porto-1)

Last words.
"""


def paste_by_mistake(site: Flask, partner: str) -> None:
    """Put into a template of the site what belongs in the registry. A text would be refused."""
    pasted = f"""<script src="{partner}/track.js"></script>
<img src="{partner}/pixel.gif" alt="">
<iframe src="{partner}/player/pasted" title="pasted"></iframe>
"""
    mistake = DictLoader({"article/share.html": pasted})
    site.jinja_env.loader = ChoiceLoader([mistake, site.jinja_env.loader or mistake])


def site_with_partner(
    make_site: Callable[..., Flask], folder: Path, partner: Partner, text: str
) -> Flask:
    """Make a site with the partner's services and, in both languages, this article."""
    registry = folder / "registry.toml"
    shipped = REGISTRY.read_text(encoding="utf-8")
    registry.write_text(registry_with(partner.address, shipped), encoding="utf-8")
    for language in ("en", "pt"):
        (folder / "texts" / language).mkdir(parents=True)
        (folder / "texts" / language / "film.md").write_text(text, encoding="utf-8")
    return make_site(CONSENT_REGISTRY=str(registry), ARTICLES=str(folder / "texts"))
