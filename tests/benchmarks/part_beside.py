"""Part `beside`: how long a choice takes while the operator's commands run on a full log.

The commands run again and again for as long as a few visitors read and choose. What is compared is
the p99 of the choices, with that of the same visitors alone, in each round.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from statistics import median
from threading import Event
from typing import Any

from bench import Bench, database
from clients import chooses
from load import Job
from measuring import figures, told_failures
from part_scale import fill
from served import Served

COMMANDS = (
    ("seal",),
    ("purge", "--dry-run"),
    ("purge",),
    ("report",),
    ("export", "--format", "jsonl"),
    ("verify",),
)
CLIENTS = 4


def beside(bench: Bench) -> dict[str, Any]:
    """Choose while `flask consent seal`, `purge`, `report`, `export` and `verify` run."""
    found = {}
    with ExitStack() as held:
        uris = {"SQLite": f"sqlite:///{bench.folder}/beside.db"}
        if bench.options.postgresql:
            uris["PostgreSQL"] = held.enter_context(database(bench.options.postgresql))
        for name, uri in uris.items():
            fill(uri, bench)
            print(f"{name}, {bench.records:,} records, {CLIENTS} visitors at once", flush=True)
            with bench.site(name, uri) as site:
                found[name] = _beside(bench, site)
    return found


def _beside(bench: Bench, site: Served) -> dict[str, Any]:
    job = Job(site.port, [chooses(site.port), chooses(site.port, "reject")], 303)
    seconds = max(bench.seconds, 1)

    failed = Counter[int]()

    def p99() -> float:
        answers = bench.load.run(job, seconds, CLIENTS)
        failed.update(answers.failed)
        return answers.percentile(0.99) * 1000

    p99()
    alone: list[float] = []
    taken: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {}
    for _ in range(bench.rounds):
        alone.append(p99())
        for command in COMMANDS:
            name = " ".join(command)
            with _again_and_again(site, "consent", *command):
                taken.setdefault(name, []).append(p99())
            ratios.setdefault(name, []).append(taken[name][-1] / alone[-1])
    print(f"{'alone':28} p99 {median(alone):6.1f} ms")
    for name, each in taken.items():
        told = figures(ratios[name])
        spread = f"{told['least']:.2f}-{told['most']:.2f}"
        print(
            f"{name:28} p99 {median(each):6.1f} ms, {told['median']:.2f} times ({spread})",
            flush=True,
        )
    print(f"failed: {told_failures(failed)}", flush=True)
    found = {name: figures(each) for name, each in ratios.items()}
    return {"alone_ms": figures(alone), "ratios": found, "failed": failed}


@contextmanager
def _again_and_again(site: Served, *command: str) -> Iterator[None]:
    """Run a command of the operator, and once it is done once more, until the body is."""
    is_over = Event()

    def run() -> None:
        while not is_over.is_set():
            site.flask(*command).check_returncode()

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run)
        try:
            yield
        finally:
            is_over.set()
        running.result()
