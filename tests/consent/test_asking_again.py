"""Whom a change of the registry asks again: purpose by purpose, and only for what was added."""

import re
from functools import partial
from pathlib import Path

import pytest
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite
from evidence import records, session_cookie
from playwright.sync_api import Browser
from registries import MATOMO as OF_13_MONTHS
from registries import NEW_PURPOSE, necessary_only, shipped_with
from served import serving

MATOMO = OF_13_MONTHS.replace("P13M", "P7M")  # so that it can be longer
NAMED = 'name = "InvestPorto"\naddress'
DATA = 'personal_data = ["Preference"]'
MEANS = 'dpv = "ServicePersonalisation"\n'
RUN_BY = 'name = "Matomo"\nvendor = "InvestPorto"\ncountry = "PT"'
HOST = 'img = ["https://stats.example.pt"]'
TWO_HOSTS = 'img = ["https://stats.example.pt", "https://more.example.pt"]'
IN_LOCAL_STORAGE = 'storage = "localStorage"\nparty = "first"\nlifetime = "P7M"'
SERVICE = "# one more\n"
TAG = """
[[services]]
id = "tag"
purpose = "personalization"
name = "Tag"
vendor = "Tags, Lda."
country = "PT"
privacy = "https://tags.example.pt/privacy"
hosts = { script = ["https://tags.example.pt"] }
script = { address = "https://tags.example.pt/a.js" }
consent_mode = ["analytics_storage"]
tag_id = "G-ABC1"
"""
MODE = '["analytics_storage"]'
MORE = MATOMO.replace("matomo", "other").replace("_pk_id", "_other") + SERVICE
ITEM = """
[[services.cookies]]
name = "_pk_more"
storage = "cookie"
party = "first"
lifetime = "P1M"
purpose = { en = "Counts more", pt = "Conta mais" }
"""
RUN_BY_ODD = """
[[services]]
id = "odd"
purpose = "personalization"
name = "Odd"
vendor = "A & B"
country = "PT"
privacy = "https://odd.example.pt/privacy"
"""
KNOWN = """
[[services]]
id = "w"
purpose = "personalization"
name = "W"
vendor = "W"
country = "PT"
privacy = "https://w.example/privacy"
hosts = { script = ["HOST"], img = ["HOST"], frame = ["HOST"] }
""".replace("HOST", "https://w.example")
# What was before, what is after, and what is said to be new. Each is tried back again as well: None
# where nothing is new then, because it has only shrunk.
CHANGES = {
    "controller": (
        (NAMED, NAMED.replace("Porto", "Lisboa")),
        "responsibility of InvestLisboa",
        "responsibility of InvestPorto",
    ),
    "personal data": (
        (DATA, 'personal_data = ["Preference", "Age"]'),
        "Personalised content now also uses personal data (age)",
        None,
    ),
    "meaning": (
        (MEANS, f"{MEANS}meaning = 2\n"),
        "Personalised content now means something else",
        None,
    ),
    "vendor": (
        (RUN_BY, RUN_BY.replace("InvestPorto", "Y, Lda.")),
        "now also involves Y, Lda.",
        None,
    ),
    "country": (
        (RUN_BY, RUN_BY.replace("PT", "US")),
        "now involves InvestPorto (US) in another country than before.",
        None,
    ),
    # (InvestPorto in Portugal is already another recipient of the same purpose.)
    "host": ((HOST, TWO_HOSTS), "makes your browser contact https://more.example.pt.", None),
    "kind of load": (
        (HOST, HOST.replace("img", "connect")),
        "Personalised content now also exchanges data with https://stats.example.pt.",
        "Personalised content now also loads pictures from https://stats.example.pt.",
    ),
    "item": ((MATOMO, MATOMO + ITEM), "Personalised content now also stores _pk_more.", None),
    "longer lifetime": (
        ('"P7M"', '"P8M"'),
        "Personalised content now stores _pk_id* for longer.",
        None,
    ),
    "much longer": (
        ('"P7M"', '"P1Y"'),
        "Personalised content now stores _pk_id* for longer.",
        None,
    ),
    "party": (
        ('party = "first"\nlifetime = "P7M"', 'party = "third"\nlifetime = "P7M"'),
        "Personalised content now stores _pk_id* for another party.",
        "Personalised content now stores _pk_id* for another party.",
    ),
    "place in the browser": (
        ('storage = "cookie"\nparty = "first"\nlifetime = "P7M"', IN_LOCAL_STORAGE),
        "Personalised content now stores _pk_id* in another place in your browser.",
        "Personalised content now stores _pk_id* in another place in your browser.",
    ),
    "service": ((MATOMO, MATOMO + MORE), "now also stores _other*", None),
    "script": (
        ("/a.js", "/b.js"),
        "also loads https://tags.example.pt/b.js as a script.",
        "/a.js as a",
    ),
    "tag": (("G-ABC1", "G-ABC2"), "sends data to the account G-ABC2.", "to the account G-ABC1."),
    "permission": (
        (MODE, '["analytics_storage", "ad_user_data", "ad_personalization"]'),
        "lets Google personalise advertising, use data about you for advertising.",
        None,
    ),
    "words": (('"Counts visits"', '"Counts all visits"'), None, None),
    "necessary item": (('name = "withdrawal"', 'name = "withdrawals"'), None, None),
}
CHOICES = {  # button and ticks -> whether personalization, which changes, was accepted
    "everything": (("accept_all", None), True),
    "personalization": (("accept_selected", ("personalization",)), True),
    "advertising": (("accept_selected", ("advertising",)), False),
    "nothing": (("reject", None), False),
}


