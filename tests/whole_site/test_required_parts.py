"""What a reader must find on a page, in both languages: a part that is gone is noticed."""

import re

import pytest
from addresses import addresses
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite
from registries import SHIPPED

from blueprints.consent.registry_file import read_registry

REGISTRY = read_registry(SHIPPED)
LANGUAGES = ["en", "pt"]
WAY = {"en": "", "pt": "/pt"}
COLUMNS = {
    "en": ["Name", "Who sets it", "What it is for", "How long", "First or third party"],
    "pt": ["Nome", "Quem o cria", "Para que serve", "Duração", "Próprio ou de terceiros"],
}
PARTY = {
    "en": {"first": "First party", "third": "Third party"},
    "pt": {"first": "Próprio", "third": "De terceiros"},
}
SECTIONS = {
    "en": [
        "Who is responsible",
        "For what, and on what legal basis",
        "What we keep when you choose",
        "Cookies",
        "Who else receives something",
        "Your rights",
    ],
    "pt": [
        "Quem é responsável",
        "Para quê, e com que fundamento",
        "O que guardamos quando escolhe",
        "Cookies",
        "Quem mais recebe alguma coisa",
        "Os seus direitos",
    ],
}


def rows_of(page: Page) -> list[list[str]]:
    """Every row of every table of cookies, cell by cell."""
    return [
        [text_of(cell) for cell in row]
        for body in page.all("tbody")
        for row in body.iter(HTML + "tr")
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_settings_page_tells_of_every_cookie_all_that_there_is_to_tell(
    make_site: MakeSite, language: str
) -> None:
    page = Visitor(make_site()).get(WAY[language] + "/cookies")
    for head in page.all("thead"):
        assert [text_of(cell) for cell in head.iter(HTML + "th")] == COLUMNS[language]
    rows = iter(rows_of(page))
    described = {summary.get("aria-describedby") for summary in page.all("summary")}
    names = {text_of(each) for each in page.root.iter() if each.get("id") in described}
    for purpose in REGISTRY.purposes:
        assert purpose.name[language] in names
        assert purpose.name[language] in page.text
        assert purpose.description[language] in page.text
        for service in REGISTRY.services_for(purpose):
            for cookie in service.cookies:
                name, vendor, what, lifetime, party = next(rows)
                assert name.startswith(cookie.name)
                assert vendor == service.vendor
                assert what.startswith(cookie.purpose[language])
                assert (cookie.justification or {}).get(language, "") in what
                (number,) = cookie.lifetime_parts.values()
                assert re.match(rf"{number} \w+", lifetime)
                assert party == PARTY[language][cookie.party]
    assert next(rows, None) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_banner_tells_each_purpose_in_words(make_site: MakeSite, language: str) -> None:
    banner = Visitor(make_site()).get(WAY[language] + "/").banner
    assert banner is not None
    assert REGISTRY.controller.name in text_of(next(banner.iter(HTML + "li"))), "first of all"
    by_id = {element.get("id"): element for element in banner.iter() if element.get("id")}
    boxes = [field for field in banner.iter(HTML + "input") if field.get("name") == "purposes"]
    assert [box.get("value") for box in boxes] == list(REGISTRY.optional_ids)
    for box, purpose in zip(boxes, REGISTRY.optional, strict=True):
        words = (purpose.short or purpose.description)[language]
        assert words in text_of(by_id[box.get("aria-describedby")])
    for purpose in REGISTRY.purposes:
        assert purpose.description[language] in text_of(banner)


def test_a_link_to_the_other_language_says_which_it_is(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    for address in addresses(visitor.site):
        answer = visitor.raw_get(address)
        if answer.mimetype != "text/html" or address.endswith("/embeds/1"):
            continue
        page = Page(answer)
        links = {text_of(link): link for link in page.all("a") if link.get("hreflang")}
        for words, code in (("English", "en"), ("Português", "pt")):
            if words in links:
                assert links[words].get("lang") == links[words].get("hreflang") == code, address
        assert {"English", "Português"} & {*links}, address


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_privacy_page_has_each_part_that_the_law_asks_for(
    make_site: MakeSite, language: str
) -> None:
    """GDPR, Art. 13: who, what and why, how long, to whom, and which rights."""
    page = Visitor(make_site()).get("/privacy" if language == "en" else "/pt/privacidade")
    parts: dict[str, str] = {}
    heading = ""
    for element in page.one("main").iter():
        if element.tag == HTML + "h2":
            heading = text_of(element)
        elif element.tag in {HTML + "p", HTML + "ul"}:
            parts[heading] = f"{parts.get(heading, '')} {text_of(element)}"
    assert [each for each in parts if each] == SECTIONS[language]
    who, _why, kept, _cookies, _others, rights = (parts[each] for each in SECTIONS[language])
    controller = REGISTRY.controller
    assert all(each in who for each in (controller.name, controller.address, controller.contact))
    assert all(each in kept for each in ("6 m", "3 ", "6(1)" if language == "en" else "6.º"))
    assert "CNPD" in rights
    assert all(len(part) > 60 for part in parts.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kept_notice_says_in_which_language_it_is(make_site: MakeSite, language: str) -> None:
    site = make_site()
    other = WAY["pt" if language == "en" else "en"]
    notice = site.extensions["notices"].in_force[language].id
    page = Visitor(site).get(f"{other}/cookies/notices/{notice}")
    assert page.one("blockquote").get("lang") == language
