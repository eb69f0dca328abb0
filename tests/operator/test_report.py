"""The operator's report and export: what they count, what they hide, and what they refuse."""

import csv
import io
import json
import re
import resource
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import html5lib
import pytest
from browserlike import HTML, Visitor, text_of
from conftest import MakeSite
from evidence import FIELDS, records
from flask import Flask
from log import GIVEN, NOW, decision, erase, fill, run
from playwright.sync_api import Browser, ConsoleMessage
from registries import NEW_PURPOSE, shipped_with

from blueprints.consent.choices import Decision
from blueprints.consent.records import Record
from blueprints.database import db
from blueprints.operator.numbers import OTHER, Report, merge_small, summarise

REFUSED = {"personalization": "refused", "advertising": "refused"}


def report(*rows: Decision, erased: int = 0, **period: Any) -> Report:  # noqa: ANN401 - two dates
    records = [vars(row) | {"content": "{...}"} for row in rows]
    erased_ones = [{"content": None}] * erased
    every = [*records, *erased_ones]
    offered = {row.policy_version: frozenset(GIVEN) for row in rows}
    return summarise(every, NOW, **period, counts=is_valid, offered=offered)


def is_valid(record: Record) -> bool:
    return bool(record["expires_at"] > NOW)


def names(groups: Any) -> dict[str, int]:  # noqa: ANN401 - any groups
    return {group.name: group.count for group in groups}


def half_a_year() -> Iterator[Decision]:
    """Six decisions on each of 180 days, from two languages, some with the signal."""
    for day in range(180):
        at = NOW - timedelta(days=day, hours=3)
        for number in range(6):
            yield decision(
                decided_at=at + timedelta(minutes=number),
                language="pt" if number == 5 else "en",
                gpc=number == 4,
                statuses=GIVEN if number < 4 else REFUSED,
                method="banner.accept_all" if number < 4 else "banner.reject",
            )


def test_shares_are_of_all_decisions() -> None:
    found = report(*[decision()] * 15, *[decision(statuses=REFUSED, gpc=True, language="pt")] * 5)
    assert found.decisions == 20
    assert names(found.purposes["advertising"]) == {"given": 15, "refused": 5}
    assert [group.share for group in found.purposes["advertising"]] == [0.75, 0.25]
    assert names(found.answers) == {"everything": 15, "nothing": 5}
    assert names(found.gpc) == {"off": 15, "on": 5}
    assert names(found.languages) == {"en": 15, "pt": 5}


def test_what_was_only_assumed_is_not_counted_as_given() -> None:
    assumed = dict.fromkeys(GIVEN, "assumed")
    found = report(*[decision()] * 5, *[decision(method="continued_use", statuses=assumed)] * 6)
    assert names(found.purposes["advertising"]) == {"assumed": 6, "given": 5}
    assert names(found.answers) == {"assumed": 6, "everything": 5}


def test_always_allow_of_one_purpose_is_not_everything() -> None:
    beside_a_film = decision(method="embed.always", statuses={"personalization": "given"})
    found = report(*[beside_a_film] * 6, *[decision()] * 5)
    assert names(found.answers) == {"some": 6, "everything": 5}


def test_an_erased_record_is_counted_as_erased_only() -> None:
    found = report(*[decision()] * 7, erased=6)
    assert (found.decisions, found.erased) == (7, 6)
    assert (names(found.languages), names(found.gpc)) == ({"en": 7}, {"off": 7})


def test_groups_under_five_are_merged() -> None:
    found = report(
        *[decision()] * 9,
        *[decision(method="settings.reject")] * 4,
        *[decision(method="settings.withdraw")] * 3,
    )
    assert names(found.methods) == {"banner.accept_all": 9, OTHER: 7}


def test_what_is_merged_is_never_under_five_itself() -> None:
    assert merge_small({"a": 90, "b": 8, "c": 2}) == ({"a": 90}, 10)
    assert merge_small({"a": 90, "b": 3}) == ({}, 93)
    assert merge_small({"a": 90, "b": 4, "c": 4}) == ({"a": 90}, 8)
    assert merge_small({"a": 5, "b": 5}) == ({"a": 5, "b": 5}, 0)


