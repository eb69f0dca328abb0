"""What machines read of an article: feed, sitemap, structured data, previews, icons."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree as ET

import pytest
from addresses import addresses
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite
from PIL import Image

from blueprints.article import social_image

ATOM = "{http://www.w3.org/2005/Atom}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML_LINK = "{http://www.w3.org/1999/xhtml}link"
VIEW = Path(__file__).parents[2] / "static/img/porto.png"
HOME = {"en": "/", "pt": "/pt/"}

draw = partial(social_image.draw, site_name="InvestPorto", colour="#17457c", picture=VIEW)


def meta(page: Page, name: str) -> str:
    (found,) = page.all("meta", property=name) + page.all("meta", name=name)
    return found.get("content", "")


def path_of(address: str) -> str:
    assert address.startswith("http://localhost/"), address
    return urlsplit(address).path


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_feed_keeps_the_rules_of_rfc_4287(make_site: MakeSite, language: str) -> None:
    visitor = Visitor(make_site())
    address = HOME[language] + "feed.xml"
    answer = visitor.raw_get(address)
    assert answer.mimetype == "application/atom+xml"
    feed = ET.fromstring(answer.data)
    assert feed.tag == ATOM + "feed"
    entries = feed.findall(ATOM + "entry")
    assert len(entries) >= 1
    for element in (feed, *entries):  # 4.1.1 and 4.1.2: exactly one of each
        for name in ("id", "title", "updated"):
            (child,) = element.findall(ATOM + name)
            assert (child.text or "").strip()
        assert urlsplit(element.findtext(ATOM + "id")).scheme  # 4.2.6: an absolute IRI
        updated = datetime.fromisoformat(element.findtext(ATOM + "updated") or "")
        assert updated.tzinfo is not None  # 3.3: RFC 3339
    ids = [entry.findtext(ATOM + "id") for entry in entries]
    assert len(set(ids)) == len(ids)
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "InvestPorto"
    (itself,) = [link for link in feed.findall(ATOM + "link") if link.get("rel") == "self"]
    assert itself.get("href") == "http://localhost" + address
    for entry in entries:
        (link,) = entry.findall(ATOM + "link")
        page = visitor.get(path_of(link.get("href") or ""))
        assert entry.findtext(ATOM + "title") == text_of(page.one("h1"))
        content = entry.find(ATOM + "content")
        assert content is not None
        assert content.get("type") == "html"
        assert (content.text or "").startswith('<p id="p1">')
    assert visitor.get(HOME[language]).one("link", type="application/atom+xml").get("href") == (
        address
    )


def test_the_sitemap_lists_every_indexed_page_with_its_languages(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    assert "Sitemap: http://localhost/sitemap.xml" in visitor.raw_get("/robots.txt").text
    answer = visitor.raw_get("/sitemap.xml")
    assert answer.mimetype == "application/xml"
    urls = ET.fromstring(answer.data).findall(SITEMAP + "url")
    listed = {url.findtext(SITEMAP + "loc") for url in urls}
    for url in urls:
        page = visitor.get(path_of(url.findtext(SITEMAP + "loc") or ""))
        assert page.one("link", rel="canonical").get("href") == url.findtext(SITEMAP + "loc")
        assert not page.all("meta", name="robots"), "a page that is noindex is listed"
        said = {link.get("hreflang"): link.get("href") for link in url.findall(XHTML_LINK)}
        shown = {
            link.get("hreflang"): link.get("href")
            for link in page.all("link", rel="alternate")
            if link.get("hreflang")
        }
        assert said == shown
        assert said["x-default"] == said["en"]
        assert set(said.values()) <= listed
    pages = [*addresses(visitor.site)]
    for archive in ("/articles", "/pt/artigos"):
        links = visitor.get(archive).one("main").iter(HTML + "a")
        pages += [link.get("href") or "" for link in links]
    may_be_shown = set()
    for path in pages:
        answer = visitor.raw_get(path)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            page = Page(answer)
            if not page.all("meta", name="robots"):
                may_be_shown.add(page.one("link", rel="canonical").get("href"))
    assert listed == may_be_shown


@pytest.mark.parametrize("path", ["/cookies", "/pt/cookies", "/none"])
def test_what_is_about_one_visitor_is_kept_out_of_search_engines(
    make_site: MakeSite, path: str
) -> None:
    page = Visitor(make_site()).get(path)
    assert page.one("meta", name="robots").get("content") == "noindex"


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_structured_data_says_what_the_page_says(make_site: MakeSite, language: str) -> None:
    page = Visitor(make_site()).get(HOME[language])
    (script,) = page.all("script", type="application/ld+json")
    data = json.loads("".join(script.itertext()))
    assert data["@type"] == "NewsArticle"
    assert data["headline"] == text_of(page.one("h1"))
    assert data["inLanguage"] == language
    assert data["datePublished"] == page.all("time")[0].get("datetime")
    assert data["mainEntityOfPage"] == page.one("link", rel="canonical").get("href")
    assert data["image"] == [meta(page, "og:image")]
    assert data["publisher"]["name"] == "InvestPorto"


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_link_to_the_article_has_a_preview(make_site: MakeSite, language: str) -> None:
    visitor = Visitor(make_site())
    page = visitor.get(HOME[language])
    assert meta(page, "og:title") == text_of(page.one("h1"))
    assert meta(page, "og:description") == meta(page, "description")
    assert meta(page, "og:url") == page.one("link", rel="canonical").get("href")
    path = path_of(meta(page, "og:image"))
    answer = visitor.raw_get(path)
    assert answer.mimetype == "image/png"
    picture = Image.open(io.BytesIO(answer.data))
    size = (meta(page, "og:image:width"), meta(page, "og:image:height"))
    assert tuple(map(str, picture.size)) == size == ("1200", "630")
    assert visitor.raw_get(path, If_None_Match=answer.headers["ETag"]).status_code == 304


def test_each_title_has_a_picture_of_its_own_however_long(make_site: MakeSite) -> None:
    titles = ["Porto", "Açores, São João e o Minho", "uma palavra " * 60, "x" * 300]
    pictures = {draw(title) for title in titles}
    assert len(pictures) == len(titles)
    assert Visitor(make_site()).raw_get("/articles/none/social.png").status_code == 404


def test_many_who_ask_for_one_picture_at_once_have_it_drawn_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[Any] = []
    new = Image.new

    def counted(*size: Any) -> Image.Image:  # noqa: ANN401 - what Pillow takes
        drawn.append(size)
        return new(*size)

    monkeypatch.setattr(Image, "new", counted)
    with ThreadPoolExecutor(20) as clients:
        pictures = set(clients.map(draw, ["asked for by many"] * 20))
    assert len(pictures) == 1
    assert [size for size in drawn if size[1] == (1200, 630)] == drawn[:1]


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_ids_of_the_feed_stay_when_the_site_moves(make_site: MakeSite, language: str) -> None:
    site, ids = make_site(), set()
    for host in ("localhost", "www.example.pt", "www.example.pt:8443"):
        feed = ET.fromstring(Visitor(site).raw_get(f"{HOME[language]}feed.xml", Host=host).data)
        ids.add(tuple(found.text for found in feed.iter(ATOM + "id")))
    (found,) = ids
    assert all((name or "").startswith("tag:privacy@investporto.example,2026:") for name in found)
    assert len(set(found)) == len(found)


def test_icons_and_manifest_are_there(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    page = visitor.get("/")
    manifest = page.one("link", rel="manifest").get("href") or ""
    answer = visitor.raw_get(manifest)
    assert answer.mimetype == "application/manifest+json"
    icons = json.loads(answer.data)["icons"]
    addresses = [(urljoin(manifest, icon["src"]), icon["sizes"]) for icon in icons]
    addresses.append((page.one("link", rel="apple-touch-icon").get("href") or "", "180x180"))
    for address, sizes in addresses:
        icon = visitor.raw_get(address)
        assert icon.status_code == 200
        if sizes != "any":
            assert "{}x{}".format(*Image.open(io.BytesIO(icon.data)).size) == sizes
    assert (visitor.raw_get("/favicon.ico").mimetype or "").startswith("image/")
