"""Measures side by side: each in turn, again and again, so that a busy machine is busy for all.

A ratio is taken within each round, and the median of the rounds told with the least and the most.
Times of the processor are those of the workers that serve, from /proc/<pid>/stat; on a machine that
others use as well they are steadier than what is answered per second.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from load import CLIENTS, Answers, Job, Load
from served import Served

TICKS = os.sysconf("SC_CLK_TCK")
SECONDS_TO_WARM_UP = 0.5
Figures = dict[str, float]


@dataclass(frozen=True)
class Sample:
    """What one of them did in one round; what it has not is left out."""

    per_second: float
    cpu_us: float | None = None  # of the workers, for each request
    p50_ms: float | None = None
    p99_ms: float | None = None
    failed: Counter[int] = field(default_factory=Counter)  # by the status instead
    busy: float | None = None  # share of its time that who sent was at work


@dataclass(frozen=True)
class Contestant:
    name: str
    take: Callable[[float], Sample]  # for about so many seconds
    against: tuple[str, ...] = ()  # names of those it is compared with
    size: str = ""  # of an answer, and how it is compressed


def processor_seconds(pids: Iterable[int]) -> float:
    ticks = 0
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(stat[11]) + int(stat[12])  # utime and stime
    return ticks / TICKS


def asked(
    load: Load, served: Served, job: Job, clients: int = CLIENTS
) -> Callable[[float], Sample]:
    """Return what measures a server by requests."""

    def take(seconds: float) -> Sample:
        pids = served.workers()
        before = processor_seconds(pids)
        answers = load.run(job, seconds, clients)
        return sample_of(answers, processor_seconds(pids) - before)

    return take


def sample_of(answers: Answers, cpu: float) -> Sample:
    return Sample(
        answers.per_second,
        cpu / max(len(answers.seconds), 1) * 1e6,
        answers.percentile(0.5) * 1000,
        answers.percentile(0.99) * 1000,
        answers.failed,
        answers.busy,
    )


def compare(contestants: Sequence[Contestant], seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Measure all of them in each round; return a row for each, for a table and for JSON."""
    for contestant in contestants:
        contestant.take(min(seconds, SECONDS_TO_WARM_UP))
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            samples[contestant.name].append(contestant.take(seconds))
    return [_row(contestant, samples) for contestant in contestants]


def _row(contestant: Contestant, samples: dict[str, list[Sample]]) -> dict[str, Any]:
    own = samples[contestant.name]
    row: dict[str, Any] = {"name": contestant.name, "size": contestant.size}
    row["per_second"] = figures([sample.per_second for sample in own])
    for name in ("cpu_us", "p50_ms", "p99_ms", "busy"):
        values = [value for sample in own if (value := getattr(sample, name)) is not None]
        row[name] = figures(values) if values else None
    row["failed"] = sum((sample.failed for sample in own), Counter[int]())
    row["ratios"] = {other: _ratio(own, samples[other]) for other in contestant.against}
    return row


def _ratio(own: list[Sample], others: list[Sample]) -> dict[str, Any]:
    pairs = list(zip(own, others, strict=True))
    by_cpu = [b.cpu_us / a.cpu_us for a, b in pairs if a.cpu_us and b.cpu_us]
    return {
        **figures([a.per_second / b.per_second for a, b in pairs]),
        "by_cpu": figures(by_cpu) if by_cpu else None,
    }


def figures(values: Sequence[float]) -> Figures:
    return {"median": median(values), "least": min(values), "most": max(values)}


TABLE = "{:34} {:>11} {:>21} {:>8} {:>7} {:>8} {:>6} {:>5}  {}"
HEADS = (
    "",
    "bytes",
    "a second",
    "CPU us",
    "p50 ms",
    "p99 ms",
    "failed",
    "load",
    "times as many as",
)


def show(rows: Iterable[dict[str, Any]]) -> None:
    """Print the rows: medians, in brackets the least and the most; ratios also by processor."""
    print(TABLE.format(*HEADS))
    for row in rows:
        each = [_number(row[name], form) for name, form in COLUMNS]
        ratios = "; ".join(_told(other, ratio) for other, ratio in row["ratios"].items())
        busy = _number(row["busy"], "{:.0%}")
        failed, name, size = told_failures(row["failed"]), row["name"], row["size"]
        told = TABLE.format(name, size, _spread(row["per_second"]), *each, failed, busy, ratios)
        print(told.rstrip(), flush=True)


def told_failures(failed: Counter[int]) -> str:
    return " ".join(f"{number}x{status}" for status, number in failed.items()) or "0"


COLUMNS = (("cpu_us", "{:,.0f}"), ("p50_ms", "{:.1f}"), ("p99_ms", "{:.1f}"))


def _number(found: Figures | None, form: str) -> str:
    return form.format(found["median"]) if found else ""


def _spread(found: Figures, form: str = "{:,.0f}") -> str:
    least, most = (form.format(found[name]) for name in ("least", "most"))
    return f"{form.format(found['median'])} ({least}-{most})"


def _told(other: str, ratio: dict[str, Any]) -> str:
    by_cpu = f", by CPU {ratio['by_cpu']['median']:.2f}" if ratio["by_cpu"] else ""
    return f"{other} {_spread(ratio, '{:.2f}')}{by_cpu}"
