"""The pages for machines, and the privacy and accessibility pages."""

from datetime import UTC, datetime, timedelta

import pytest
from browserlike import HTML, Page, Visitor, text_of
from conftest import MakeSite
from jinja2 import DictLoader


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
