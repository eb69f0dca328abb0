"""A move to another kind of database and back: the whole, verified, or nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from browserlike import Visitor
from conftest import MakeSite
from evidence import session_cookie
from flask import Flask
from log import decide, decide_often, erase, run, seal, tampering
from sqlalchemy import create_engine, inspect, select

from blueprints.database import db
from blueprints.operator import move
from blueprints.proof.verifier import Count, verify_log

NO_DATABASE = [
    "nonsense",
    "postgresql+psycopg://127.0.0.1:x/y",
    "postgresql+psycopg://postgres@127.0.0.1:1/x",
    "postgresql+none://127.0.0.1/x",
    "mysql://127.0.0.1/x",
    "sqlite://",
    "sqlite:////none/site.db",
]


@pytest.fixture
def visitor(make_site: MakeSite) -> Visitor:
    """A reader of a site whose log has all that a log can have."""
    site = make_site()
    decisions = decide_often(site, 1100)
    seal(site)
    visitor = Visitor(site)
    visitor.choose("accept_all")
    erase(site, UUID(decisions[3].subject))
    seal(site)
    decide(site, datetime.now(UTC) + timedelta(hours=1))
    Visitor(site).choose("reject")
    return visitor


def rows(site: Flask) -> dict[str, list[Any]]:
    with site.app_context(), db.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in db.metadata.sorted_tables
        }


def test_a_move_to_postgresql_and_back_takes_everything_along(
    make_site: MakeSite, visitor: Visitor, postgresql_uri: str, tmp_path: Path
) -> None:
    old = visitor.site
    before = rows(old)
    assert all(before.values())
    moved = run(old, "move", "--to", postgresql_uri)
    assert moved.exit_code == 0, moved.output
    assert "Moved and verified 1,103 records (2 open) in 2 seals, and 2 sessions." in moved.output
    assert rows(old) == before

    site = make_site(SQLALCHEMY_DATABASE_URI=postgresql_uri)
    assert site.extensions["database_is_current"]
    assert rows(site) == before
    seals = "/consent/seals.json"
    assert Visitor(site).raw_get(seals).json == Visitor(old).raw_get(seals).json
    cookie = f"session={session_cookie(visitor)}"
    assert len(Visitor(site).get("/cookies", Cookie=cookie).all("input", checked="")) == 2

    Visitor(site).choose("reject")
    seal(site)
    file = tmp_path / "back.db"
    back = run(site, "move", "--to", f"sqlite:///{file}")
    assert "Moved and verified 1,104 records (1 open) in 3 seals" in back.output, back.output
    assert file.stat().st_mode & 0o777 == 0o600
    again = make_site(SQLALCHEMY_DATABASE_URI=f"sqlite:///{file}")
    assert rows(again) == rows(site)
    Visitor(again).choose("reject")
    seal(again)
    assert "Intact: 1,105 records (1 open, 1 erased) in 4 seals." in run(again, "verify").output


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM consent_open",
        "UPDATE consent_records SET content = '{}'",
        "UPDATE consent_records SET decided_at = 'never'",
        "DELETE FROM consent_leaves WHERE position > 20",
    ],
)
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_log_that_is_not_intact_goes_nowhere(
    request: pytest.FixtureRequest, make_site: MakeSite, tmp_path: Path, change: str, target: str
) -> None:
    site = make_site()
    decide_often(site, 30)
    seal(site)
    decide_often(site, 3)
    with tampering(site) as connection:
        connection.exec_driver_sql(change)
    file = tmp_path / "new.db"
    is_file = target == "sqlite"
    uri = f"sqlite:///{file}" if is_file else request.getfixturevalue("postgresql_uri")
    result = run(site, "move", "--to", uri)
    assert result.exit_code in {1, 2}, result.output
    assert "Nothing was moved" in result.output
    assert "Traceback" not in result.output
    if is_file:
        assert not file.exists()
    else:
        engine = create_engine(uri)
        assert inspect(engine).get_table_names() == []
        engine.dispose()


def test_a_database_that_is_not_empty_is_left_alone(
    make_site: MakeSite, migrated_postgresql_uri: str
) -> None:
    site = make_site()
    decide_often(site, 2)
    own = site.config["SQLALCHEMY_DATABASE_URI"]
    for uri in (migrated_postgresql_uri, own):
        result = run(site, "move", "--to", uri)
        assert result.exit_code == 2
        assert "Nothing was moved: " in result.output
    assert "Intact: 2 records" in run(site, "verify").output


@pytest.mark.parametrize("address", NO_DATABASE)
def test_what_is_no_database_is_told_in_one_sentence(make_site: MakeSite, address: str) -> None:
    result = run(make_site(), "move", "--to", address)
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1


@pytest.mark.slow
def test_what_is_chosen_while_it_moves_is_not_said_to_be_saved(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stay behind: so the old database takes nothing until all is over."""
    site = make_site()
    decide_often(site, 2)
    chosen: list[int] = []

    def choose_and_verify(*of: Any) -> Count:  # noqa: ANN401 - passed on
        chosen.append(Visitor(site).post("/cookies", {"choice": "reject"}).status_code)
        return verify_log(*of)

    monkeypatch.setattr(move, "verify_log", choose_and_verify)
    result = run(site, "move", "--to", f"sqlite:///{tmp_path}/new.db")
    assert "Moved and verified 2 records" in result.output
    assert chosen == [503]
    assert "Intact: 2 records" in run(site, "verify").output