def changed(
    make_site: MakeSite, tmp_path: Path, before: str, after: str, model: str = "opt_in"
) -> tuple[partial[Visitor], partial[Visitor]]:
    """Return how to visit the site before and after its registry is changed."""
    folder = tmp_path / "site"
    folder.mkdir(exist_ok=True)
    sites = []
    for name, text in (("before", before), ("after", after)):
        file = tmp_path / f"{name}.toml"
        file.write_text(text, encoding="utf-8")
        sites.append(make_site(CONSENT_REGISTRY=str(file), CONSENT_MODEL=model))
    first, second = (partial(Visitor, site) for site in sites)
    return first, second


def come_back(earlier: Visitor, later: Visitor) -> Visitor:
    cookie = earlier.client.get_cookie("session")
    assert cookie is not None
    later.client.set_cookie("session", cookie.value)
    return later


@pytest.mark.parametrize("back", ["added", "taken away"])
@pytest.mark.parametrize("what", CHANGES)
def test_who_accepted_is_asked_about_what_was_added_and_nobody_else(
    make_site: MakeSite, tmp_path: Path, what: str, back: str
) -> None:
    change, *says = CHANGES[what]
    texts = [shipped_with(more=MATOMO + TAG), shipped_with(change, more=MATOMO + TAG)]
    new = says[back != "added"]
    first, second = changed(make_site, tmp_path, *(texts if back == "added" else reversed(texts)))
    for (button, ticks), accepted in CHOICES.values():
        chooser = first()
        chooser.choose(button, ticks)
        given = {p for p, status in records(chooser.site)[-1].statuses.items() if status == "given"}
        # The controller is every purpose's; all else was changed for personalization.
        asked_about = given if what == "controller" else given & {"personalization"}
        if new is None:
            asked_about = set()
        assert accepted == ("personalization" in given)
        later = come_back(chooser, second())
        page, settings = later.get("/"), later.get("/cookies").text
        still = re.findall(r'data-given="([^"]*)"', page.response.get_data(as_text=True))
        assert set(" ".join(still).split()) == given - asked_about
        if page.banner is None:
            assert not asked_about
            assert "New since your choice" not in settings
            continue
        assert asked_about
        for words in ("New since your choice:", str(new)):
            assert words in text_of(page.banner)
            assert words in settings
        assert ".." not in text_of(page.banner)


