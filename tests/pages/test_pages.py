"""The pages for machines, and the privacy and accessibility pages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite, statements
from jinja2 import DictLoader

from blueprints.database import db
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
    assert "WCAG" in page.text
    assert page.one("time").get("datetime")
    assert any((link.get("href") or "").startswith("mailto:") for link in page.all("a"))


def test_robots_may_read_everything(make_site: MakeSite) -> None:
    answer = Visitor(make_site()).raw_get("/robots.txt")
    assert "Allow: /" in answer.text


def test_the_privacy_page_names_the_controller_in_both_languages(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    for path in ("/privacy", "/pt/privacidade"):
        page = visitor.get(path)
        assert "InvestPorto" in page.text
        assert "CNPD" in page.text


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
