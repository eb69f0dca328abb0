"""The report's charts: drawn by pygal, and bared of all but shapes and words.

pygal brings a style sheet, a script and tooltips along for a chart that stands alone. Here they are
taken out: the colours come from the page, which knows light, dark and print, and the page can be
opened without a script and without a network. Each chart stands beside a table of its numbers.
"""

import sys
from collections.abc import Iterable, Mapping
from datetime import date
from xml.etree import ElementTree as ET

from markupsafe import Markup
from pygal import HorizontalBar, HorizontalStackedBar, Line, PluginImportFixer
from pygal.graph.graph import Graph
from pygal.style import Style

from blueprints.consent.report.numbers import Groups, Timeline, percent

# pygal leaves a hook for map plugins in the import system of the whole process, of a kind that
# Python has given up and warns about. No map is drawn here.
sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, PluginImportFixer)]

SVG = "http://www.w3.org/2000/svg"
WIDE, NARROW, LINE_HEIGHT, BAR_HEIGHT = 880, 420, 260, 34
LABELS_AT_MOST = 8
DAYS_WITH_WEEKS = 100  # a longer period is labelled by months
WEEK = 7
ROOM_FOR_VALUE = 1.22  # beyond the longest bar
HALF_A_LABEL = 30  # the last one would be cut
NARROWEST_WITH_VALUE = 0.07  # a thinner part of a bar has its value in the table only
NOT_DRAWN = {f"{{{SVG}}}{name}" for name in ("defs", "desc", "title")}
PLAIN = {
    "js": [],
    "css": [],
    "no_prefix": True,
    "disable_xml_declaration": True,
    "show_legend": False,
    "truncate_label": -1,
    "margin": 4,
    # The page says how the words look; this is how much room they take.
    "style": Style(label_font_size=13, major_label_font_size=13, value_font_size=13),
}


def over_time(timeline: Timeline) -> Markup:
    """Draw decisions per step, and of days the mean of a week; a step that was merged is a gap."""
    days, counts = list(timeline.counts), list(timeline.counts.values())
    labels = _labels(days)
    chart = _lines(
        [labels.get(day, "") for day in days], value_formatter=lambda value: f"{value:,.0f}"
    )
    chart.add("decisions", counts, fill=True)
    chart.add("mean", _means(counts) if has_mean(timeline) else counts)
    return _bared(chart, f"Decisions per {timeline.step}, as a line")


def has_mean(timeline: Timeline) -> bool:
    return timeline.step == "day" and len(timeline.counts) > DAYS_WITH_WEEKS


def given_by_month(shares: Mapping[str, Mapping[date, float | None]]) -> Markup:
    """Draw the share given of each purpose, month by month."""
    months = sorted({month for by_month in shares.values() for month in by_month})
    labels = _labels(months)
    chart = _lines(
        [labels.get(month, "") for month in months],
        range=(0, 1),
        y_labels=[0, 0.25, 0.5, 0.75, 1],
        value_formatter=lambda share: f"{share:.0%}",
    )
    for purpose, by_month in shares.items():
        chart.add(purpose, [by_month.get(month) for month in months])
    return _bared(chart, "Share given of each purpose by month, as lines")


def parts(purposes: Mapping[str, Groups], statuses: Iterable[str]) -> Markup:
    """Draw one bar per purpose, divided by status in the order of `statuses`."""
    chart = _bars(
        HorizontalStackedBar,
        [*purposes][::-1],
        1,
        width=WIDE,
        value_formatter=lambda share: percent(share) if share >= NARROWEST_WITH_VALUE else "",
    )
    for status in statuses:
        shares = [
            next((group.share for group in groups if group.name == status), None)
            for groups in purposes.values()
        ]
        chart.add(status, shares[::-1])
    return _bared(chart, "Answers for each purpose, as divided bars")


def bars(groups: Groups, what: str) -> Markup:
    """Draw one bar per group."""
    most = max(group.share for group in groups)
    chart = _bars(
        HorizontalBar,
        [group.name for group in groups][::-1],
        most * ROOM_FOR_VALUE,
        width=NARROW,
        value_formatter=percent,
        print_values_position="top",  # pygal's word for the end of a lying bar
    )
    chart.add(what, [group.share for group in groups][::-1])
    return _bared(chart, f"Decisions by {what}, as bars")


def _means(counts: list[int | None]) -> list[float | None]:
    """Return for each day the mean of the week around it, of the days that are shown."""
    weeks = (counts[max(0, at - WEEK // 2) : at + WEEK // 2 + 1] for at in range(len(counts)))
    shown = ([count for count in week if count is not None] for week in weeks)
    return [sum(week) / len(week) if week else None for week in shown]


def _lines(labels: list[str], **more: object) -> Graph:
    return Line(
        **PLAIN,
        **more,
        width=WIDE,
        height=LINE_HEIGHT,
        margin_right=HALF_A_LABEL,
        x_labels=labels,
        x_labels_major=[label for label in labels if label],
        show_minor_x_labels=False,
        show_dots=False,
        allow_interruptions=True,
        include_x_axis=True,
        max_scale=6,
    )


def _bars(kind: type[Graph], labels: list[str], most: float, **more: object) -> Graph:
    return kind(
        **PLAIN,
        **more,
        height=BAR_HEIGHT * len(labels) + 10,
        x_labels=labels,
        range=(0, most),
        print_values=True,
        show_x_labels=False,
    )


def _labels(days: list[date]) -> dict[date, str]:
    """Choose the steps that carry a label: Mondays of a short period, else firsts of months."""
    if days and (days[-1] - days[0]).days < DAYS_WITH_WEEKS:
        chosen = {day: f"{day.day} {day:%b}" for day in days if not day.weekday()}
    else:
        firsts = {day.replace(day=1): day for day in reversed(days)}
        chosen = {day: f"{day:%b %Y}" for day in sorted(firsts.values())}
    every = -(-len(chosen) // LABELS_AT_MOST) or 1
    return dict(list(chosen.items())[::every])


def _bared(chart: Graph, title: str) -> Markup:
    """Return the chart as SVG without style, script, comments and tooltips, and with a title."""
    ET.register_namespace("", SVG)
    root = ET.fromstring(chart.render(is_unicode=True))  # noqa: S314 - pygal's own output
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in NOT_DRAWN or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
    del root.attrib["id"]
    root.set("role", "img")
    root.set("aria-label", title)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - pygal escapes its labels
