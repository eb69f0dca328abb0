"""What an article shows of others: loaded in a frame of its own, where the reader allows it."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import time_machine
from browserlike import HTML, PUBLIC, Visitor, text_of
from conftest import MakeSite
from evidence import records, session_cookie
from flask import Flask
from log import lose
from partner import ARTICLE, Partner, site_with_partner
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import serving

PATH = "/articles/film"
FRAME = f"{PATH}/embeds/1"
PARAGRAPHS = "\n\n".join(["Words that fill a paragraph of the article. " * 12] * 12)
FILMS = f"""{ARTICLE}
{PARAGRAPHS}

![Another film](embed:player/porto-2)

{PARAGRAPHS}
"""
FROM_ELSEWHERE: list[dict[str, str]] = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "none"},  # typed, or followed from a mail
    {"Sec_Fetch_Site": "cross-site", "Referer": f"http://localhost{PATH}"},
    {"Sec_Fetch_Site": "", "Referer": "https://elsewhere.example/"},
    {"Sec_Fetch_Site": "", "Referer": "http://localhost.elsewhere.example/"},
    {"Sec_Fetch_Site": "", "Referer": "http://["},
    {"Sec_Fetch_Site": ""},
]


@pytest.fixture
def site(make_site: MakeSite, tmp_path: Path, partner: Partner) -> Flask:
    return site_with_partner(make_site, tmp_path, partner, FILMS)


def policy(page: object, directive: str) -> list[str]:
    header = page.response.headers["Content-Security-Policy"]  # type: ignore[attr-defined]
    parts = [part.split() for part in header.split("; ")]
    return next((sources for name, *sources in parts if name == directive), [])


def test_the_article_frames_it_and_names_nobody_whatever_was_chosen(
    site: Flask, partner: Partner
) -> None:
    visitor = Visitor(site)
    for page in (visitor.get(PATH), visitor.choose("accept_all", path=PATH)):
        first, second = page.all("iframe")
        assert (first.get("src"), first.get("title")) == (FRAME, "A film about Porto")
        assert (second.get("src"), second.get("title")) == (f"{PATH}/embeds/2", "Another film")
        assert first.get("loading") is None, "the keyboard would pass by an empty frame"
        assert first.get("allowfullscreen") is not None
        assert policy(page, "frame-src") == ["'self'"]
        assert f"{partner.address}/player" not in page.response.text
        (holder,) = page.all("figure", class_="embed")[0].iter("{http://www.w3.org/2000/svg}svg")
        assert (holder.get("width"), holder.get("height")) == ("560", "315")


def test_a_page_without_such_things_may_frame_nothing(site: Flask) -> None:
    assert policy(Visitor(site).get("/privacy"), "frame-src") == []


def test_a_placeholder_says_who_and_offers_once_and_always(site: Flask) -> None:
    page = Visitor(site).frame(FRAME)
    assert "provided by Partner player (Partner)" in page.text
    assert "accepts the whole purpose “Personalised content”: Keep your text size" in page.text
    assert "It also covers: Partner statistics." in page.text, "not the site itself"
    once, always = page.all("button")
    assert once.get("aria-label") == "Load once: A film about Porto"
    assert text_of(always) == "Always allow “Personalised content”"
    assert page.all("iframe") == []
    assert policy(page, "frame-src") == []
    assert policy(page, "frame-ancestors") == ["'self'"]
    assert page.response.headers["Cache-Control"] == PUBLIC
    # A copy that is kept ready has the same policy.
    assert policy(Visitor(site).frame(FRAME), "frame-ancestors") == ["'self'"]
    assert policy(Visitor(site).get(PATH), "frame-ancestors") == ["'none'"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("opt_in", "contacts them only if you agree."),
        ("implied", "contacts them only if you agree, or if this site assumes that you do."),
    ],
)
def test_a_placeholder_says_of_each_model_what_makes_a_browser_contact_others(
    site: Flask, make_site: MakeSite, model: str, words: str
) -> None:
    kept = {name: site.config[name] for name in ("CONSENT_REGISTRY", "ARTICLES")}
    assert words in Visitor(make_site(**kept, CONSENT_MODEL=model)).frame(FRAME).text


def test_load_once_is_for_this_time_only_and_records_nothing(site: Flask, partner: Partner) -> None:
    visitor = Visitor(site)
    answer = visitor.submit(visitor.frame(FRAME).form(FRAME))
    assert answer.status_code == 303
    page = visitor.frame(answer.headers["Location"])
    assert page.one("iframe").get("src") == f"{partner.address}/player/porto-1"
    assert text_of(page.one("div", autofocus="")) == "Loaded, this once. Nothing was recorded."
    assert policy(page, "frame-src") == [partner.address]
    assert page.response.headers["Cache-Control"] == "no-store"
    assert records(site) == []
    assert visitor.cookies == set()
    again = visitor.frame(FRAME)
    assert again.all("iframe") == []
    assert policy(again, "frame-src") == []


@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_a_link_from_elsewhere_loads_nothing(site: Flask, headers: dict[str, str]) -> None:
    page = Visitor(site).frame(f"{FRAME}?once", **headers)
    assert page.all("iframe") == []
    assert policy(page, "frame-src") == []
    assert page.response.headers["Cache-Control"] == "no-store"


def test_an_older_browser_says_by_its_referrer_that_this_site_asked(site: Flask) -> None:
    referrer = f"http://localhost{FRAME}"
    page = Visitor(site).frame(f"{FRAME}?once", Sec_Fetch_Site="", Referer=referrer)
    assert len(page.all("iframe")) == 1


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"service": "player"}, {}, 400),
        ({"more": "1"}, {}, 400),
    ],
)
def test_load_once_takes_only_its_own_form(
    site: Flask, sent: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = site.test_client().post(FRAME, data=sent, headers=headers)
    assert answer.status_code == status
    assert "<iframe" not in answer.text


@pytest.mark.parametrize("number", [f"{PATH}/embeds/{n}" for n in (0, 3, -1, 10**40, "x")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_number_without_an_embed_is_a_404(site: Flask, number: str, method: str) -> None:
    assert site.test_client().open(number, method=method).status_code == 404
    assert site.test_client().open("/articles/none/embeds/1", method=method).status_code == 404


def test_always_allow_is_a_recorded_choice_that_adds_one_purpose(
    site: Flask, partner: Partner
) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    answer = visitor.submit(visitor.frame(FRAME).form("/cookies/allow"))
    assert answer.headers["Location"] == FRAME
    page = visitor.frame(FRAME)
    assert page.one("iframe").get("src") == f"{partner.address}/player/porto-1"
    assert text_of(page.one("h1")).startswith("Loaded. “Personalised content” is accepted.")
    (link,) = page.all("a")
    assert (text_of(link), link.get("href")) == ("You can withdraw this at any time.", "/cookies")
    assert records(site)[-1].statuses == {"personalization": "given", "advertising": "given"}
    assert records(site)[-1].method == "embed.always"
    later = visitor.frame(f"{PATH}/embeds/2")
    assert later.one("iframe").get("src") == f"{partner.address}/player/porto-2"
    assert later.all("h1") == []
    assert later.response.headers["Cache-Control"] == "no-store", "it contacts others"


def test_the_record_names_the_words_of_the_placeholder_and_no_others(site: Flask) -> None:
    visitor = Visitor(site)
    frame = visitor.frame(FRAME)
    visitor.submit(frame.form("/cookies/allow"))
    record = records(site)[-1]
    kept = visitor.get(f"/cookies/notices/{record.notice}")
    (words,) = kept.all("blockquote")
    for sentence in (
        "This content is provided by Partner player (Partner).",
        "[Load once] [Always allow “Personalised content”]",
        "It also covers: Partner statistics. You can withdraw this at any time.",
    ):
        assert sentence in text_of(words)
    assert "Accept all cookies" not in text_of(words)


@pytest.mark.parametrize(
    ("prefix", "safeguard", "told"),
    [
        ("", "", "Data may go outside the European Economic Area (US)."),
        (
            "",
            'safeguard = { en = "Clauses", pt = "Cláusulas" }\n',
            "Data may go outside the European Economic Area (US), under this safeguard: Clauses.",
        ),
        (
            "/pt",
            'safeguard = { en = "Clauses", pt = "Cláusulas." }\n',
            "Os dados podem sair do Espaço Económico Europeu (US), com esta garantia: Cláusulas.",
        ),
    ],
)
def test_a_placeholder_and_its_notice_say_where_beyond_the_eea_data_may_go_and_how_it_is_safe(
    site: Flask, prefix: str, safeguard: str, told: str, make_site: MakeSite
) -> None:
    path = FRAME.replace("/articles", "/pt/artigos") if prefix else FRAME
    inside = Visitor(site).frame(path)
    assert "(US)" not in inside.text
    assert inside.response.text.count("Econom") == 0
    within = Path(site.config["CONSENT_REGISTRY"]).read_text(encoding="utf-8")
    before, player = within.split('name = "Partner player"')
    abroad = player.replace('country = "PT"\n', f'country = "US"\n{safeguard}')
    own = f'{before}name = "Partner player"{abroad}'
    visitor = Visitor(make_site(registry=own, ARTICLES=site.config["ARTICLES"]))
    frame = visitor.frame(path)
    assert told in frame.text
    visitor.submit(frame.form(f"{prefix}/cookies/allow"))
    kept = visitor.get(f"{prefix}/cookies/notices/{records(visitor.site)[-1].notice}")
    assert told in text_of(kept.all("blockquote")[0])


def test_a_placeholder_read_elsewhere_is_not_what_the_banner_asks(site: Flask) -> None:
    visitor = Visitor(site)
    form = visitor.frame(FRAME).form("/cookies/allow")
    fields = {f.get("name", ""): f.get("value", "") for f in form.iter(f"{HTML}input")}
    sent = {"choice": "accept_all", "notice": fields["notice"]}
    assert visitor.post("/cookies", sent).status_code == 400
    Visitor(site).submit(form)  # Now it is kept.
    assert visitor.post("/cookies", sent).status_code == 400
    # One that names the banner was not read beside the film: it proves nothing about it.
    banner = visitor.get("/").form("/cookies")
    of_the_banner = next(f for f in banner.iter(f"{HTML}input") if f.get("name") == "notice")
    visitor.post("/cookies/allow", fields | {"notice": of_the_banner.get("value", "")})
    assert records(site)[-1].notice is None


def test_a_purpose_that_has_become_another_one_is_shown_anew_and_not_accepted(site: Flask) -> None:
    sent = {"purpose": "personalization", "next": FRAME, "notice": "0" * 64}
    visitor = Visitor(site)
    answer = visitor.post("/cookies/allow", sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{FRAME}?outdated=")
    large = visitor.post("/cookies/allow", sent | {"next": f"{FRAME}?size=large"})
    assert large.headers["Location"] == f"{FRAME}?size=large&outdated="
    as_json = visitor.post("/cookies/allow", sent, Accept="application/json")
    assert (as_json.status_code, (as_json.json or {})["error"]) == (400, "outdated")
    assert records(site) == []
    told = "Error: Our question has changed. Please choose again."
    page = visitor.frame(f"{FRAME}?outdated=")
    assert told in page.text
    visitor.submit(page.form("/cookies/allow"))
    assert len(records(site)) == 1
    # No link from elsewhere makes the site say that something failed.
    link = Visitor(site).frame(f"{FRAME}?outdated=", **{"Sec-Fetch-Site": "cross-site"})
    assert told not in link.text


@pytest.mark.parametrize("is_kept", [False, True])
def test_the_words_beside_a_film_allow_no_other_purpose(site: Flask, *, is_kept: bool) -> None:
    form = Visitor(site).frame(FRAME).form("/cookies/allow")
    fields = {f.get("name", ""): f.get("value", "") for f in form.iter(f"{HTML}input")}
    if is_kept:
        Visitor(site).submit(form)
    before = len(records(site))
    answer = Visitor(site).post("/cookies/allow", fields | {"purpose": "advertising"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{FRAME}?outdated=")
    assert len(records(site)) == before


def test_words_beside_a_film_that_have_changed_meanwhile_are_what_the_record_names(
    site: Flask, make_site: MakeSite
) -> None:
    form = Visitor(site).frame(FRAME).form("/cookies/allow")
    Visitor(site).submit(form)  # so that its notice is kept
    registry = Path(site.config["CONSENT_REGISTRY"]).read_text(encoding="utf-8")
    registry = registry.replace("Keep your text size", "Remember your text size")
    later = make_site(registry=registry, ARTICLES=site.config["ARTICLES"])
    assert "Remember your text size" in Visitor(later).frame(FRAME).text
    assert Visitor(later).submit(form).headers["Location"] == FRAME
    assert len({record.notice for record in records(later)}) == 1
    assert len(records(later)) == 2


@pytest.mark.parametrize("purpose", ["necessary", "nonsense", ""])
def test_always_allow_knows_only_optional_purposes(site: Flask, purpose: str) -> None:
    answer = Visitor(site).post("/cookies/allow", {"purpose": purpose})
    assert answer.status_code == 400
    assert records(site) == []


def test_in_an_outage_nothing_is_loaded_but_once_and_the_frame_says_so(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_all")
    form = Visitor(site).frame(FRAME).form("/cookies/allow")
    lose(site, "sessions")
    cookie = f"session={session_cookie(visitor)}"
    assert visitor.frame(FRAME, Cookie=cookie).all("iframe") == []
    assert visitor.frame(f"{FRAME}?once", Cookie=cookie).all("iframe")
    visitor.headers["Sec-Fetch-Dest"] = "iframe"
    answer = visitor.submit(form)
    assert answer.status_code == 503
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "colophon" not in answer.text


def test_in_the_implied_model_a_frame_is_no_second_page(
    make_site: MakeSite, tmp_path: Path, partner: Partner
) -> None:
    implied = partial(make_site, CONSENT_MODEL="implied")
    site = site_with_partner(implied, tmp_path, partner, FILMS)
    visitor = Visitor(site)
    visitor.get(PATH)
    for _ in range(3):
        assert visitor.frame(FRAME).all("iframe") == []
    assert records(site) == []


def test_text_size_and_colours_of_this_page_view_reach_into_the_frame(site: Flask) -> None:
    visitor = Visitor(site)
    look = "?size=large&theme=dark"
    assert visitor.get(PATH + look).all("iframe")[0].get("src") == FRAME + look
    page = visitor.frame(FRAME + look)
    assert page.one("html").get("class") == "size-large theme-dark"
    answer = visitor.submit(page.form(FRAME + look))
    shown = visitor.frame(answer.headers["Location"])
    assert shown.one("html").get("class") == "size-large theme-dark"
    assert len(shown.all("iframe")) == 1


def test_the_same_twice_is_two(make_site: MakeSite, tmp_path: Path, partner: Partner) -> None:
    text = FILMS.replace("![Another film](embed:player/porto-2)", ARTICLE.splitlines()[-3])
    page = Visitor(site_with_partner(make_site, tmp_path, partner, text)).get(PATH)
    assert [frame.get("title") for frame in page.all("iframe")] == ["A film about Porto"] * 2
    figures = page.all("figure", class_="embed")
    assert [figure.get("id") for figure in figures] == ["embed-1", "embed-2"]


def test_a_feed_and_paper_have_its_title_and_its_address(
    context: BrowserContext, site: Flask
) -> None:
    feed = Visitor(site).raw_get("/feed.xml").text
    link = f'&lt;a href="http://localhost{PATH}#embed-1"&gt;A film about Porto&lt;/a&gt;'
    assert link in feed.replace("&#34;", '"')
    page = context.new_page()
    page.goto(PATH)
    page.emulate_media(media="print")
    expect(page.locator("iframe").first).to_be_hidden()
    caption = page.locator(".embed figcaption").first.inner_text()
    assert caption.split("\n") == ["A film about Porto", page.url + "#embed-1"]


def test_an_article_that_embeds_what_is_not_declared_stops_the_start(
    make_site: MakeSite, tmp_path: Path, partner: Partner
) -> None:
    text = ARTICLE.replace("embed:player", "embed:unknown")
    with pytest.raises(SystemExit, match=r"^An article is broken: .*no embed 'unknown'\.\n"):
        site_with_partner(make_site, tmp_path, partner, text)


def second_film(page: Page) -> tuple[float, dict[str, float] | None]:
    """Return how far the article is scrolled, and where the second frame stands in it."""
    box = page.locator("iframe").nth(1).bounding_box()
    return page.evaluate("scrollY"), dict(box) if box else None  # type: ignore[arg-type]


def widths_at_which_the_first_frame_scrolls(page: Page) -> list[int]:
    found = []
    for width in (320, 360, 390, 600, 700, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        if page.frames[1].evaluate("document.documentElement.scrollHeight > innerHeight"):
            found.append(width)
    return found


@pytest.mark.parametrize("path", [PATH, "/pt/artigos/film"])
def test_a_frame_has_room_for_what_it_says_in_letters_of_any_size(
    browser: Browser, site: Flask, path: str
) -> None:
    with serving(site) as address:
        page = browser.new_page(base_url=address)
        for size in ("normal", "large", "larger"):
            page.goto(f"{path}?size={size}", wait_until="networkidle")
            assert widths_at_which_the_first_frame_scrolls(page) == [], size
        with time_machine.travel(datetime.now(UTC), tick=False):  # within one minute
            for _ in range(30):
                Visitor(site).post("/cookies", {"choice": "accept_all"})
            page.frames[1].get_by_role("button").last.click()
            expect(page.frame_locator("iframe >> nth=0").get_by_role("alert")).to_be_visible()
        assert widths_at_which_the_first_frame_scrolls(page) == []
        page.close()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("javascript", [False, True])
def test_loading_moves_nothing_loads_one_film_and_can_be_gone_back_from(
    browser: Browser, site: Flask, partner: Partner, width: int, *, javascript: bool
) -> None:
    with serving(site) as address:
        context = browser.new_context(
            base_url=address,
            java_script_enabled=javascript,
            viewport={"width": width, "height": 800},
        )
        page = context.new_page()
        page.goto(PATH)
        frame = page.frame_locator("iframe >> nth=1")
        button = frame.get_by_role("button", name="Load once: Another film")
        page.locator("iframe").nth(1).scroll_into_view_if_needed()
        button.scroll_into_view_if_needed()
        before = second_film(page)
        assert before[0] > 1000
        button.press("Enter")
        film = frame.frame_locator("iframe")
        expect(film.get_by_text("Playing porto-2")).to_be_visible()
        assert second_film(page) == before
        assert partner.asked == ["/player/porto-2"]
        assert partner.referrers == {f"{address}/"}
        assert context.cookies() == []
        assert page.url == address + PATH
        assert page.evaluate("document.activeElement.matches('iframe')")
        if javascript:
            expect(frame.get_by_role("status", name="Loaded, this once.")).to_be_focused()
            assert film.locator("html").evaluate("() => document.fullscreenEnabled")
        page.evaluate("history.back()")
        expect(button).to_be_visible()
        assert second_film(page) == before
        assert page.url == address + PATH
        frame.get_by_role("button", name="Always allow").click()
        expect(film.get_by_text("Playing porto-2")).to_be_visible()
        expect(frame.get_by_role("heading", name="is accepted")).to_be_visible()
        assert second_film(page) == before
        assert set(partner.asked) == {"/player/porto-2"}
        page.goto(PATH)
        playing = page.frame_locator("iframe >> nth=0").frame_locator("iframe")
        expect(playing.get_by_text("Playing porto-1")).to_be_visible()
        context.close()


def test_what_was_loaded_once_is_not_loaded_again_by_going_back(
    browser: Browser, site: Flask, partner: Partner
) -> None:
    with serving(site) as address:
        page = browser.new_page(base_url=address)
        page.goto(PATH)
        frame = page.frame_locator("iframe >> nth=0")
        frame.get_by_role("button", name="Load once").click()
        expect(frame.frame_locator("iframe").get_by_text("Playing porto-1")).to_be_visible()
        expect(frame.get_by_role("status", name="Loaded, this once.")).to_be_focused()
        page.goto("/privacy")
        partner.asked.clear()
        page.go_back(wait_until="networkidle")
        expect(frame.get_by_role("button", name="Load once")).to_be_visible()
        assert partner.asked == []
        page.close()


def test_no_page_elsewhere_can_load_it_for_a_reader(
    browser: Browser, site: Flask, partner: Partner
) -> None:
    elsewhere = Flask("elsewhere")
    with serving(site) as address, serving(elsewhere) as other:
        target = f"{address}{FRAME}?once"

        @elsewhere.get("/")
        def trap() -> str:
            return f"""<!doctype html><title>trap</title><a href="{target}">A link</a>
