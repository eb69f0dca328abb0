"""Each wing of the house can be left out: the rest starts, serves, and passes its own tests.

Of the tests of what is left these are the first examples; all of them, on every store, take longer:
`WITHOUT="operator rights proof" .venv/bin/pytest tests/consent tests/sessions tests/pages`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from browserlike import Visitor
from conftest import MakeSite
from sqlalchemy import MetaData

import app
from blueprints.database import db
from blueprints.pages.views import ABOUT_THE_SITE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WINGS = ["operator", "operator rights", "operator rights proof"]


@pytest.mark.parametrize("without", WINGS)
def test_without_a_wing_no_page_links_to_it(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    rooms = tuple(room for room in app.BLUEPRINTS if room.name not in without.split())
    monkeypatch.setattr(app, "BLUEPRINTS", rooms)
    site = make_site()
    visitor = Visitor(site)
    visitor.choose("accept_all")
    seen, due = set[str](), ["/", "/articles"]
    while due:
        path = due.pop()
        if path in seen or path.startswith("/static/"):
            continue
        seen.add(path)
        answer = visitor.raw_get(path)
        assert answer.status_code == 200, path
        if answer.mimetype == "text/html":
            links = visitor.get(path).all("a")
            due += [
                (link.get("href") or "").partition("#")[0]
                for link in links
                if (link.get("href") or "").startswith("/")
            ]
    assert {"/pt/", "/cookies", *(f"/{name}" for name in ABOUT_THE_SITE)} <= seen
    assert ("/cookies/history" in seen) == ("rights" not in without)
    commands = site.cli.commands.get("consent")
    assert ("verify" in getattr(commands, "commands", ())) == ("proof" not in without)


@pytest.mark.parametrize(
    ("without", "name"),
    [
        ("operator", "METRICS_ADDRESS"),
        ("operator rights", "CONSENT_RETENTION_YEARS"),
        ("operator rights proof", "CONSENT_SEAL_RECORDS"),
        ("operator rights proof", "CONSENT_SEAL_MINUTES"),
        ("operator rights proof", "CONSENT_SEAL_BATCH"),
    ],
)
def test_the_settings_of_a_wing_that_is_left_out_stop_the_start(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, without: str, name: str
) -> None:
    monkeypatch.setenv(f"FLASK_{name}", "banana")
    with pytest.raises(SystemExit, match=f"FLASK_{name} must be"):
        make_site()
    rooms = tuple(room for room in app.BLUEPRINTS if room.name not in without.split())
    monkeypatch.setattr(app, "BLUEPRINTS", rooms)
    with pytest.raises(SystemExit, match=f"FLASK_{name} is no setting of this site"):
        make_site()


@pytest.mark.parametrize(
    ("without", "first"),
    [("proof", "rights"), ("rights", "operator"), ("operator proof", "rights")],
)
def test_what_another_wing_stands_on_is_not_left_out_before_it(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, without: str, first: str
) -> None:
    rooms = tuple(room for room in app.BLUEPRINTS if room.name not in without.split())
    monkeypatch.setattr(app, "BLUEPRINTS", rooms)
    with pytest.raises(SystemExit, match=f"leave {first} out first"):
        make_site()


def test_a_migration_made_without_a_wing_drops_nothing_of_it(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody has told of may hold the seals of years: each wing's models come with it."""
    rooms = tuple(room for room in app.BLUEPRINTS if room.name not in WINGS[-1].split())
    monkeypatch.setattr(app, "BLUEPRINTS", rooms)
    site = make_site()
    known = MetaData(naming_convention=db.metadata.naming_convention)
    for table in db.metadata.sorted_tables:
        if table.name not in {"consent_seals", "consent_leaves", "consent_open"}:
            table.to_metadata(known)
    monkeypatch.setitem(db.metadatas, None, known)
    checked = site.test_cli_runner().invoke(args=["db", "check"])
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize("without", WINGS[1:])
def test_without_what_erases_no_page_promises_it(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, without: str
) -> None:
    pages = ("/privacy", "/pt/privacidade", "/cookies", "/pt/cookies", "/accessibility", "/")
    promises = r"receipt|recibo|digest|by number|por número|3 years|3 anos|sealed|selado"
    whole = Visitor(make_site())
    whole.choose("accept_all")
    assert re.search(promises, whole.get("/privacy").text), "they are made where they are kept"
    rooms = tuple(room for room in app.BLUEPRINTS if room.name not in without.split())
    monkeypatch.setattr(app, "BLUEPRINTS", rooms)
    visitor = Visitor(make_site())
    for is_new in (True, False):
        for path in pages:
            assert not re.search(promises, visitor.get(path).text), path
        if is_new:
            visitor.choose("accept_all")
    assert "No record is erased by itself" in visitor.get("/privacy").text
    assert "Nenhum registo é apagado automaticamente" in visitor.get("/pt/privacidade").text


@pytest.mark.parametrize(
    ("without", "tests"),
    [
        ("operator", "tests/proof tests/rights tests/consent/test_implied.py"),
        ("operator rights", "tests/proof tests/consent/test_notices.py"),
        ("operator rights proof", "tests/consent tests/sessions tests/security tests/site"),
    ],
)
def test_without_a_wing_the_rest_passes_its_own_tests(without: str, tests: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and tests
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-m",
            "first",
            *tests.split(),
        ],
        cwd=ROOT,
        env={**os.environ, "WITHOUT": without},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