def test_a_banner_says_in_short_what_the_settings_say_whole(
    make_site: MakeSite, tmp_path: Path
) -> None:
    texts = shipped_with(), shipped_with(more=MATOMO.replace("InvestPorto", "Y, Lda."))
    first, second = changed(make_site, tmp_path, *texts)
    chooser = first()
    chooser.choose("accept_all")
    later = come_back(chooser, second())
    banner, settings = text_of(later.get("/").one("div", class_="notice")), later.get("/cookies")
    assert "New since your choice: Personalised content now also involves Y, Lda." in banner
    assert "contact" not in banner.partition("New since")[2].partition("Change Settings")[0]
    assert "now also makes your browser contact https://stats.example.pt, now" in settings.text
    (news,) = (p for p in settings.all("p") if text_of(p).startswith("New since your choice:"))
    marked = [text_of(code) for code in news.iter(f"{HTML}code")]
    assert marked[0] == "https://stats.example.pt"
    assert len(marked) > 1
    assert "Y, Lda." not in marked


@pytest.mark.parametrize("path", ["/cookies", "/pt/cookies"])
def test_a_name_in_what_is_new_is_marked_and_stays_a_name(
    make_site: MakeSite, tmp_path: Path, path: str
) -> None:
    odd = MATOMO.replace("_pk_id*", "more<b>&").replace('"cookie"', '"localStorage"')
    longer = odd.replace("P7M", "P8M") + RUN_BY_ODD
    first, second = changed(make_site, tmp_path, shipped_with(more=odd), shipped_with(more=longer))
    chooser = first()
    chooser.choose("accept_all")
    settings = come_back(chooser, second()).raw_get(path).text
    (news,) = re.findall(r"<p><strong>(?:New since|Novo desde).*?</p>", settings, re.DOTALL)
    assert "<code>more&lt;b&gt;&amp;</code>" in news
    assert "A &amp; B" in news
    assert "&amp;amp;" not in news


@pytest.mark.parametrize(
    ("kind", "english", "portuguese"),
    [
        ("frame", "also loads embedded content from", "carregar também conteúdos incorporados de"),
        ("style", "also loads styles from", "carregar também estilos de"),
        ("font", "also loads fonts from", "carregar também tipos de letra de"),
        ("media", "also loads sound and film from", "carregar também som e vídeo de"),
        ("connect", "also exchanges data with", "trocar dados com"),
    ],
)
def test_what_more_is_loaded_from_a_host_that_was_known_does_not_make_the_host_new(
    make_site: MakeSite, tmp_path: Path, kind: str, english: str, portuguese: str
) -> None:
    more = (HOST, f'{HOST}, {kind} = ["https://stats.example.pt"]')
    first, second = changed(
        make_site, tmp_path, shipped_with(more=MATOMO), shipped_with(more, more=MATOMO)
    )
    chooser = first()
    chooser.choose("accept_all")
    later = come_back(chooser, second())
    for path, sentence in (
        ("/cookies", f"Personalised content now {english} https://stats.example.pt."),
        ("/pt/cookies", f"passa a {portuguese} https://stats.example.pt."),
    ):
        assert sentence in later.get(path).text


@pytest.mark.parametrize(
    ("way", "english", "portuguese"),
    [
        ("script", "a script", "script"),
        ("pixel", "a picture", "imagem"),
        ("embed", "embedded content", "conteúdo incorporado"),
    ],
)
def test_another_way_in_of_a_host_that_was_known_is_told_by_what_is_loaded(
    make_site: MakeSite, tmp_path: Path, way: str, english: str, portuguese: str
) -> None:
    more = f'{way} = {{ address = "https://w.example/{{id}}", width = 1, height = 1 }}\n'
    if way != "embed":
        more = more.replace(", width = 1, height = 1", "")
    first, second = changed(
        make_site, tmp_path, shipped_with(more=KNOWN), shipped_with(more=KNOWN + more)
    )
    chooser = first()
    chooser.choose("accept_all")
    later = come_back(chooser, second())
    for path, sentence in (
        ("/cookies", f"Personalised content now also loads https://w.example/… as {english}."),
        ("/pt/cookies", f"passa a carregar https://w.example/… como {portuguese}."),
    ):
        assert sentence in later.get(path).text


