"""The operator's report and export: what they count, what they hide, and what they refuse."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import html5lib
import pytest
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite
from evidence import records
from flask import Flask
from log import run
from playwright.sync_api import Browser, ConsoleMessage
from sqlalchemy import insert
from uuid_utils.compat import uuid7

from blueprints.consent import services
from blueprints.consent.log.digest import record_digest
from blueprints.consent.models import ConsentRecord
from blueprints.consent.report.numbers import OTHER, Report, Row, merge_small, summarise
from blueprints.database import db

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GIVEN = {"personalization": "given", "advertising": "given"}
REFUSED = {"personalization": "refused", "advertising": "refused"}


def row(**changes: Any) -> Row:  # noqa: ANN401 - columns of any kind
    at = changes.get("decided_at", NOW - timedelta(days=10))
    values: dict[str, Any] = {
        "decided_at": at,
        "expires_at": at + timedelta(days=181),
        "language": "en",
        "model": "opt_in",
        "method": "banner.accept_all",
        "policy_version": "a" * 12,
        "gpc": False,
        "statuses": GIVEN,
    }
    return Row(**values | changes)


def report(*rows: Row, **period: Any) -> Report:  # noqa: ANN401 - two dates
    return summarise(rows, NOW, **period)


def names(groups: Any) -> dict[str, int]:  # noqa: ANN401 - any groups
    return {group.name: group.count for group in groups}


def fill(site: Flask, rows: list[Row]) -> list[UUID]:
    """Put the rows into the log; each is a visitor of its own."""
    values = []
    for number, entry in enumerate(rows):
        record = {
            **entry._asdict(),
            "id": uuid7(nanoseconds=int(entry.decided_at.timestamp() * 1e9)),
            "subject": uuid4(),
            "is_consent": entry.method != "continued_use",
            "notice": None,
            "salt": number.to_bytes(16, "big"),
        }
        values.append(record | {"digest": record_digest(record)})
    with site.app_context(), db.engine.begin() as connection:
        connection.execute(insert(ConsentRecord), values)
    return [record["subject"] for record in values]


def half_a_year() -> Iterator[Row]:
    """Six decisions on each of 180 days, from two languages, some with the signal."""
    for day in range(180):
        at = NOW - timedelta(days=day, hours=3)
        for number in range(6):
            yield row(
                decided_at=at + timedelta(minutes=number),
                language="pt" if number == 5 else "en",
                gpc=number == 4,
                statuses=GIVEN if number < 4 else REFUSED,
                method="banner.accept_all" if number < 4 else "banner.reject",
            )


def test_shares_are_of_all_decisions() -> None:
    found = report(*[row()] * 15, *[row(statuses=REFUSED, gpc=True, language="pt")] * 5)
    assert found.decisions == 20
    assert names(found.purposes["advertising"]) == {"given": 15, "refused": 5}
    assert [group.share for group in found.purposes["advertising"]] == [0.75, 0.25]
    assert names(found.answers) == {"everything": 15, "nothing": 5}
    assert names(found.gpc) == {"off": 15, "on": 5}
    assert names(found.languages) == {"en": 15, "pt": 5}


def test_what_was_only_assumed_is_not_counted_as_given() -> None:
    found = report(*[row()] * 5, *[row(method="continued_use", model="implied")] * 6)
    assert names(found.purposes["advertising"]) == {"assumed": 6, "given": 5}
    assert names(found.answers) == {"assumed": 6, "everything": 5}


def test_an_erased_record_is_counted_as_erased_only() -> None:
    found = report(*[row()] * 7, *[row(statuses=None, language="pt")] * 6)
    assert (found.decisions, found.erased) == (7, 6)
    assert names(found.languages) == {"en": 7}


def test_groups_under_five_are_merged() -> None:
    found = report(
        *[row()] * 9,
        *[row(method="settings.reject")] * 4,
        *[row(method="settings.withdraw")] * 3,
    )
    assert names(found.methods) == {"banner.accept_all": 9, OTHER: 7}


def test_what_is_merged_is_never_under_five_itself() -> None:
    assert merge_small({"a": 90, "b": 8, "c": 2}) == ({"a": 90}, 10)
    assert merge_small({"a": 90, "b": 3}) == ({}, 93)
    assert merge_small({"a": 90, "b": 4, "c": 4}) == ({"a": 90}, 8)
    assert merge_small({"a": 5, "b": 5}) == ({"a": 5, "b": 5}, 0)


def test_a_day_with_few_decisions_is_not_shown_by_itself() -> None:
    days = [NOW - timedelta(days=day) for day in range(30)]
    rows = [row(decided_at=day) for day in days for _ in range(9)]
    found = report(*rows, row(decided_at=days[-1] - timedelta(days=1)))
    assert found.timeline.step == "day"
    assert next(iter(found.timeline.counts.values())) is None
    assert found.timeline.merged == 10, "the one decision and the next smallest day"
    assert sum(n or 0 for n in found.timeline.counts.values()) == 9 * 29


def test_few_decisions_are_shown_by_week_or_month() -> None:
    rows = [row(decided_at=NOW - timedelta(days=day)) for day in range(90)]
    weekly = report(*rows).timeline
    assert weekly.step == "week"
    assert {day.weekday() for day in weekly.counts} == {0}
    assert report(*rows[::4]).timeline.step == "month"


def test_a_day_without_a_decision_is_none_and_is_shown() -> None:
    found = report(*[row()] * 8, since=date(2026, 11, 1), until=date(2026, 11, 30))
    assert len(found.timeline.counts) == 30
    assert set(found.timeline.counts.values()) == {0, 8}


def test_a_month_in_which_few_gave_hides_its_share() -> None:
    found = report(*[row()] * 4, *[row(statuses=REFUSED)] * 20)
    assert list(found.given_by_month["advertising"].values()) == [None]


def test_the_median_time_to_expiry_is_of_what_is_still_valid() -> None:
    old = [row(decided_at=NOW - timedelta(days=400))] * 50
    fresh = [row(decided_at=NOW - timedelta(days=days)) for days in (1, 1, 61, 91, 91)]
    found = report(*old, *fresh)
    assert found.still_valid == 5
    assert found.median_days_left == 120
    assert found.median_days_valid == 181
    assert report(*old, *fresh[:4]).median_days_left is None, "too few to be shown"


def test_an_empty_log_and_a_handful_show_nothing(make_site: MakeSite, tmp_path: Path) -> None:
    site, file = make_site(), tmp_path / "report.html"
    for _ in range(2):
        answer = run(site, "report", "--html", str(file))
        assert answer.exit_code == 0
        assert "Fewer than 5 decisions" in answer.output
        assert "fewer than 5 decisions" in file.read_text(encoding="utf-8")
        assert "banner" not in answer.output
        fill(site, [row()] * 2)


@pytest.fixture
def busy(site: Flask) -> Flask:
    fill(site, list(half_a_year()))
    return site


def test_the_table_in_the_terminal(busy: Flask) -> None:
    answer = run(busy, "report")
    assert answer.exit_code == 0
    assert answer.stderr == "", "no progress bar where there is no terminal"
    lines = [" ".join(line.split()) for line in answer.output.splitlines()]
    assert "Decisions 1,080" in lines
    assert "given 720 66.7%" in lines
    assert "banner.reject 360 33.3%" in lines
    assert "en 900 83.3%" in lines
    assert "on 180 16.7%" in lines
    assert "Decisions per day" in lines
    assert "2026-10 186 6 6" in lines


def test_a_period_has_both_its_days_in_utc(busy: Flask) -> None:
    answer = run(busy, "report", "--from", "2026-11-01", "--to", "2026-11-10")
    lines = [" ".join(line.split()) for line in answer.output.splitlines()]
    assert "Decisions 60" in lines
    assert {"2026-11-01 6", "2026-11-10 6"} <= set(lines)
    assert "2026-11-11 6" not in lines


def test_no_visitor_appears_in_a_report(site: Flask, tmp_path: Path) -> None:
    subjects = fill(site, list(half_a_year()))
    page = tmp_path / "report.html"
    text = run(site, "report", "--html", str(page)).output + page.read_text(encoding="utf-8")
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)
    assert not any(subject.hex in text for subject in subjects)


def test_the_page_is_one_file_without_network_and_script(site: Flask, tmp_path: Path) -> None:
    fill(site, list(half_a_year()))
    page = tmp_path / "report.html"
    assert run(site, "report", "--html", str(page)).exit_code == 0
    root = html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))
    assert not list(root.iter(f"{HTML}script"))
    for element in root.iter():
        attributes = set(element.keys())
        assert not attributes & {"src", "href", "style"}
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in page.read_text(encoding="utf-8")
    figures = list(root.iter(f"{HTML}figure"))
    assert len(figures) == 8
    for figure in figures:
        (chart,) = [element for element in figure.iter() if element.tag.endswith("}svg")]
        assert chart.get("role") == "img"
        assert chart.get("aria-label")
        (numbers,) = figure.iter(f"{HTML}details")
        assert list(numbers.iter(f"{HTML}table")), "a chart without its numbers"
    (heading,) = root.iter(f"{HTML}h1")
    assert text_of(heading) == "How people chose"


def log_into(said: list[str]) -> Callable[[ConsoleMessage], None]:
    return lambda message: said.append(message.text)


def test_the_page_is_whole_in_light_dark_and_print(
    make_site: MakeSite, browser: Browser, tmp_path: Path
) -> None:
    site, file = make_site(), tmp_path / "report.html"
    fill(site, list(half_a_year()))
    run(site, "report", "--html", str(file))
    grounds = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(
            viewport={"width": 320, "height": 600},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        said: list[str] = []
        page.on("console", log_into(said))
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert said == []
        page.emulate_media(media="print")
        assert page.get_by_role("rowheader", name="banner: reject").is_visible()
        context.close()
    assert len(grounds) == 2


def test_a_report_that_cannot_be_written_is_said_in_one_sentence(
    make_site: MakeSite, tmp_path: Path
) -> None:
    answer = run(make_site(), "report", "--html", str(tmp_path / "none" / "report.html"))
    assert answer.exit_code == 2
    assert answer.stderr.startswith("Error: The report cannot be written to ")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [("report",), ("export", "--format", "csv")])
@pytest.mark.parametrize(
    ("period", "says"),
    [
        (("--from", "yesterday"), "'yesterday' is no date: write it as 2026-11-24."),
        (("--to", "2026-02-30"), "'2026-02-30' is no date: write it as 2026-11-24."),
        (("--from", "20261124"), "'20261124' is no date: write it as 2026-11-24."),
        (
            ("--from", "2026-11-24", "--to", "2026-11-23"),
            "The period ends before it begins: 2026-11-24 is after 2026-11-23.",
        ),
    ],
)
def test_dates_that_are_none_are_said_in_one_sentence(
    make_site: MakeSite, command: tuple[str, ...], period: tuple[str, ...], says: str
) -> None:
    answer = run(make_site(), *command, *period)
    assert (answer.exit_code, answer.stderr, answer.stdout) == (2, f"Error: {says}\n", "")


def exported(site: Flask, *more: str) -> list[dict[str, str]]:
    answer = run(site, "export", "--format", "csv", *more)
    assert answer.exit_code == 0
    return list(csv.DictReader(io.StringIO(answer.stdout, newline="")))


def test_the_whole_log_is_exported_oldest_first(site: Flask) -> None:
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    first, second = exported(site)
    row, _ = records(site)
    assert first["id"] == str(row.id)
    assert first["decided_at"] == row.decided_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (first["personalization"], first["advertising"]) == ("refused", "given")
    assert first["digest"] == row.digest.hex()
    assert (first["gpc"], first["is_consent"], first["other_purposes"]) == ("false", "true", "")
    assert second["method"] == "settings.withdraw"
    lines = run(site, "export", "--format", "jsonl").stdout.splitlines()
    (line, _) = map(json.loads, lines)
    assert line["statuses"] == {"personalization": "refused", "advertising": "given"}
    assert line["gpc"] is False
    assert line["salt"] == row.salt.hex()


def test_an_erased_record_is_exported_without_visitor_and_answer(site: Flask) -> None:
    Visitor(site).choose("accept_all")
    with site.app_context():
        services.erase(records(site)[0].subject)
    (line,) = exported(site)
    assert (line["subject"], line["advertising"], line["salt"]) == ("", "", "")
    assert len(line["digest"]) == 64
    found = json.loads(run(site, "export", "--format", "jsonl").stdout)
    assert (found["subject"], found["statuses"]) == (None, None)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_never_a_formula(make_site: MakeSite, start: str) -> None:
    site = make_site()
    fill(site, [row(method=f"{start}1+1", statuses={f"{start}cmd": "given"})])
    (line,) = exported(site)
    assert line["method"] == f"'{start}1+1"
    assert line["other_purposes"] == f"'{start}cmd=given"


def test_an_export_of_a_period(busy: Flask) -> None:
    found = exported(busy, "--from", "2026-11-23", "--to", "2026-11-23")
    assert len(found) == 6
    assert {line["decided_at"][:10] for line in found} == {"2026-11-23"}


def test_an_unknown_format_is_refused(make_site: MakeSite) -> None:
    assert run(make_site(), "export", "--format", "xls").exit_code == 2
    assert run(make_site(), "export").exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        ("report",),
        ("export", "--format", "jsonl"),
        ("find", "01a20c66-bee4-75ef-bf2a-c38af3588982"),
    ],
)
def test_a_database_that_is_behind_is_said_in_one_sentence(
    make_site: MakeSite, command: tuple[str, ...]
) -> None:
    site = make_site()
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    answer = run(site, *command)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr == (
        "Error: The database is behind this version of the site: run 'flask db upgrade'.\n"
    )