def test_a_day_with_few_decisions_is_not_shown_by_itself() -> None:
    days = [NOW - timedelta(days=day) for day in range(30)]
    rows = [decision(decided_at=day) for day in days for _ in range(9)]
    found = report(*rows, decision(decided_at=days[-1] - timedelta(days=1)))
    assert found.timeline.interval == "day"
    assert next(iter(found.timeline.counts.values())) is None
    assert found.timeline.merged == 10, "the one decision and the next smallest day"
    assert sum(n or 0 for n in found.timeline.counts.values()) == 9 * 29


def test_few_decisions_are_shown_by_week_or_month() -> None:
    rows = [decision(decided_at=NOW - timedelta(days=day)) for day in range(90)]
    weekly = report(*rows).timeline
    assert weekly.interval == "week"
    assert {day.weekday() for day in weekly.counts} == {0}
    assert report(*rows[::4]).timeline.interval == "month"


def test_a_day_without_a_decision_is_none_and_is_shown() -> None:
    found = report(*[decision()] * 8, since=date(2026, 11, 1), until=date(2026, 11, 30))
    assert list(found.timeline.counts) == [date(2026, 11, day) for day in range(1, 25)], (
        "no day yet"
    )
    assert set(found.timeline.counts.values()) == {0, 8}


@pytest.mark.parametrize(
    ("since", "until", "cut"),
    [
        (None, None, {date(2026, 8, 24), date(2026, 11, 23)}),  # it is a Tuesday
        (date(2026, 8, 31), date(2026, 11, 22), set()),  # a Monday, and a Sunday
        (date(2026, 9, 2), date(2026, 11, 20), {date(2026, 8, 31), date(2026, 11, 16)}),
        (date(2026, 9, 7), date(2026, 12, 31), {date(2026, 11, 23)}),  # what is to come
    ],
)
def test_a_week_that_is_not_whole_is_known_in_every_period(
    since: date | None, until: date | None, cut: set[date]
) -> None:
    rows = [decision(decided_at=NOW - timedelta(days=day)) for day in range(90)]
    begin, end = since or date.min, until or date.max
    found = report(
        *[one for one in rows if begin <= one.decided_at.date() <= end], since=since, until=until
    )
    assert found.timeline.interval == "week"
    assert found.timeline.cut == cut
    assert max(found.timeline.counts) <= date(2026, 11, 23)


def test_today_is_no_whole_day_and_days_without_a_decision_since_the_last_are_shown() -> None:
    found = report(*[decision()] * 8).timeline
    assert found.interval == "day"
    assert found.cut == {date(2026, 11, 24)}
    assert list(found.counts.values()) == [8, *[0] * 10]