@pytest.mark.parametrize("choice", CHOICES)
def test_everybody_is_asked_about_a_new_purpose_and_about_nothing_else(
    make_site: MakeSite, tmp_path: Path, choice: str
) -> None:
    first, second = changed(make_site, tmp_path, shipped_with(), shipped_with(more=NEW_PURPOSE))
    (button, ticks), _accepted = CHOICES[choice]
    chooser = first()
    chooser.choose(button, ticks)
    before = records(chooser.site)[-1].statuses
    later = come_back(chooser, second())
    banner = later.get("/").banner
    assert banner is not None
    assert "New since your choice: you can choose about “Statistics” now." in text_of(banner)
    ticked = {box.get("value") for box in banner.iter() if box.get("checked") is not None}
    assert ticked == {purpose for purpose, status in before.items() if status == "given"}
    later.submit(banner, "accept_selected")
    after = records(later.site)[-1].statuses
    assert after == before | {"statistics": "refused"}
    assert later.get("/").banner is None


def test_who_withdraws_everything_has_answered_for_what_is_new_too(
    make_site: MakeSite, tmp_path: Path
) -> None:
    first, second = changed(make_site, tmp_path, shipped_with(), shipped_with(more=NEW_PURPOSE))
    chooser = first()
    chooser.choose("accept_all")
    later = come_back(chooser, second())
    later.submit(later.get("/cookies").form("/cookies/withdraw"))
    assert records(later.site)[-1].statuses == {
        "personalization": "withdrawn",
        "advertising": "withdrawn",
        "statistics": "refused",
    }
    assert "New since your choice" not in later.get("/cookies").text


def test_a_confirmation_after_a_change_says_what_is_open(
    make_site: MakeSite, tmp_path: Path
) -> None:
    first, second = changed(make_site, tmp_path, shipped_with(), shipped_with(more=NEW_PURPOSE))
    chooser = first()
    chooser.post("/cookies", {"choice": "accept_all"})
    told = come_back(chooser, second()).get("/").confirmation or ""
    assert "Personalised advertising: Accepted; Statistics: Off: you have not chosen yet." in told


def test_a_purpose_that_was_necessary_is_not_called_new(
    make_site: MakeSite, tmp_path: Path
) -> None:
    optional = shipped_with(more=NEW_PURPOSE)
    necessary = optional.replace('id = "statistics"', 'id = "statistics"\noptional = false')
    first, second = changed(make_site, tmp_path, necessary, optional)
    chooser = first()
    chooser.choose("accept_all")
    asked = come_back(chooser, second()).get("/").text
    assert "New since your choice: you can choose about “Statistics” now." in asked


@pytest.mark.needs("rights")
def test_always_allow_answers_no_other_question(make_site: MakeSite, tmp_path: Path) -> None:
    grown = shipped_with((DATA, 'personal_data = ["Preference", "Age"]'), more=NEW_PURPOSE)
    first, second = changed(make_site, tmp_path, shipped_with(), grown)
    chooser = first()
    chooser.choose("accept_all")
    later = come_back(chooser, second())
    assert later.post("/cookies/allow", {"purpose": "advertising"}).status_code == 303
    assert records(later.site)[-1].statuses == {"advertising": "given"}
    assert "Statistics: Off: you have not chosen yet." in (later.get("/").confirmation or "")
    assert later.get("/").banner is not None
    settings = later.get("/cookies").text
    assert "You have not chosen yet: Personalised content, Statistics." in settings
    assert "This is the choice that counts now." in later.get("/cookies/history").text


