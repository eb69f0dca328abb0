"""The pages for machines, and the privacy and accessibility pages."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite, statements
from jinja2 import DictLoader
from registries import CONTROLLER, FILLED_IN, FILM, MATOMO, shipped_with

from blueprints.database import db
from blueprints.pages.views import ABOUT_THE_SITE
from blueprints.proof.seals import seal_open_records
from blueprints.serving import readiness


def test_health_answers_and_is_kept_by_nobody(make_site: MakeSite) -> None:
    answer = Visitor(make_site()).raw_get("/health")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "ok\n", "text/plain")
    assert answer.headers["Cache-Control"] == "no-store"


def test_security_txt_names_a_contact_and_is_valid_for_less_than_a_year(
    make_site: MakeSite,
) -> None:
    text = Visitor(make_site()).raw_get("/.well-known/security.txt").text
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert fields["Contact"].startswith("mailto:")
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=30) < left < timedelta(days=365)


@pytest.mark.parametrize("name", ABOUT_THE_SITE)
def test_the_foot_of_every_page_links_to_each_page_about_the_site_by_its_title(
    make_site: MakeSite, name: str
) -> None:
    visitor = Visitor(make_site(CONSENT_MODEL="implied"))
    for home, address in (("/cookies", f"/{name}"), ("/pt/cookies", ABOUT_THE_SITE[name])):
        (foot,) = visitor.get(home).all("footer")[-1:]
        links = {link.get("href"): text_of(link) for link in foot.iter(HTML + "a")}
        assert links[address] == text_of(visitor.get(address).one("h1"))
    assert visitor.cookies == set(), "none of them is counted as a page that was read"


@pytest.mark.parametrize("home", ["/", "/pt/"])
def test_the_accessibility_statement_is_one_click_away_dated_and_names_a_contact(
    make_site: MakeSite, home: str
) -> None:
    visitor = Visitor(make_site())
    (footer,) = visitor.get(home).all("footer")[-1:]
    words = "Accessibility" if home == "/" else "Acessibilidade"
    (address,) = [link.get("href") for link in footer.iter(HTML + "a") if text_of(link) == words]
    page = visitor.get(address or "")
    assert text_of(page.one("h1")) == words
    assert all(
        named in page.text for named in ("83/2018", "EN 301 549", "WCAG", "Provedor de Justiça")
    )
    assert [time.get("datetime") for time in page.all("time")] == ["2026-11-27", "2026-11-24"]
    assert any((link.get("href") or "").startswith("mailto:") for link in page.all("a"))


@pytest.mark.parametrize(
    ("path", "whole", "partly"),
    [
        ("/accessibility", "conforms fully", "conforms in part"),
        ("/pt/acessibilidade", "plenamente conforme", "parcialmente conforme"),
    ],
)
def test_what_others_show_in_a_page_may_not_conform_and_the_statement_says_so(
    make_site: MakeSite, path: str, whole: str, partly: str
) -> None:
    text = Visitor(make_site()).get(path).text
    assert whole in text
    assert partly not in text
    text = Visitor(make_site(registry=shipped_with(more=FILM))).get(path).text
    assert partly in text
    assert "Film Player (Films Ltd)" in text
    assert whole not in text


def test_robots_may_read_everything(make_site: MakeSite) -> None:
    answer = Visitor(make_site()).raw_get("/robots.txt")
    assert "Allow: /" in answer.text


def test_the_privacy_page_names_the_controller_in_both_languages(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    for path in ("/privacy", "/pt/privacidade"):
        page = visitor.get(path)
        assert "InvestPorto" in page.text
        assert "CNPD" in page.text


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/cookies/", "/cookies"),
        ("/pt/cookies/history//", "/pt/cookies/history"),
        ("/cookies/withdraw/", None),  # It can be sent a form only.
        ("/nothing/", None),
    ],
)
def test_an_address_that_a_browser_completed_up_to_a_slash_leads_to_the_page(
    make_site: MakeSite, path: str, meant: str | None
) -> None:
    answer = make_site().test_client().get(path)
    assert answer.headers.get("Location") == meant
    assert answer.status_code == (308 if meant else 404)


@pytest.mark.parametrize("path", ["/robots.txt", "/.well-known/security.txt"])
def test_a_text_for_machines_ends_its_last_line(make_site: MakeSite, path: str) -> None:
    text = Visitor(make_site()).raw_get(path).text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize(
    ("path", "says"), [("/none", "cannot be shown"), ("/pt/none", "apresentar")]
)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_where_an_error_page_cannot_be_made_there_is_a_plain_one(
    make_site: MakeSite, path: str, says: str, accept: str
) -> None:
    site = make_site()
    site.jinja_env.loader = DictLoader({})  # Not one template is left.
    answer = Visitor(site).raw_get(path, Accept=accept)
    page = Page(answer)
    assert (page.status, answer.mimetype) == (404, "text/html")
    assert says in page.text
    assert Visitor(site).get("/").status == 500


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "elsewhere.example", "a..b", ""])
def test_probes_are_answered_under_any_host(make_site: MakeSite, host: str) -> None:
    site = make_site(TRUSTED_HOSTS="www.example.pt,.example.org")
    visitor = Visitor(site, Host=host)
    assert visitor.raw_get("/health").text == "ok\n"
    assert visitor.raw_get("/ready").text == "ready\n"
    assert visitor.raw_get("/").status_code == 400


@pytest.mark.slow
def test_a_site_whose_records_cannot_be_kept_is_not_ready(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "SECONDS", 0)
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    assert visitor.raw_get("/ready").status_code == 200
    with time_machine.travel(datetime.now(UTC) + timedelta(days=9)):
        answer = Visitor(site).raw_get("/ready")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
        assert answer.text.endswith("run 'flask consent seal' each day.\n")
        with site.app_context():
            seal_open_records(datetime.now(UTC), 100)
        assert Visitor(site).raw_get("/ready").status_code == 200
    with site.app_context():
        file = Path(db.engine.url.database or "")
    with closing(sqlite3.connect(file, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")  # It can be read, and nothing can be recorded.
        assert Visitor(site).raw_get("/ready").status_code == 503
    file.unlink()
    answer = Visitor(site).raw_get("/ready")
    assert answer.status_code == 503
    assert "The database" in answer.text
    assert visitor.raw_get("/health").status_code == 200


def test_readiness_is_found_out_once_a_second(make_site: MakeSite) -> None:
    site = make_site()
    seen = statements(site)
    visitor = Visitor(site)
    for _ in range(20):
        visitor.raw_get("/ready")
    assert 0 < len(seen) < 20


ART_13 = {
    "en": {
        "(1)(a)": ("InvestPorto, Rua 1, Porto, tax number 501234567", "+351 220 000 000"),
        "(1)(b)": ("data protection officer at dpo@porto.test",),
        "(1)(c)": ("Article 6(1)(a), and Law 41/2004, Article 5(1)", "Law 41/2004, Article 5(2)"),
        "(1)(d)": (
            "so that we do not ask you again (Article 6(1)(f))",
            "choices and requests by number come from one connection within a minute (Article 6",
            "we do not ask you again (Article 6(1)(f)): that is our legitimate interest",
            "within a minute (Article 6(1)(f)): our legitimate interest is that the records",
            "to object at any time to what we do in a legitimate interest (Article 21)",
        ),
        "(1)(e)": (
            "At present, nobody but those who work for us, named below: the partners",
            "Hosting Lda (DE): Hosting",
        ),
        "(1)(f)": ("nothing leaves the European Economic Area",),
        "(2)(a)": (
            "valid for 6 months",
            "for 3 years after it has ended, because during that time we may have to show",
            "A refusal without an acceptance",
        ),
        "(2)(b)": ("access", "rectification", "erasure", "restriction", "portability", "object"),
        "(2)(c)": ("withdraw your consent at any time",),
        "(2)(d)": ("supervisory authority", "CNPD"),
        "(2)(e)": ("under no duty to give us any data",),
        "(2)(f)": ("Article 22",),
        "12(3)": ("within one month", "26 November 2026"),
        "11": ("only a random number",),
    },
    "pt": {
        "(1)(a)": ("tratamento: InvestPorto, Rua 1, Porto, NIPC 501234567", "+351 220 000 000"),
        "(1)(b)": ("encarregado da proteção de dados em dpo@porto.test",),
        "(1)(c)": ("artigo 6.º, n.º 1, alínea a)", "Lei n.º 41/2004, artigo 5.º, n.º 2"),
        "(1)(d)": (
            "para não voltarmos a perguntar (artigo 6.º, n.º 1, alínea f))",
            "e pedidos por número chegam de uma mesma ligação num minuto (artigo 6.º, n.º 1, alí",
            "alínea f)): é esse o nosso interesse legítimo",
            "alínea f)): o nosso interesse legítimo é que os registos",
            "oposição, a qualquer momento, ao que fazemos por interesse legítimo (artigo 21.º)",
        ),
        "(1)(e)": (
            "não há destinatários além de quem trabalha para nós, indicado abaixo: os parceiros",
            "Hosting Lda (DE): Alojamento",
        ),
        "(1)(f)": ("nada sai do Espaço Económico Europeu",),
        "(2)(a)": (
            "válida durante 6 meses",
            "durante 3 anos depois de terminar",
            "recusa sem aceitação anterior",
        ),
        "(2)(b)": ("acesso", "retificação", "apagamento", "limitação", "portabilidade", "oposição"),
        "(2)(c)": ("retirar o consentimento a qualquer momento",),
        "(2)(d)": ("autoridade de controlo", "CNPD"),
        "(2)(e)": ("Não tem qualquer obrigação de nos fornecer dados",),
        "(2)(f)": ("artigo 22.º",),
        "12(3)": ("prazo de um mês", "26 de novembro de 2026"),
        "11": ("apenas um número aleatório",),
    },
}


@pytest.mark.parametrize(("language", "path"), [("en", "/privacy"), ("pt", "/pt/privacidade")])
def test_the_privacy_page_says_each_thing_that_article_13_demands(
    make_site: MakeSite, language: str, path: str
) -> None:
    filled_in = shipped_with(('address = "Porto, Portugal"\n', CONTROLLER))
    text = Visitor(make_site(registry=filled_in)).get(path).text
    for article, words in ART_13[language].items():
        for each in words:
            assert each in text, (article, each)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "/privacy",
            ("Article 6(1)(f)", "legitimate interest", "choosing, or after you have erased"),
        ),
        (
            "/pt/privacidade",
            (
                "artigo 6.º, n.º 1, alínea f)",
                "interesse legítimo",
                "escolher, ou depois de ter apagado",
            ),
        ),
    ],
)
@pytest.mark.parametrize("model", ["opt_in", "implied"])
def test_whatever_rests_on_an_interest_names_it(
    make_site: MakeSite, model: str, path: str, words: tuple[str, str, str]
) -> None:
    article, interest, next_time = words
    text = Visitor(make_site(CONSENT_MODEL=model)).get(path).text
    rows = {"opt_in": 2, "implied": 3}[model]
    assert text.count(article) == rows
    assert text.count(interest) == rows + 1, "and it may be objected to"
    assert (next_time in text) is (model == "implied")


@pytest.mark.parametrize(
    ("language", "words", "veiled"),
    [
        ("en", ("As a data subject", "restriction of its processing"), "message"),
        ("pt", ("Como titular dos dados", "limitação do tratamento"), "mensage"),
    ],
)
def test_advertising_and_the_data_subject_are_called_so(
    make_site: MakeSite, language: str, words: tuple[str, str], veiled: str
) -> None:
    """Advertising must be known as such (Decreto-Lei 7/2004), also where one is asked for it."""
    visitor = Visitor(make_site())
    banner, settings, privacy = {
        "en": ("/", "/cookies", "/privacy"),
        "pt": ("/pt/", "/pt/cookies", "/pt/privacidade"),
    }[language]
    for path in (banner, settings, privacy):
        assert veiled not in visitor.get(path).text.lower(), path
    text = visitor.get(privacy).text
    assert all(each in text for each in words)


def test_what_nobody_has_filled_in_is_told_at_the_start(
    make_site: MakeSite, tmp_path: Path
) -> None:
    (told,) = make_site().extensions["told_at_start"]
    assert told.endswith("contact, tax_number, telephone, officer, processors, dated.")
    file = tmp_path / "registry.toml"
    file.write_text(shipped_with(*FILLED_IN), encoding="utf-8")
    assert make_site(CONSENT_REGISTRY=str(file)).extensions["told_at_start"] == []
    wrong = ('"+351 220 000 000"', '"..."'), ('"2026-11-26"', '"2999-01-01"')
    file.write_text(shipped_with(*FILLED_IN, *wrong), encoding="utf-8")
    (told,) = make_site(CONSENT_REGISTRY=str(file)).extensions["told_at_start"]
    assert told.endswith(
        ": telephone ('...' cannot be right), dated ('2999-01-01' cannot be right)."
    )


@pytest.mark.parametrize("path", ["/privacy", "/accessibility", "/cookies/receipt/about"])
@pytest.mark.parametrize("prefix", ["", "/pt"])
def test_a_contact_that_is_a_web_address_is_linked_as_one(
    make_site: MakeSite, tmp_path: Path, prefix: str, path: str
) -> None:
    form, file = "https://www.porto.test/contactos", tmp_path / "registry.toml"
    written = *FILLED_IN, ('"privacy@porto.test"', f'"{form}"'), ('"dpo@porto.test"', f'"{form}"')
    file.write_text(shipped_with(*written), encoding="utf-8")
    visitor = Visitor(make_site(CONSENT_REGISTRY=str(file)))
    portuguese = {"/privacy": "/privacidade", "/accessibility": "/acessibilidade"}
    page = visitor.get(prefix + (portuguese.get(path, path) if prefix else path))
    links = [link.get("href") or "" for link in page.all("a")]
    assert form in links
    assert not any(link.startswith("mailto:") for link in links)
    assert f"Contact: {form}\n" in visitor.raw_get("/.well-known/security.txt").text


SAFEGUARD = 'safeguard = { en = "Standard contractual clauses", pt = "Cláusulas-tipo" }'


def test_what_goes_out_of_the_eea_is_told_with_its_safeguard(
    make_site: MakeSite, tmp_path: Path
) -> None:
    file = tmp_path / "registry.toml"
    abroad, clauses = (
        FILM.replace('"IE"', '"US"').replace("films.example", "films.test"),
        "we send you a copy if you ask: Standard contractual",
    )
    placed = 'safeguard = { en = "TODO", pt = "..." }'
    for film, told in (
        (abroad, 2),
        (abroad.replace("hosts", f"{placed}\nhosts"), 2),
        (abroad.replace("hosts", f"{SAFEGUARD}\nhosts"), 1),
    ):
        file.write_text(shipped_with(more=film), encoding="utf-8")
        site = make_site(CONSENT_REGISTRY=str(file))
        assert len(site.extensions["told_at_start"]) == told
        page = Visitor(site).get("/privacy")
        assert "outside the European Economic Area" in page.text
        assert (clauses in page.text) is (told == 1)
    assert (
        "lhe enviamos cópia a pedido: Cláusulas-tipo" in Visitor(site).get("/pt/privacidade").text
    )
    hosting = CONTROLLER.replace('"DE"', '"US"')
    file.write_text(shipped_with(('address = "Porto, Portugal"\n', hosting)), encoding="utf-8")
    page = Visitor(make_site(CONSENT_REGISTRY=str(file))).get("/privacy")
    assert "Hosting Lda (US): Hosting. Data may go outside" in page.text
    assert "nothing leaves" not in page.text


def test_that_nothing_is_stored_is_said_only_where_others_can_have_stored_nothing(
    make_site: MakeSite,
) -> None:
    """Whoever loads content once has what others store, and no choice."""
    words = "Nothing is stored on your device."
    assert words in Visitor(make_site()).get("/cookies").text
    assert words not in Visitor(make_site(registry=shipped_with(more=FILM))).get("/cookies").text


@pytest.mark.parametrize(
    ("path", "always", "once"),
    [
        (
            "/privacy",
            "Only if you accept the purpose named with each",
            ", or load its content once:",
        ),
        (
            "/pt/privacidade",
            "apenas se aceitar a finalidade de cada um",
            ", ou se carregar uma vez o seu conteúdo:",
        ),
    ],
)
def test_who_receives_something_of_who_loads_content_once_is_told_where_that_can_be(
    make_site: MakeSite, path: str, always: str, once: str
) -> None:
    for more, words in ((FILM, always + once), (MATOMO, f"{always}:")):
        assert words in Visitor(make_site(registry=shipped_with(more=more))).get(path).text


NECESSARY = """
[[services]]
id = "gate"
purpose = "necessary"
name = "Gate"
vendor = "Gatekeeper Ltd"
country = "IE"
privacy = "https://gate.example.org/privacy"
hosts = { script = ["https://gate.example.org"] }
script = { address = "https://gate.example.org/gate.js" }
justification = { en = "It keeps robots out.", pt = "Afasta robôs." }
"""


def test_whoever_is_told_unasked_is_named_with_the_reason_wherever_it_matters(
    make_site: MakeSite,
) -> None:
    visitor = Visitor(make_site(registry=shipped_with(more=NECESSARY)))
    front = visitor.get("/")
    assert "https://gate.example.org" in front.response.headers["Content-Security-Policy"]
    privacy, settings = visitor.get("/privacy").text, visitor.get("/cookies").text
    assert "Gatekeeper Ltd (IE): Gate, Strictly necessary. It keeps robots out." in privacy
    assert "It keeps robots out. Whatever you choose, your browser contacts:" in settings
    for words in ("nobody else is contacted", "At present, nobody", "Nothing is stored on your"):
        assert words not in privacy + settings
    for path in ("/pt/privacidade", "/pt/cookies"):
        assert "Afasta robôs." in visitor.get(path).text
    assert front.banner is not None
    assert "Gatekeeper Ltd (IE). It keeps robots out." in text_of(front.banner)


OF_OTHERS = """
[[services]]
id = "agency"
purpose = "advertising"
name = "Agency"
vendor = "Agency Inc"
country = "US"
privacy = "https://agency.example.org/privacy"
"""
MAP = """
[[services]]
id = "map"
purpose = "necessary"
name = "Map"
vendor = "Maps Ltd"
country = "IE"
privacy = "https://maps.example.org/privacy"
hosts = { frame = ["https://maps.example.org"] }
embed = { address = "https://maps.example.org/{id}", width = 560, height = 315 }
justification = { en = "You came for it.", pt = "Foi o que pediu." }
"""


def test_others_are_named_also_where_no_browser_contacts_them(make_site: MakeSite) -> None:
    visitor = Visitor(make_site(registry=shipped_with(more=OF_OTHERS)))
    for path, named, untrue in (
        (
            "/privacy",
            "Agency Inc (US): Agency",
            ("At present, nobody", "nothing leaves", "nothing else"),
        ),
        ("/pt/privacidade", "Agency Inc (US): Agency", ("não há destinatários", "por mais nada")),
        ("/cookies", "Agency Inc", ("no partner receives",)),
        ("/pt/cookies", "Agency Inc", ("nenhum parceiro recebe",)),
    ):
        text = visitor.get(path).text
        assert named in text
        assert [words for words in untrue if words in text] == []


@pytest.mark.parametrize(
    ("more", "model", "is_wanted"),
    [(FILM, "opt_in", True), (FILM, "implied", False), (MAP, "opt_in", False)],
)
def test_what_others_show_is_called_wanted_only_where_it_is(
    make_site: MakeSite, more: str, model: str, *, is_wanted: bool
) -> None:
    visitor = Visitor(make_site(registry=shipped_with(more=more), CONSENT_MODEL=model))
    for path, words in (("/accessibility", "if you want it"), ("/pt/acessibilidade", "se quiser")):
        assert (words in visitor.get(path).text) is is_wanted


def test_the_titles_and_the_drawing_of_a_404_are_those_of_other_pages(make_site: MakeSite) -> None:
    page = Visitor(make_site()).get("/none")
    assert page.status == 404
    assert page.one("ul", class_="titles").findall(".//{*}time")
    assert page.one("figure", class_="cover drawing").find(".//{*}source[@media]") is not None
