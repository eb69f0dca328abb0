"""A visitor with a browser: keeps cookies, reads each form as it was served and submits it, sends
what browsers send, and checks every HTML answer on the way.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from werkzeug.test import TestResponse

HTML = "{http://www.w3.org/1999/xhtml}"
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"  # of an opened page
# Written down once more, and whole, so that no change of one passes unnoticed.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), "
    "geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), "
    "payment=(), serial=(), usb=()",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Where these stand besides, a page shows something of others, or a frame of its own.
MAY_BE_WIDER = {"script-src", "style-src", "img-src", "connect-src", "frame-src", "font-src"}
MAY_BE_WIDER |= {"media-src", "frame-ancestors"}
VARY = {"Cookie", "Sec-GPC", "Accept-Encoding"}
PUBLIC = "public, max-age=0, must-revalidate, s-maxage=60"
CACHE_CONTROL = {"no-store", PUBLIC, "private, no-cache"}
KEPT_OTHERWISE = {"/consent/seals.json": {"public, max-age=60"}, "/favicon.ico": {"no-cache"}}
SECURE = {"Strict-Transport-Security": "max-age=63072000"}


def policy_of(response: TestResponse) -> dict[str, str]:
    """Return the Content-Security-Policy of an answer, directive by directive."""
    parts = response.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def check_headers(response: TestResponse, *, over_https: bool = False) -> None:
    """See that an answer has every header of ours, whole and once."""
    wanted = HEADERS | (SECURE if over_https else {})
    for name, value in wanted.items():
        assert response.headers.getlist(name) == [value], name
    assert set(response.headers["Vary"].split(", ")) >= VARY
    (cache_control,) = response.headers.getlist("Cache-Control")
    assert cache_control in KEPT_OTHERWISE.get(response.request.path, CACHE_CONTROL)
    assert "Set-Cookie" not in response.headers or not cache_control.startswith("public")
    policy = policy_of(response)
    for directive, sources in POLICY.items():
        if directive not in MAY_BE_WIDER:
            assert policy[directive] == sources
        elif directive != "frame-ancestors":
            assert sources in policy[directive].split(" "), directive
    assert set(policy) <= set(POLICY) | MAY_BE_WIDER
    assert not any("unsafe" in sources or "*" in sources for sources in policy.values())


def text_of(element: Element) -> str:
    """Return the words of an element as a reader sees them."""
    return " ".join("".join(element.itertext()).split())


@lru_cache(maxsize=200)
def parse(text: str) -> Element:
    """Return the tree of a page as a browser makes it; an error in the HTML fails the test.

    Most pages that tests look at were served to a test before, byte for byte.
    """
    tree: Element = html5lib.HTMLParser(strict=True).parse(text)
    return tree


class Page:
    """One HTML answer, parsed as a browser parses it, and checked."""

    def __init__(self, response: TestResponse, site_name: str = "InvestPorto") -> None:
        self.site_name = site_name
        self.response = response
        self.status = response.status_code
        self.path = response.request.path
        self.is_secure = "Strict-Transport-Security" in response.headers
        self.root = parse(response.get_data(as_text=True))
        self._check()
        self._check_surroundings()

    def all(self, tag: str, **attributes: str) -> list[Element]:
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            element
            for element in self.root.iter(HTML + tag)
            if all(element.get(key) == value for key, value in wanted.items())
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} x {tag} {attributes} on {self.path}"
        return found[0]

    @property
    def text(self) -> str:
        return text_of(self.one("body"))

    @property
    def banner(self) -> Element | None:
        """The form that asks, above the page; None once it is gone."""
        found = [
            form
            for region in self.all("div", role="region")
            for form in region.iter(HTML + "form")
            if form.get("action", "").endswith("/cookies")
        ]
        return found[0] if found else None

    @property
    def confirmation(self) -> str | None:
        found = self.all("div", role="status")
        return text_of(found[0]) if found else None

    def form(self, action: str) -> Element:
        found = [form for form in self.all("form") if form.get("action") == action]
        assert len(found) == 1, f"{len(found)} forms to {action} on {self.path}"
        return found[0]

    def _check(self) -> None:
        ids = [element.get("id") for element in self.root.iter() if element.get("id")]
        assert len(ids) == len(set(ids)), "an id stands there twice"
        labelled = {label.get("for") for label in self.all("label")}
        inside = {id(field) for label in self.all("label") for field in label.iter(HTML + "input")}
        for field in self.all("input"):
            named = field.get("id") in labelled or id(field) in inside
            assert field.get("type") == "hidden" or named
        for element in self.root.iter():
            assert not [
                name for name in list(element.keys()) if name == "style" or name[:2] == "on"
            ]
            may_have_title = element.tag in {HTML + "link", HTML + "iframe"}
            assert may_have_title or not element.get("title"), "many never meet a tooltip"
        self._check_style()
        for script in self.all("script"):
            if script.get("type") == "application/ld+json":  # data, which no browser runs
                json.loads("".join(script.itertext()))
            else:
                assert script.get("src"), "a script stands in the page itself"
        check_headers(self.response, over_https=self.is_secure)
        assert self.one("html").get("lang") == ("pt" if self.path.startswith("/pt/") else "en")

    def _check_style(self) -> None:
        """See that the stylesheet of a first view stands in it, by its hash, and no other does."""
        texts = ["".join(style.itertext()) for style in self.all("style")]
        sources = policy_of(self.response)["style-src"].split(" ")
        digests = [b64encode(sha256(text.encode()).digest()).decode() for text in texts]
        assert [f"'sha256-{digest}'" for digest in digests] == [
            source for source in sources if source.startswith("'sha256-")
        ]
        assert not texts or "Cookie" not in self.response.request.headers

    def _check_surroundings(self) -> None:
        (heading,) = self.all("h1")
        assert text_of(self.one("title")) == f"{text_of(heading)} – {self.site_name}"
        settings = "/pt/cookies" if self.path.startswith("/pt/") else "/cookies"
        (footer,) = self.all("footer")[-1:]
        assert settings in [link.get("href") for link in footer.iter(HTML + "a")]


class Frame(Page):
    """The small page of an embed, in a frame of an article: only pages of this site may show it."""

    def _check_surroundings(self) -> None:
        assert text_of(self.one("title")).endswith(f" – {self.site_name}")
        assert self.one("meta", name="robots").get("content") == "noindex"
        assert "frame-ancestors 'self'" in self.response.headers["Content-Security-Policy"]
        assert self.one("base").get("target") == "_top"
        assert all(form.get("target") == "_self" for form in self.all("form"))


class Visitor:
    def __init__(self, site: Flask, **headers: str) -> None:
        """`headers` go with every request, `Sec_GPC="1"` for one."""
        self.site = site
        self.client = site.test_client()
        self.headers = {key.replace("_", "-"): value for key, value in headers.items()}

    def get(self, path: str, **headers: str) -> Page:
        return Page(self.raw_get(path, **headers), self.site.extensions["site"].name)

    def frame(self, path: str, **headers: str) -> Frame:
        """Open the small page of an embed as a browser does for the article around it."""
        sent = {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Dest": "iframe"} | headers
        return Frame(self.raw_get(path, **sent), self.site.extensions["site"].name)

    def raw_get(self, path: str, **headers: str) -> TestResponse:
        sent = {"Accept": ACCEPT} | self.headers
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        # A Cookie header of the test's own: the client's jar would replace it.
        client = self.site.test_client(use_cookies=False) if "Cookie" in sent else self.client
        response = client.get(path, headers=sent)
        response.get_data()  # A file is read to its end and closed, as a browser does.
        response.close()
        return response

    def post(self, path: str, data: Mapping[str, Any], **headers: str) -> TestResponse:
        """Send a form as a browser on this site does."""
        sent = {"Sec-Fetch-Site": "same-origin"} | self.headers
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        client = self.site.test_client(use_cookies=False) if "Cookie" in sent else self.client
        return client.post(path, data=data, headers=sent)

    def submit(
        self, form: Element | None, button: str = "", ticks: tuple[str, ...] | None = None
    ) -> TestResponse:
        """Press a button of the form as it was served; `ticks` replaces the ticked purposes."""
        assert form is not None, "there is no form to submit"
        sent: dict[str, list[str]] = {}
        for field in form.iter(HTML + "input"):
            name, value = field.get("name", ""), field.get("value", "")
            if field.get("type") in {"checkbox", "radio"}:
                on = field.get("checked") is not None if ticks is None else value in ticks
                if not on:
                    continue
            sent.setdefault(name, []).append(value)
        for element in form.iter(HTML + "button"):
            if element.get("value") == button and element.get("name"):
                sent[element.get("name", "")] = [button]
                break
        else:
            assert not button, f"the form has no button {button!r}"
        return self.post(form.get("action", ""), sent)

    def choose(self, button: str, ticks: tuple[str, ...] | None = None, path: str = "/") -> Page:
        """Open a page, press a button of its banner, and return the page that comes next."""
        answer = self.submit(self.get(path).banner, button, ticks)
        assert answer.status_code == 303, answer.status
        return self.get(answer.headers["Location"])

    @property
    def cookies(self) -> set[str]:
        sent = self.client.get("/robots.txt").request.headers.get("Cookie", "")
        return {pair.partition("=")[0] for pair in sent.split("; ") if pair}
