"""How people choose: the log folded into numbers, in which no visitor appears.

The records are folded one by one into counters whose size depends on days and on kinds of answer,
not on the number of visitors. Groups under five are merged: with fewer, somebody who knows one of
them would learn what the others chose. What is left after merging is at least five as well, or the
next smallest group joins it, so that no small number can be worked out from the total.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any, TypeVar

from blueprints.consent.choices import Status
from blueprints.consent.records import Record

K = TypeVar("K")
Purposes = frozenset[str]

SMALLEST = 5
OTHER = f"other (each under {SMALLEST})"
ASSUMED = str(Status.ASSUMED)  # no consent under the GDPR, so not counted as given
SMALL_BUCKETS_AT_MOST = 0.2


INTERVALS: dict[str, Callable[[date], date]] = {  # its name -> the first day of the one of that day
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


@dataclass(frozen=True)
class Group:
    name: str
    count: int
    share: float  # of all that were counted with it


Groups = tuple[Group, ...]


@dataclass(frozen=True)
class Timeline:
    """Decisions per interval; None where it was merged. `merged` are the decisions in those."""

    interval: str  # day, week or month: the shortest of which few must be merged
    counts: Mapping[date, int | None]  # by the first day of the interval
    merged: int
    cut: frozenset[date]  # those within which the period, or what has happened yet, ends

    @property
    def by_month(self) -> dict[date, dict[date, int | None]]:
        months: dict[date, dict[date, int | None]] = {}
        for day, count in self.counts.items():
            months.setdefault(day.replace(day=1), {})[day] = count
        return months


@dataclass(frozen=True)
class Report:
    made_at: datetime
    since: date
    until: date
    decisions: int
    erased: int
    timeline: Timeline
    answers: Groups
    purposes: Mapping[str, Groups]
    given_by_month: Mapping[str, Mapping[date, float | None]]
    languages: Groups
    methods: Groups
    policy_versions: Groups
    models: Groups
    gpc: Groups
    still_valid: int
    median_days_left: int | None  # of the decisions still valid when the report was made
    median_days_valid: int | None  # from decision to expiry, of all

    @property
    def months(self) -> list[date]:
        """Every month from the first of which a share is known, or hidden, to the last."""
        with_answers = {month for shares in self.given_by_month.values() for month in shares}
        if not with_answers:
            return []
        first, last = min(with_answers), max(with_answers)
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if day.day == 1]

    @property
    def is_shown(self) -> bool:
        """Whether there are enough decisions to show anything of them."""
        return self.decisions >= SMALLEST


class Tally:
    """The counters while the log is read."""

    def __init__(
        self, now: datetime, counts: Callable[[Record], bool], offered: Mapping[str, Purposes]
    ) -> None:
        self.now = now
        self.counts = counts
        self.offered = offered
        self.erased = 0
        self.days: Counter[date] = Counter()
        self.answers: Counter[str] = Counter()
        self.purposes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.months: defaultdict[str, Counter[tuple[date, bool]]] = defaultdict(Counter)
        self.columns: dict[str, Counter[Any]] = {
            name: Counter() for name in ("language", "method", "policy_version", "model", "gpc")
        }
        self.days_valid: Counter[int] = Counter()
        self.days_left: Counter[int] = Counter()

    def add(self, record: Record) -> None:
        if record["content"] is None:
            self.erased += 1
            return
        decided_at, expires_at = record["decided_at"], record["expires_at"]
        day = decided_at.date()
        self.days[day] += 1
        for name, counter in self.columns.items():
            counter[record[name]] += 1
        self.days_valid[(expires_at - decided_at).days] += 1
        if self.counts(record):
            self.days_left[(expires_at - self.now).days] += 1
        statuses, given = record["statuses"], 0
        assumed = Status.ASSUMED in statuses.values()
        for purpose, status in statuses.items():
            is_given = status == Status.GIVEN
            given += is_given
            self.purposes[purpose][status] += 1
            self.months[purpose][day.replace(day=1), is_given] += 1
        # "Always allow", beside the content itself, is about one purpose, and the others stay open.
        most = len(self.offered.get(record["policy_version"], statuses))
        answer = "nothing" if not given else "some" if given < most else "everything"
        self.answers[ASSUMED if assumed else answer] += 1


def summarise(  # noqa: PLR0913 - what there is to say, by name
    records: Iterable[Record],
    now: datetime,
    since: date | None = None,
    until: date | None = None,
    *,
    counts: Callable[[Record], bool],
    offered: Mapping[str, Purposes],
) -> Report:
    """Fold the records. Without `since` it begins with them, without `until` it ends now.

    `counts` tells whether a record still does, `offered` what each policy version let one accept;
    of a version that is not there, a record is taken for an answer to everything.
    """
    tally = Tally(now, counts, offered)
    for record in records:
        tally.add(record)
    days, today = tally.days, now.date()
    since, until = since or min(days, default=today), until or max([*days, today])
    return Report(
        made_at=now.astimezone(UTC),
        since=since,
        until=until,
        decisions=days.total(),
        erased=tally.erased,
        timeline=_timeline(days, since, until, today),
        answers=_groups(tally.answers),
        purposes={purpose: _groups(counts) for purpose, counts in tally.purposes.items()},
        given_by_month={
            purpose: _shares_by_month(counts) for purpose, counts in tally.months.items()
        },
        languages=_groups(tally.columns["language"]),
        methods=_groups(tally.columns["method"]),
        policy_versions=_groups(tally.columns["policy_version"]),
        models=_groups(tally.columns["model"]),
        gpc=_groups(Counter({"on" if on else "off": n for on, n in tally.columns["gpc"].items()})),
        still_valid=tally.days_left.total(),
        median_days_left=_median(tally.days_left),
        median_days_valid=_median(tally.days_valid),
    )


def merge_small(counts: Mapping[K, int]) -> tuple[dict[K, int], int]:
    """Return the groups that may be shown, and how many are merged into one other group."""
    shown = {key: count for key, count in counts.items() if count >= SMALLEST}
    merged = sum(counts.values()) - sum(shown.values())
    if shown and 0 < merged < SMALLEST:
        merged += shown.pop(min(shown, key=lambda key: shown[key]))
    return shown, merged


def _groups(counts: Mapping[str, int]) -> Groups:
    total = sum(counts.values())
    if total < SMALLEST:
        return ()
    shown, merged = merge_small(counts)
    largest_first = sorted(shown.items(), key=lambda item: (-item[1], item[0]))
    if merged:
        largest_first.append((OTHER, merged))
    return tuple(Group(name, count, count / total) for name, count in largest_first)


def _timeline(days: Mapping[date, int], since: date, until: date, today: date) -> Timeline:
    for interval, start in INTERVALS.items():
        counts: Counter[date] = Counter()
        for day, count in days.items():
            counts[start(day)] += count
        shown, merged = merge_small(counts)
        if len(counts) - len(shown) <= SMALL_BUCKETS_AT_MOST * len(counts) or interval == "month":
            break
    last = min(until, max([*days, today]))  # In the days to come nobody has not chosen.
    every = [since + timedelta(days=n) for n in range((last - since).days + 1)]
    first_days = dict.fromkeys(start(day) for day in every)
    # The day before the period, and the first that it does not hold or that is not over yet.
    outside = (since - timedelta(days=1), min(until + timedelta(days=1), today))
    cut = {start(day) for day in outside}
    return Timeline(
        interval,
        {day: shown.get(day) if day in counts else 0 for day in first_days},
        merged,
        frozenset(cut & first_days.keys()),
    )


def _shares_by_month(counts: Mapping[tuple[date, bool], int]) -> dict[date, float | None]:
    """Return the share given in each month; None where one side is too small to be shown."""
    shares: dict[date, float | None] = {}
    for month in sorted({month for month, _ in counts}):
        sides = counts.get((month, True), 0), counts.get((month, False), 0)
        small = any(0 < side < SMALLEST for side in sides)
        shares[month] = None if small else sides[0] / sum(sides)
    return shares


def _median(counts: Mapping[int, int]) -> int | None:
    """Return the lower median of a histogram; None where it holds too few to be shown."""
    total = sum(counts.values())
    if total < SMALLEST:
        return None
    values = sorted(counts)
    below = accumulate(counts[value] for value in values)
    return next(value for value, so_far in zip(values, below, strict=True) if so_far * 2 >= total)


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