<img src="{target}" alt=""><iframe src="{target}" title="trap"></iframe>"""

        page = browser.new_page()
        # Another site to the browser, which takes two ports of one host for the same one.
        page.goto(other.replace("127.0.0.1", "localhost"), wait_until="networkidle")
        page.get_by_role("link").click()
        expect(page.get_by_role("button", name="Load once")).to_be_visible()
        page.goto(target, wait_until="networkidle")
        expect(page.get_by_role("button", name="Load once")).to_be_visible()
        assert partner.asked == []
        # The guard's counter-test: pressed here, it loads.
        page.get_by_role("button", name="Load once").click()
        expect(page.frame_locator("iframe").get_by_text("Playing porto-1")).to_be_visible()
        page.close()


@pytest.mark.usefixtures("whole_minute")
def test_too_many_choices_in_a_frame_leave_a_way_back_to_what_would_be_shown(site: Flask) -> None:
    for _ in range(30):
        Visitor(site).post("/cookies", {"choice": "accept_all"})
    sent = {"purpose": "personalization", "next": FRAME}
    answer = Visitor(site).post("/cookies/allow", sent, **{"Sec-Fetch-Dest": "iframe"})
    assert answer.status_code == 429
    assert f'<a href="{FRAME}" target="_self">Try again</a>' in answer.text
    assert "Try again" not in Visitor(site).post("/cookies/allow", sent).text


def test_the_keyboard_reaches_a_film_that_is_far_below(browser: Browser, site: Flask) -> None:
    with serving(site) as address:
        page = browser.new_page(base_url=address, viewport={"width": 390, "height": 664})
        page.goto(PATH)
        page.locator(".share").wait_for()
        met = []
        for _ in range(40):
            page.keyboard.press("Tab")
            frame = page.frames[2]
            if frame.evaluate("document.hasFocus() && document.activeElement !== document.body"):
                met.append(frame.evaluate("document.activeElement.textContent.trim()"))
                assert (
                    page.locator("iframe")
                    .nth(1)
                    .evaluate("frame => frame.getBoundingClientRect().top < innerHeight")
                )
        page.close()
    assert met[1:3] == ["Load once", "Always allow “Personalised content”"]