def test_what_was_never_answered_is_not_called_new(make_site: MakeSite, tmp_path: Path) -> None:
    shrunk = shipped_with(('lifetime = "P90D"', 'lifetime = "P30D"'))
    first, second = changed(make_site, tmp_path, shipped_with(), shrunk)
    chooser = first()
    assert chooser.post("/cookies/allow", {"purpose": "personalization"}).status_code == 303
    later = come_back(chooser, second())
    assert "New since your choice" not in later.get("/").text
    settings = later.get("/cookies").text
    assert "something has changed" not in settings
    assert "You have not chosen yet: Personalised advertising." in settings


@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_where_there_is_nothing_to_choose_about_nobody_is_asked(
    make_site: MakeSite, model: str
) -> None:
    visitor = Visitor(make_site(registry=necessary_only(), CONSENT_MODEL=model))
    for _ in range(3):
        assert visitor.get("/").banner is None
    settings = visitor.get("/cookies")
    assert "There is nothing to choose about" in settings.text
    assert settings.all("button", value="accept_all") == []
    assert records(visitor.site) == []
    assert "by what you have read here" not in visitor.get("/privacy").text


def test_where_the_signal_refuses_all_purposes_there_is_no_banner(make_site: MakeSite) -> None:
    both = shipped_with(('id = "personalization"', 'id = "personalization"\ngpc = true'))
    site = make_site(registry=both)
    assert Visitor(site, Sec_GPC="1").get("/").banner is None
    assert Visitor(site).get("/").banner is not None
    assert Visitor(site, Sec_GPC="1").get("/cookies").all("button", value="accept_all")


def test_nobody_is_asked_anew_for_what_their_privacy_signal_refuses(
    make_site: MakeSite, tmp_path: Path
) -> None:
    new = shipped_with(more=NEW_PURPOSE + "gpc = true\n")
    first, second = changed(make_site, tmp_path, shipped_with(), new)
    chooser = first()
    chooser.choose("reject")
    later = come_back(chooser, second())
    assert later.get("/").banner is not None
    signalling = come_back(chooser, second(Sec_GPC="1"))
    assert signalling.get("/").banner is None
    assert "you can choose about “Statistics” now" in signalling.get("/cookies").text


@pytest.mark.parametrize("choice", CHOICES)
def test_a_purpose_that_is_gone_asks_nobody(
    make_site: MakeSite, tmp_path: Path, choice: str
) -> None:
    text = shipped_with()
    start = text.index('[[purposes]]\nid = "personalization"')
    end = text.index('[[purposes]]\nid = "advertising"')
    without = (text[:start] + text[end:]).replace(
        'purpose = "personalization"', 'purpose = "advertising"'
    )
    services = without.index('[[services]]\nid = "reading"')
    more = without.index("[[services]]", services + 1)
    first, second = changed(make_site, tmp_path, text, without[:services] + without[more:])
    (button, ticks), _accepted = CHOICES[choice]
    chooser = first()
    chooser.choose(button, ticks)
    assert come_back(chooser, second()).get("/").banner is None


@pytest.mark.parametrize("model", ["opt_in", "implied"])
@pytest.mark.parametrize("kept", ["personalization", ""])
def test_what_waited_while_the_registry_grew_answers_for_nothing_that_is_new(
    make_site: MakeSite, tmp_path: Path, kept: str, model: str
) -> None:
    after = shipped_with(more=MATOMO + NEW_PURPOSE)
    first, second = changed(make_site, tmp_path, shipped_with(), after, model)
    chooser = first()
    chooser.choose("accept_all")
    later = come_back(chooser, second())
    refused = {"personalization", "advertising"} - {kept}
    told = ":".join((kept, *(f"!{purpose}" for purpose in sorted(refused))))
    later.client.set_cookie("withdrawal", f"banner.accept_selected:0123456789abcdef:{told}:@en")
    page = later.get("/")
    assert records(later.site)[-1].statuses == dict.fromkeys(refused, "withdrawn") | (
        {kept: "given"} if kept else {}
    )
    assert page.banner is not None
    assert "you can choose about “Statistics” now" in page.text
    assert ("Personalised content now also makes" in page.text) is bool(kept)
    assert "not saved" not in page.text