def test_a_week_that_is_not_whole_is_marked_in_the_chart_and_told_in_words(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site, file = make_site(), tmp_path / "report.html"
    fill(site, [decision(decided_at=NOW - timedelta(days=day)) for day in range(90)])
    period = ("--from", "2026-09-07", "--to", "2026-11-20")
    answer = run(site, "report", *period, "--html", str(file))
    assert "2026-11-16: only a part of this week is counted" in answer.output
    root = html5lib.parse(file.read_text(encoding="utf-8"))
    chart = next(element for element in root.iter() if element.tag.endswith("}svg"))
    drawn = {
        part: [
            shape
            for group in chart.iter()
            if group.get("class") == part
            for shape in group.iter()
            if shape.get("class", "").startswith("rect")
        ]
        for part in ("color-0", "color-1")
    }
    assert (len(drawn["color-0"]), len(drawn["color-1"])) == (10, 1)
    assert "where it is not over yet: 16 November 2026." in text_of(root)
    assert "16 November 2026 (part)" in text_of(root)


def test_a_month_in_which_few_gave_hides_its_share() -> None:
    found = report(*[decision()] * 4, *[decision(statuses=REFUSED)] * 20)
    assert list(found.given_by_month["advertising"].values()) == [None]


def test_a_month_in_which_nobody_answered_has_its_place_among_the_others() -> None:
    found = report(*[decision()] * 6, *[decision(decided_at=NOW - timedelta(days=92))] * 6)
    assert found.months == [date(2026, month, 1) for month in (8, 9, 10, 11)]


def test_a_month_without_months_beside_it_is_drawn_as_a_dot(
    make_site: MakeSite, browser: Browser, tmp_path: Path
) -> None:
    site, file = make_site(), tmp_path / "report.html"
    fill(site, [decision() for _ in range(20)])
    run(site, "report", "--html", str(file))
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(file.as_uri())
    chart = page.get_by_role("img", name="Share given of each purpose by month, as lines")
    assert chart.locator("circle").count() == 2
    whole, dot = chart.bounding_box(), chart.locator("circle").first.bounding_box()
    assert whole
    assert dot
    assert whole["x"] < dot["x"] < whole["x"] + whole["width"]
    assert chart.get_by_text(f"{NOW:%b %Y}").is_visible()
    page.close()


def test_the_median_time_to_expiry_is_of_what_is_still_valid() -> None:
    old = [decision(decided_at=NOW - timedelta(days=400))] * 50
    fresh = [decision(decided_at=NOW - timedelta(days=days)) for days in (1, 1, 61, 91, 91)]
    found = report(*old, *fresh)
    assert found.still_valid == 5
    assert found.median_days_left == 120
    assert found.median_days_valid == 181
    assert report(*old, *fresh[:4]).median_days_left is None, "too few to be shown"


@pytest.mark.stores("sqlite", "postgresql")
def test_what_was_replaced_or_covers_less_than_now_is_not_still_valid(
    site: Flask, make_site: MakeSite
) -> None:
    def still_valid(of: Flask) -> str:
        (line,) = (row for row in run(of, "report").output.splitlines() if "Still valid" in row)
        return line.removeprefix("Still valid").strip()

    visitors = [Visitor(site) for _ in range(6)]
    for visitor in visitors:
        visitor.choose("reject")
        visitor.submit(visitor.get("/cookies").form("/cookies"), "accept_all")
    assert still_valid(site) == "6", "of twelve records"
    for visitor in visitors[:1]:
        visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    assert still_valid(site) == "6", "of thirteen"
    named = 'name = "InvestPorto"\naddress'
    settings = {"SQLALCHEMY_DATABASE_URI": site.config["SQLALCHEMY_DATABASE_URI"]}
    grown = make_site(**settings, registry=shipped_with((named, named.replace("Porto", "Lisboa"))))
    assert still_valid(grown) == "under 5", "the one who withdrew"


def test_an_empty_log_and_a_handful_show_nothing(make_site: MakeSite, tmp_path: Path) -> None:
    site, file = make_site(), tmp_path / "report.html"
    for _ in range(2):
        answer = run(site, "report", "--html", str(file))
        assert answer.exit_code == 0
        assert "Fewer than 5 decisions" in answer.output
        assert "fewer than 5 decisions" in file.read_text(encoding="utf-8")
        assert "banner" not in answer.output
        fill(site, [decision() for _ in range(2)])


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


def test_a_purpose_that_is_gone_is_called_as_it_was_shown_with_its_id(
    make_site: MakeSite, tmp_path: Path
) -> None:
    registry, page = tmp_path / "registry.toml", tmp_path / "report.html"
    renamed = ('id = "advertising"', 'id = "ads"')  # The name stays.
    registry.write_text(shipped_with(renamed, more=NEW_PURPOSE), encoding="utf-8")
    make_site(CONSENT_REGISTRY=str(registry))
    site = make_site()
    answers = {"statistics": "given", "ads": "refused", "advertising": "given", "lost": "given"}
    fill(site, [decision(statuses=answers) for _ in range(6)])
    lines = run(site, "report", "--html", str(page)).output.splitlines()
    names = "Statistics (statistics)", "Personalised advertising (ads)", "Personalised advertising"
    assert {*names, "lost"} <= set(lines)
    told = text_of(html5lib.parse(page.read_text(encoding="utf-8")))
    assert all(name in told for name in names)


@pytest.mark.parametrize(
    ("every", "says"),
    [
        (1, "A row is a month: all decisions of the weeks that begin in it,"),
        (9, "A row is a month, named by its first day."),
    ],
)
def test_the_table_in_the_terminal_says_what_its_rows_are(
    make_site: MakeSite, every: int, says: str
) -> None:
    site = make_site()
    days = range(0, 1500, every)
    fill(site, [decision(decided_at=NOW - timedelta(days=day)) for day in days])
    output = run(site, "report").output
    heading, _, rows = output.partition("\nDecisions per ")[2].partition("\n")
    assert heading == ("week" if every == 1 else "month")
    assert rows.startswith(f"  {says}")
    assert ("fewest" in rows) is (every == 1), "a month has no fewest and no most"


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


def test_who_sees_no_colours_of_ours_tells_the_parts_of_a_chart_apart(
    make_site: MakeSite, browser: Browser, tmp_path: Path
) -> None:
    site, file = make_site(), tmp_path / "report.html"
    fill(site, list(half_a_year()))
    run(site, "report", "--html", str(file))
    page = browser.new_page(forced_colors="active")
    page.goto(file.as_uri())
    grounds = page.locator(".swatch").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    # Of the columns, of the statuses, of the two lines.
    assert [len(set(grounds[start:end])) for start, end in ((0, 2), (2, 4), (4, 6))] == [2, 2, 2]
    lines = page.get_by_role("img", name="Share given of each purpose by month, as lines")
    dashes = lines.locator("line.line").evaluate_all(
        "all => [...new Set(all.map(one => getComputedStyle(one).strokeDasharray))]"
    )
    assert len(dashes) == 2
    page.close()


OUTSIDE_OR_TOO_SMALL = """() => [...document.querySelectorAll("svg")].flatMap(chart => {
  const box = chart.closest("figure").getBoundingClientRect();
  return [...chart.querySelectorAll("text, rect, line")].filter(shape => {
    const {left, right, width, height} = shape.getBoundingClientRect();
    if (width + height === 0) return false;
    const size = parseFloat(getComputedStyle(shape).fontSize) * shape.getScreenCTM().a;
    return left < box.left || right > box.right || (shape.matches("text") && size < 12);
  }).map(shape => `${chart.getAttribute("aria-label")}: ${shape.textContent || shape.tagName}`);
})"""

WORDS_ON_WORDS = """() => [...document.querySelectorAll("svg")].flatMap(chart => {
  const words = [...chart.querySelectorAll("text")].map(
    text => [text.textContent, text.getBoundingClientRect()]).filter(([, box]) => box.width);
  return words.flatMap(([one, a], at) => words.slice(at + 1).filter(([, b]) =>
    a.left < b.right && b.left < a.right && a.top + 2 < b.bottom - 2 && b.top + 2 < a.bottom - 2
  ).map(([other]) => `${one} on ${other}`));
})"""


@pytest.mark.parametrize("width", [320, 390, 620, 1440])
def test_a_chart_is_whole_and_can_be_read_on_every_screen(
    make_site: MakeSite, browser: Browser, tmp_path: Path, width: int
) -> None:
    site, file = make_site(), tmp_path / "report.html"
    fill(site, list(half_a_year()))
    run(site, "report", "--html", str(file))
    page = browser.new_page(viewport={"width": width, "height": 664})
    page.goto(file.as_uri())
    assert page.evaluate(OUTSIDE_OR_TOO_SMALL) == []
    assert page.evaluate(WORDS_ON_WORDS) == []
    chart = page.get_by_role("img", name="Answers for each purpose, as divided bars")
    assert chart.get_by_text("66.7%").first.is_visible()
    assert chart.get_by_text("33.3%").first.is_visible()
    page.close()


@pytest.mark.parametrize("width", [320, 390])
def test_what_is_found_fits_a_phone(
    make_site: MakeSite, browser: Browser, tmp_path: Path, width: int
) -> None:
    site, file = make_site(), tmp_path / "find.html"
    visitor = Visitor(site)
    visitor.choose("accept_selected", ticks=("advertising",))
    visitor.submit(visitor.get("/cookies").form("/cookies/withdraw"))
    run(site, "seal")
    found = run(site, "find", str(records(site)[0].subject), "--html")
    file.write_text(found.output, encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 664})
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_long_table_does_not_leave_the_first_sheet_empty(
    make_site: MakeSite, browser: Browser, tmp_path: Path
) -> None:
    site, file = make_site(), tmp_path / "report.html"
    fill(site, [decision(decided_at=NOW - timedelta(days=day)) for day in range(700)])
    run(site, "report", "--html", str(file))
    page = browser.new_page(viewport={"width": 700, "height": 990})
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    kept_whole = page.locator("figure").first.evaluate("f => getComputedStyle(f).breakInside")
    assert kept_whole == "auto"
    page.close()


