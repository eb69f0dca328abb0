"""A site with something of everything: each kind of service, an article with a film, a long one."""

from pathlib import Path
from typing import Any

from browserlike import Visitor
from evidence import REGISTRY
from flask import Flask
from inputs import Requests
from partner import ARTICLE, registry_with

LONG = ARTICLE.replace("First", "\n".join(f"## Part {n}\n\n{'word ' * 500}" for n in range(3)))
BEHIND_A_PROXY = {"PROXY_HOPS": 1}
ON_LINE = {
    "PREFERRED_URL_SCHEME": "https",
    "TRUSTED_HOSTS": ["localhost", ".example.pt"],
    "CONSENT_MODEL": "implied",
    "PROXY_HOPS": 1,
}


def settings_of_a_full_site(folder: Path) -> dict[str, str]:
    for language in ("en", "pt"):
        texts = folder / "texts" / language
        texts.mkdir(parents=True)
        (texts / "film.md").write_text(ARTICLE, encoding="utf-8")
        (texts / "long.md").write_text(LONG, encoding="utf-8")
    registry = registry_with("https://partner.example", REGISTRY.read_text(encoding="utf-8"))
    (folder / "registry.toml").write_text(registry, encoding="utf-8")
    return {
        "ARTICLES": str(folder / "texts"),
        "CONSENT_REGISTRY": str(folder / "registry.toml"),
        "INSTANCE": str(folder / "instance"),
    }


def sessions_of(site: Flask) -> list[str]:
    """Let visitors choose; return their cookies."""
    found = []
    for ticks in ((), ("personalization",), ("personalization", "advertising")):
        visitor = Visitor(site)
        sent: dict[str, Any] = {"choice": "accept_selected" if ticks else "reject"}
        assert visitor.post("/cookies", sent | {"purposes": list(ticks)}).status_code == 303
        cookie = visitor.client.get_cookie(site.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        found.append(cookie.value)
    return found


def requests_to(site: Flask) -> Requests:
    notices = [notice.id for notice in site.extensions["notices"].in_force.values()]
    return Requests(site, sessions_of(site), notices)