@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_what_is_taken_back_from_a_page_with_a_purpose_that_is_gone_is_off(
    make_site: MakeSite, tmp_path: Path, model: str
) -> None:
    first, second = changed(
        make_site, tmp_path, shipped_with(more=NEW_PURPOSE), shipped_with(), model
    )
    chooser = first()
    chooser.choose("accept_all")
    old_page = chooser.get("/cookies").form("/cookies")
    later = come_back(chooser, second())
    answer = later.submit(old_page, "accept_selected", ("statistics", "personalization"))
    assert answer.status_code == 400
    assert "What you took back is off, and this is recorded" in answer.text
    assert records(later.site)[-1].statuses == {
        "personalization": "given",
        "advertising": "withdrawn",
        "statistics": "given",
    }


@pytest.mark.parametrize(
    ("button", "ticks", "advertising"),
    [("reject", (), "withdrawn"), ("accept_selected", ("advertising",), "given")],
)
def test_who_takes_back_on_a_page_of_before_has_answered_nothing_that_is_new(
    make_site: MakeSite, tmp_path: Path, button: str, ticks: tuple[str, ...], advertising: str
) -> None:
    first, second = changed(
        make_site, tmp_path, shipped_with(), shipped_with(more=MATOMO + NEW_PURPOSE)
    )
    chooser = first()
    chooser.choose("accept_all")
    old_page = chooser.get("/cookies").form("/cookies")
    later = come_back(chooser, second())
    assert later.submit(old_page, button, ticks).status_code == 303
    accepted, left = records(later.site)
    assert left.statuses == {"personalization": "withdrawn", "advertising": advertising}
    is_prolonged = left.expires_at > accepted.expires_at
    assert is_prolonged is (advertising != "given"), "what is left of a consent ends when that did"
    later.get("/")  # with the confirmation
    assert "you can choose about “Statistics” now" in later.get("/").text


