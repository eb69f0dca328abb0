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
from pygal import HorizontalBar, HorizontalStackedBar, Line, PluginImportFixer, StackedBar
from pygal.graph.graph import Graph
from pygal.style import Style

from blueprints.operator.numbers import Groups, Timeline, percent

# pygal leaves a hook for map plugins in the import system of the whole process, of a kind that
# Python has given up and warns about. No map is drawn here.
sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, PluginImportFixer)]

SVG = "http://www.w3.org/2000/svg"
WIDE, NARROW, LINE_HEIGHT, BAR_HEIGHT = 880, 420, 260, 34
LABELS_AT_MOST = 8
DAYS_WITH_WEEKS = 100  # a longer period is labelled by months
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
    """Draw a column per step, apart from the others where it is cut; one that was merged is a gap.

    Columns and no line: a line needs neighbours, and runs down to a step that has only begun.
    """
    chart = _by_day(StackedBar, list(timeline.counts), value_formatter=lambda n: f"{n:,.0f}")
    for is_cut in (False, True):
        counts = timeline.counts.items()
        chart.add(
            "cut", [count if (day in timeline.cut) is is_cut else None for day, count in counts]
        )
    return _bared(chart, f"Decisions per {timeline.step}, as columns")


def given_by_month(shares: Mapping[str, Mapping[date, float | None]]) -> Markup:
    """Draw the share given of each purpose, month by month."""
    months = sorted({month for by_month in shares.values() for month in by_month})
    chart = _by_day(
        Line,
        months,
        range=(0, 1),
        y_labels=[0, 0.25, 0.5, 0.75, 1],
        value_formatter=lambda share: f"{share:.0%}",
        show_dots=False,
        allow_interruptions=True,
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


def _by_day(kind: type[Graph], days: list[date], **more: object) -> Graph:
    chosen = _labels(days)
    labels = [chosen.get(day, "") for day in days]
    return kind(
        **PLAIN,
        **more,
        width=WIDE,
        height=LINE_HEIGHT,
        margin_right=HALF_A_LABEL,
        x_labels=labels,
        x_labels_major=[label for label in labels if label],
        show_minor_x_labels=False,
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
            is_flat = float(child.get("height", 1)) == 0  # pygal piles up what is None as zero
            if child.tag in NOT_DRAWN or is_flat or "tooltip-overlay" in child.get("class", ""):
                parent.remove(child)
    del root.attrib["id"]
    root.set("role", "img")
    root.set("aria-label", title)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - pygal escapes its labels