def test_a_report_that_cannot_be_written_is_said_in_one_sentence(
    make_site: MakeSite, tmp_path: Path
) -> None:
    answer = run(make_site(), "report", "--html", str(tmp_path / "none" / "report.html"))
    assert answer.exit_code == 2
    assert answer.stderr.startswith("Error: The report cannot be written to ")
    assert answer.stderr.count("\n") == 1


def let_the_database_fall_behind(site: Flask) -> None:
    with site.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")


def test_a_report_that_cannot_be_written_is_said_before_the_log_is_read(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site()
    let_the_database_fall_behind(site)
    for file in ("none/report.html", "site.db/report.html"):
        answer = run(site, "report", "--html", str(tmp_path / file))
        assert answer.exit_code == 2
        assert answer.stderr.startswith("Error: The report cannot be written to "), file


def test_the_report_of_before_stays_where_no_new_one_is_made(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site, folder = make_site(), tmp_path / "reports"
    folder.mkdir()
    kept = folder / "report.html"
    kept.write_text("of last month", encoding="utf-8")
    kept.chmod(0o600)
    (folder / "latest.html").symlink_to(kept)
    let_the_database_fall_behind(site)
    assert run(site, "report", "--html", str(kept)).exit_code == 2
    assert kept.read_text(encoding="utf-8") == "of last month"
    site.test_cli_runner().invoke(args=["db", "stamp"])
    assert run(site, "report", "--html", str(folder / "latest.html")).exit_code == 0
    assert "How people chose" in kept.read_text(encoding="utf-8")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert {file.name for file in folder.iterdir()} == {"report.html", "latest.html"}


def test_a_disk_that_is_full_leaves_the_report_of_before(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site, folder = make_site(), tmp_path / "reports"
    fill(site, list(half_a_year()))
    folder.mkdir()
    kept = folder / "report.html"
    kept.write_text("of last month", encoding="utf-8")
    site.jinja_env.bytecode_cache = None  # The tests' own: it would be what the full disk stops.
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limit[1]))
    try:
        answer = run(site, "report", "--html", str(kept))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert answer.exit_code == 2
    assert answer.stderr == f"Error: The report cannot be written to {kept}: File too large.\n"
    assert kept.read_text(encoding="utf-8") == "of last month"
    assert list(folder.iterdir()) == [kept]


def test_a_report_can_go_to_a_device(make_site: MakeSite) -> None:
    site = make_site()
    assert run(site, "report", "--html", "/dev/null").exit_code == 0
    answer = run(site, "report", "--html", "/dev/full")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "No space left on device" in answer.stderr


@pytest.mark.parametrize("command", [("report",), ("export", "--format", "csv")])
@pytest.mark.parametrize(
    ("period", "says"),
    [
        (("--from", "yesterday"), "'yesterday' is no date: write it as 2026-11-24."),
        (("--to", "2026-02-30"), "'2026-02-30' is no date: write it as 2026-11-24."),
        (("--to", "9999-12-31"), "'9999-12-31' is in no year of this site, 2000 to 2999."),
        (("--from", "0001-01-01"), "'0001-01-01' is in no year of this site, 2000 to 2999."),
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


@pytest.mark.parametrize("command", [("report",), ("export", "--format", "csv")])
def test_a_period_that_begins_in_the_future_and_has_no_end_is_refused(
    make_site: MakeSite, command: tuple[str, ...]
) -> None:
    site, today = make_site(), datetime.now(UTC).date()
    answer = run(site, *command, "--from", f"{today + timedelta(days=2)}")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("Error: The period ends before it begins: ")
    assert "which is today" in answer.stderr
    assert run(site, *command, "--from", f"{today}").exit_code == 0


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
    assert set(FIELDS) - {"statuses"} <= first.keys()
    assert (first["gpc"], first["is_consent"], first["other_purposes"]) == ("false", "true", "")
    assert second["method"] == "settings.withdraw"
    lines = run(site, "export", "--format", "jsonl").stdout.splitlines()
    (line, _) = map(json.loads, lines)
    assert line["statuses"] == {"personalization": "refused", "advertising": "given"}
    assert line["gpc"] is False
    assert line["salt"] == row.salt


def test_an_erased_record_is_exported_without_visitor_and_answer(site: Flask) -> None:
    Visitor(site).choose("accept_all")
    erase(site, records(site)[0].subject)
    (line,) = exported(site)
    gone = ("subject", "advertising", "salt", "method", "is_consent", "gpc")
    assert [line[name] for name in gone] == [""] * len(gone)
    assert len(line["digest"]) == 64
    found = json.loads(run(site, "export", "--format", "jsonl").stdout)
    assert {found[name] for name in (*gone, "statuses") if name != "advertising"} == {None}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_never_a_formula(make_site: MakeSite, start: str) -> None:
    site = make_site()
    fill(site, [decision(method=f"{start}1+1", statuses={f"{start}cmd": "given"})])
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
    let_the_database_fall_behind(site)
    answer = run(site, *command)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr == (
        "Error: The database is behind this version of the site: run 'flask db upgrade'.\n"
    )
