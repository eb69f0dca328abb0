"""The report's charts: drawn by pygal, and bared of all but shapes and words.

pygal brings a style sheet, a script and tooltips along for a chart that stands alone. Here they are
taken out: the colours come from the page, which knows light, dark and print, and the page can be
opened without a script and without a network. Each chart stands beside a table of its numbers.

pygal draws for one width, and a drawing made smaller has smaller words: on a phone nobody could
read them. So what lies across is placed here in shares of the width, and the words keep their size.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from xml.etree import ElementTree as ET  # nosec B405

from pygal import HorizontalBar, HorizontalStackedBar, Line, PluginImportFixer, StackedBar
from pygal.graph.graph import Graph
from pygal.style import Style

from blueprints.operator.numbers import Groups, Timeline, percent

# pygal leaves a hook for map plugins in the import system of the whole process, of a kind that
# Python has given up and warns about. No map is drawn here.
sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, PluginImportFixer)]

SVG = "http://www.w3.org/2000/svg"
WIDE, LINE_HEIGHT = 880, 260  # as pygal draws; the page makes a chart wider or narrower
ROW_HEIGHT = 56  # a bar, and its name above it
SPACE_AROUND_BAR = 0.26  # of a row, on each side
LABELS_AT_MOST = 8
DAYS_WITH_WEEKS = 100  # a longer period is labelled by months
MID_MONTH = 15  # a label later in the first month would touch that of the second
ROOM_FOR_VALUE = 1.22  # beyond the longest bar
NARROWEST_ON_A_PHONE = 15  # percent: the words in a thinner part do not fit there
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


def over_time(timeline: Timeline) -> str:
    """Draw a column per interval, apart from the others where it is cut, and a gap for one merged.

    Columns and no line: a line needs neighbours, and runs down to one that has only begun.
    """
    chart = _by_day(StackedBar, list(timeline.counts), value_formatter=lambda n: f"{n:,.0f}")
    for is_cut in (False, True):
        counts = timeline.counts.items()
        chart.add(
            "cut", [count if (day in timeline.cut) is is_cut else None for day, count in counts]
        )
    return _bared(chart, f"Decisions per {timeline.interval}, as columns")


def given_by_month(shares: Mapping[str, Mapping[date, float | None]]) -> str:
    """Draw the share given of each purpose, month by month."""
    months = sorted({month for by_month in shares.values() for month in by_month})
    chart = _by_day(
        Line,
        months,
        range=(0, 1),
        y_labels=[0, 0.25, 0.5, 0.75, 1],
        value_formatter=lambda share: f"{share:.0%}",
        dots_size=3,  # a month between two that are not shown has no line
        allow_interruptions=True,
    )
    for purpose, by_month in shares.items():
        chart.add(purpose, [by_month.get(month) for month in months])
    return _bared(chart, "Share given of each purpose by month, as lines")


def parts(purposes: Mapping[str, Groups], statuses: Iterable[str]) -> str:
    """Draw one bar per purpose, divided by status in the order of `statuses`."""
    chart = _bars(
        HorizontalStackedBar,
        [*purposes][::-1],
        1,
        value_formatter=lambda share: percent(share) if share >= NARROWEST_WITH_VALUE else "",
    )
    for status in statuses:
        shares = [
            next((group.share for group in groups if group.name == status), None)
            for groups in purposes.values()
        ]
        chart.add(status, shares[::-1])
    return _bared(chart, "Answers for each purpose, as divided bars")


def bars(groups: Groups, what: str) -> str:
    """Draw one bar per group."""
    most = max(group.share for group in groups)
    chart = _bars(
        HorizontalBar,
        [group.name for group in groups][::-1],
        most * ROOM_FOR_VALUE,
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
        x_labels=labels,
        x_labels_major=[label for label in labels if label],
        show_minor_x_labels=False,
        include_x_axis=True,
        max_scale=6,
    )


def _bars(kind: type[Graph], labels: list[str], most: float, **more: object) -> Graph:
    chart = kind(
        **PLAIN,
        **more,
        width=WIDE,
        height=ROW_HEIGHT * len(labels),
        x_labels=labels,
        range=(0, most),
        print_values=True,
        show_x_labels=False,
    )
    chart._series_margin = SPACE_AROUND_BAR  # noqa: SLF001 - pygal has no option for it
    return chart


def _labels(days: list[date]) -> dict[date, str]:
    """Choose the days that carry a label: Mondays of a short period, else firsts of months."""
    are_months = all(day.day == 1 for day in days)
    if not are_months and (days[-1] - days[0]).days < DAYS_WITH_WEEKS:
        chosen = {day: f"{day.day} {day:%b}" for day in days if not day.weekday()}
    else:
        firsts = {day.replace(day=1): day for day in reversed(days)}
        if len(firsts) > 1 and days[0].day > MID_MONTH:
            del firsts[days[0].replace(day=1)]
        chosen = {day: f"{day:%b %Y}" for day in sorted(firsts.values())}
    every = -(-len(chosen) // LABELS_AT_MOST) or 1
    return dict(list(chosen.items())[::every])


def _bared(chart: Graph, title: str) -> str:
    """Return the chart as SVG without style, script, comments and tooltips, and with a title."""
    ET.register_namespace("", SVG)
    # Bandit need not look at what is read here (nor ruff): it is pygal's own output.
    root = ET.fromstring(chart.render(is_unicode=True))  # noqa: S314 # nosec B314
    left, right = _sides(root)
    for parent in list(root.iter()):
        for child in list(parent):
            is_flat = float(child.get("height", 1)) == 0  # pygal piles up what is None as zero
            is_extra = {"tooltip-overlay", "background"} & set(child.get("class", "").split())
            if child.tag in NOT_DRAWN or is_flat or is_extra:
                parent.remove(child)
    for group in root.iter(f"{{{SVG}}}g"):
        group.attrib.pop("transform", None)  # the page leaves room beside the chart
        group[:] = [part for child in group for part in _placed(child, left, right - left)]
    _, _, _, height = root.attrib.pop("viewBox").split()
    del root.attrib["id"]
    root.attrib |= {"height": height, "role": "img", "aria-label": title}
    return ET.tostring(root, encoding="unicode")


def _sides(root: ET.Element) -> tuple[float, float]:
    """Return where the chart begins and ends; lying bars begin and end at the edges."""
    plot = next(group for group in root.iter(f"{{{SVG}}}g") if group.get("class") == "plot")
    width = float(plot[0].get("width", 0))
    bars = [float(bar.get("x", 0)) for bar in plot.iter() if "rect" in bar.get("class", "").split()]
    inset = min(bars) if bars and root.find(".//*[@class='axis x']") is None else 0
    return inset, width - inset


def _placed(shape: ET.Element, left: float, width: float) -> Iterator[ET.Element]:
    def share(x: float) -> str:
        return f"{(x - left) / width:.3%}"

    if drawn := shape.get("d"):  # A path knows no shares, a line does.
        for (x1, y1), (x2, y2) in _lines(drawn):
            ends = {"x1": share(x1), "y1": f"{y1:.1f}", "x2": share(x2), "y2": f"{y2:.1f}"}
            yield ET.Element(f"{{{SVG}}}line", {"class": shape.get("class", ""), **ends})
        return
    for side in ("x", "cx"):
        if float(shape.get(side, -1)) >= 0:  # Words beside the chart stay beside it.
            shape.set(side, share(float(shape.attrib[side])))
    if "width" in shape.attrib:
        shape.set("width", f"{float(shape.attrib['width']) / width:.3%}")
    words = re.fullmatch(r"([\d.]+)%", shape.text or "")
    if words and float(words[1]) < NARROWEST_ON_A_PHONE:
        shape.set("class", f"{shape.get('class', '')} small")
    yield shape


def _lines(drawn: str) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield the lines of a path of pygal: "M0 10 h50", "M0 10 v50" or "M0 10 L50 0 90 9"."""
    for part in drawn.split("M")[1:]:
        how = (re.findall("[hvL]", part) or [""])[0]
        x, y, *rest = map(float, re.findall(r"-?[\d.]+", part))
        if how == "L":
            yield from pairwise([(x, y), *zip(rest[::2], rest[1::2], strict=True)])
        elif how:
            yield (x, y), (x + rest[0], y) if how == "h" else (x, y + rest[0])