def test_what_is_not_ticked_beside_a_purpose_that_is_gone_is_not_assumed(
    make_site: MakeSite, tmp_path: Path
) -> None:
    first, second = changed(
        make_site, tmp_path, shipped_with(more=NEW_PURPOSE), shipped_with(), "implied"
    )
    old_page, later = first().get("/").banner, second()
    assert later.submit(old_page, "accept_selected", ("statistics",)).status_code == 400
    for path in ("/", "/articles", "/"):
        later.get(path)
    assert set(records(later.site)[-1].statuses.values()) == {"refused"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((HOST, TWO_HOSTS), "passa a fazer o seu navegador contactar https://more"),
        (("/a.js", "/b.js"), "passa a carregar https://tags.example.pt/b.js como script."),
        (("G-ABC1", "G-ABC2"), "passa a enviar dados para a conta G-ABC2."),
        (
            (DATA, 'personal_data = ["Preference", "Location", "ShoeSize"]'),
            "passa a usar dados pessoais (localização, shoe size)",
        ),
        ((MODE, '["ad_user_data"]'), "passa a deixar a Google usar dados sobre si para public"),
    ],
)
def test_what_is_new_is_said_in_portuguese(
    make_site: MakeSite, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    texts = shipped_with(more=MATOMO + TAG), shipped_with(change, more=MATOMO + TAG)
    first, second = changed(make_site, tmp_path, *texts)
    chooser = first()
    chooser.choose("accept_all")
    later = come_back(chooser, second())
    banner = later.get("/pt/").banner
    assert banner is not None
    for told in (text_of(banner), later.get("/pt/cookies").text):
        assert f"a finalidade «Conteúdo personalizado» {says}" in told


# Words of a label that stand on more than one line.
BROKEN_WORDS = """() => [...document.querySelectorAll(".card label")].flatMap(label => {
  const text = label.firstChild;
  return [...text.data.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return range.getClientRects().length > 1;
  }).map(([word]) => word);
})"""


@pytest.mark.parametrize("path", ["/cookies", "/pt/cookies"])
def test_where_it_asks_again_the_settings_page_is_no_wider_than_the_window(
    browser: Browser, make_site: MakeSite, tmp_path: Path, path: str
) -> None:
    texts = shipped_with(more=MATOMO), shipped_with((HOST, TWO_HOSTS), more=MATOMO)
    first, second = changed(make_site, tmp_path, *texts)
    chooser = first()
    chooser.choose("accept_all")
    with serving(second().site) as address:
        page = browser.new_page(base_url=address)
        cookie = {"name": "session", "value": session_cookie(chooser), "url": address}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
        page.goto(path)
        for width, letters in ((320, "100%"), (320, "137.5%"), (390, "100%"), (390, "200%")):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate("size => { document.documentElement.style.fontSize = size }", letters)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            # Where a word has no room at all, a hyphen is left to the browser's own dictionary.
            assert letters == "200%" or page.evaluate(BROKEN_WORDS) == []
        page.close()


ADDED = {  # to what the site has, by whom, and what settings and history say of it then
    "to one of two": (
        (shipped_with(more=MATOMO), shipped_with((HOST, TWO_HOSTS), more=MATOMO)),
        "accept_all",
        "Off until you choose: Personalised content. The rest of your choice is valid until",
        "except for what is off because something has changed since: Personalised content.",
    ),
    "to both": (
        (shipped_with(), shipped_with((NAMED, NAMED.replace("Porto", "Lisboa")))),
        "accept_all",
        "Off until you choose: Personalised content, Personalised advertising.",
        "This no longer counts, because something has changed since.",
    ),
    "a purpose": (
        (shipped_with(), shipped_with(more=NEW_PURPOSE)),
        "reject",
        "Off until you choose: Statistics. The rest of your choice is valid until",
        "This is the choice that counts now.",
    ),
}


@pytest.mark.parametrize("what", ADDED)
@pytest.mark.needs("rights")
def test_who_is_asked_again_is_told_what_is_off_and_what_still_counts(
    make_site: MakeSite, tmp_path: Path, what: str
) -> None:
    texts, button, in_settings, in_history = ADDED[what]
    first, second = changed(make_site, tmp_path, *texts)
    chooser = first()
    chooser.choose(button)
    later = come_back(chooser, second())
    settings, history = later.get("/cookies"), later.get("/cookies/history").text
    assert "has ended" not in settings.text + history
    state = text_of(settings.one("p", class_="state"))
    assert in_settings in state
    assert "Your choice is valid until" not in state
    assert ("The rest of" in state) is (what != "to both")
    assert in_history in history
    assert ("Valid until" in history) is (what != "to both")
    pill = "Off: you have not chosen yet" if what == "a purpose" else "Off: something has changed"
    assert pill in settings.text
    assert "Desligado até escolher:" in later.get("/pt/cookies").text


MOVED = ('purpose = "personalization"\nname = "Tag"', 'purpose = "advertising"\nname = "Tag"')


@pytest.mark.parametrize("choice", CHOICES)
def test_a_service_that_moves_to_another_purpose_is_new_to_those_who_had_accepted_that(
    make_site: MakeSite, tmp_path: Path, choice: str
) -> None:
    texts = shipped_with(more=TAG), shipped_with(MOVED, more=TAG)
    first, second = changed(make_site, tmp_path, *texts)
    chooser = first()
    chooser.choose(*CHOICES[choice][0])
    given = records(chooser.site)[-1].statuses["advertising"] == "given"
    banner = come_back(chooser, second()).get("/").banner
    assert (banner is not None) is given
    if banner is not None:
        assert "Personalised advertising now also involves Tags, Lda." in text_of(banner)


NECESSARY = (
    (MEANS, "optional = false\n"),
    (
        'name = "preferences"\n',
        'name = "preferences"\njustification = { en = "Needed.", pt = "Preciso." }\n',
    ),
)
IS_ON = "become strictly necessary, and is on whatever you chose: Personalised content."
IS_ON_IN_PORTUGUESE = "está ligado, seja qual for a sua escolha: Conteúdo personalizado."


@pytest.mark.parametrize("model", ["opt_in", "implied"])
@pytest.mark.parametrize("ticks", [("personalization", "advertising"), ("advertising",), ()])
@pytest.mark.needs("rights")
def test_whoever_refused_what_has_become_necessary_is_told_that_it_is_on(
    make_site: MakeSite, tmp_path: Path, ticks: tuple[str, ...], model: str
) -> None:
    make = partial(make_site, CONSENT_MODEL=model)
    first, second = changed(make, tmp_path, shipped_with(), shipped_with(*NECESSARY))
    chooser = first()
    chooser.choose("accept_selected", ticks)
    later = come_back(chooser, second())
    assert later.get("/").banner is None, "nobody can be asked"
    for path, told in (
        ("/cookies", IS_ON),
        ("/cookies/history", IS_ON),
        ("/pt/cookies", IS_ON_IN_PORTUGUESE),
        ("/pt/cookies/history", IS_ON_IN_PORTUGUESE),
    ):
        element = "p" if path.endswith("cookies") else "li"
        state = later.get(path).one(element, class_="state")
        assert told in text_of(state)
    # A choice after that is not about it.
    later.submit(later.get("/cookies").form("/cookies"), "reject")
    assert IS_ON not in later.get("/cookies").text + later.get("/cookies/history").text


def test_a_page_after_a_change_cuts_nothing_off_what_was_assumed(
    make_site: MakeSite, tmp_path: Path
) -> None:
    texts = shipped_with(more=MATOMO), shipped_with((HOST, TWO_HOSTS), more=MATOMO)
    first, second = changed(make_site, tmp_path, *texts, model="implied")
    reader = first()
    for path in ("/", "/articles", "/"):
        reader.get(path)
    later = come_back(reader, second())
    until = reader.client.get_cookie("session")
    later.get("/")
    again = later.client.get_cookie("session")
    assert until is not None
    assert again is not None
    assert again.expires == until.expires, "and not a day, as for whoever has read one page"


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_notice_of_what_is_assumed_again_was_on_the_banner_word_for_word(
    make_site: MakeSite, tmp_path: Path, language: str
) -> None:
    texts = shipped_with(), shipped_with((DATA, 'personal_data = ["Preference", "Age"]'))
    first, second = changed(make_site, tmp_path, *texts, model="implied")
    reader, path = first(), {"en": "/", "pt": "/pt/"}[language]
    for _ in range(2):
        reader.get(path)
    later = come_back(reader, second())
    page = later.get(path)
    assert "data-given" in page.response.get_data(as_text=True), "something else still counts"
    assert page.banner is not None
    later.get(path)
    notice = later.site.extensions["notices"].find(records(later.site)[-1].notice)
    assert notice.content["banner"]["assumption"] in text_of(page.banner)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/", "left out where somebody is asked again while something that they accepted still"),
        ("/pt/", "omitida quando se volta a perguntar a quem já aceitou algo que ainda é válido"),
    ],
)
@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_a_banner_does_not_say_that_only_the_necessary_is_used_where_more_still_counts(
    make_site: MakeSite, tmp_path: Path, model: str, path: str, told: str
) -> None:
    texts = shipped_with(), shipped_with(more=NEW_PURPOSE)
    first, second = changed(make_site, tmp_path, *texts, model=model)
    chooser = first()
    chooser.choose("accept_all", path=path)
    later = come_back(chooser, second())
    page = later.get(path)
    assert page.banner is not None
    for words in later.site.extensions["notice_words"][path.strip("/") or "en"][
        "assumption"
    ].values():
        assert words not in text_of(page.banner)
    later.submit(page.banner, "accept_all")
    shown = later.get(f"{path}cookies/notices/{records(later.site)[-1].notice}")
    assert told in shown.text, "the record names every word that was read, and which was not"
