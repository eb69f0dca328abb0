"""Breaks the site in the middle of many choices, and counts what is lost and what is wrongly on.

    .venv/bin/python tests/faults/run.py [--short] [NAME ...]

The real server on stores of this run's own, 16 visitors, 1,500 choices for each fault. `lost` is
acknowledged and not in the log; `wrongly on` is a page that lets the advertiser in after its
visitor took that back. Ends with 1 where either is not 0, or where `flask consent verify` finds
something. What a table says of readers is what somebody without a cookie felt while it was broken.
`--short` breaks one thing, with 200 choices. What this machine lacks is left out, and said.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

import faults
from scene import MissingError, Scene
from sqlalchemy import create_engine, select
from visitors import Crowd, Readers

from blueprints.consent.models import ConsentRecord

ROOT = Path(__file__).parents[2]
MIGRATIONS = [sys.executable, "-m", "pytest", "-q", "tests/database/test_migrations.py"]
CLIENTS = 16
CHOICES, CHOICES_OF_A_SHORT_RUN = 1500, 200
EVERYWHERE = ("sqlite", "postgresql+redis")


@dataclass(frozen=True)
class Case:
    name: str
    fault: Callable[[Scene], None]
    stores: Sequence[str] = ("sqlite",)


CASES: tuple[Case, ...] = (
    Case("kill a worker", faults.kill_a_worker, EVERYWHERE),
    Case("kill all workers", faults.kill_all_workers, EVERYWHERE),
    Case("kill the main process", faults.kill_main, EVERYWHERE),
    Case("kill PostgreSQL", faults.kill_postgresql, ("postgresql", "postgresql+redis")),
    Case("kill Redis", faults.kill_redis, ("sqlite+redis", "postgresql+redis")),
    Case("disk full", faults.fill_disk, ("sqlite, small disk",)),
    Case("SQLite held", faults.hold_sqlite),
    Case("PostgreSQL hangs", faults.hang_postgresql, ("postgresql",)),
    Case("Redis hangs", faults.hang_redis, ("sqlite+redis",)),
    Case("clock two hours ahead", faults.jump_ahead, ("sqlite, own clock",)),
    Case("clock two hours back", faults.jump_back, ("sqlite, own clock",)),
)
TABLE = "{:22} {:17} {:>5} {:>6} {:>6} {:>5} {:>9} {:>5} {:>5} {:>6} {:>7} {:>9} {:>7}  {}"
HEADS: tuple[str, ...] = (
    "fault",
    "stores",
    "sent",
    "acked",
    "found",
    "lost",
    "wrong. on",
    "503",
    "other",
    "no ans",
)
HEADS += ("waiting", "p99 in ms", "failed", "log")


@dataclass(frozen=True)
class Outcome:
    cells: tuple[object, ...]
    lost: int
    wrongly_on: list[str]
    is_intact: bool

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.wrongly_on and self.is_intact


def try_out(case: Case, stores: str, choices: int) -> Outcome:
    with (
        tempfile.TemporaryDirectory() as folder,
        Scene(Path(folder), stores) as scene,
    ):
        crowd = Crowd(scene.served.port, choices, CLIENTS)
        try:
            crowd.start()
            crowd.wait_for(choices // 3)
            with Readers(scene.served.port) as readers:
                case.fault(scene)
            crowd.join()
        finally:
            crowd.stop()
        scene.wait_until_healed()
        for visitor in crowd.visitors:
            visitor.look()
        verified = scene.served.flask("consent", "verify")
        found = records(scene.uri)
    tally = crowd.tally
    lost = len(tally.acknowledged - found)
    waiting = sum(visitor.waits_to_be_recorded for visitor in crowd.visitors)
    log = "intact" if verified.returncode == 0 else verified.stdout.strip() or verified.stderr
    cells = (
        *(case.name, stores, tally.sent, len(tally.acknowledged), len(found), lost),
        *(len(tally.wrongly_on), tally.unavailable, tally.failed, tally.unanswered),
        *(waiting, readers.p99_in_ms, readers.failed, log),
    )
    return Outcome(cells, lost, tally.wrongly_on, verified.returncode == 0)


def records(uri: str) -> set[str]:
    engine = create_engine(uri)
    with engine.connect() as connection:
        found = {str(record) for record in connection.scalars(select(ConsentRecord.id))}
    engine.dispose()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Break the site in the middle of many choices.")
    parser.add_argument(
        "--short", action="store_true", help="kill a worker, on SQLite, and no more"
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="only faults with this in the name"
    )
    given = parser.parse_args(arguments)
    cases = CASES
    if given.short:
        cases = (Case("kill a worker", faults.kill_a_worker),)
    print(TABLE.format(*HEADS), flush=True)
    good = True
    for case in cases:
        if given.names and not any(name in case.name for name in given.names):
            continue
        for stores in case.stores:
            try:
                outcome = try_out(case, stores, CHOICES_OF_A_SHORT_RUN if given.short else CHOICES)
            except MissingError as missing:
                print(f"{case.name}: left out, this machine has no {missing}", flush=True)
                continue
            print(TABLE.format(*outcome.cells), *outcome.wrongly_on, sep="\n  ", flush=True)
            good = good and outcome.is_good
    if cases is CASES and not given.names:
        migrations = subprocess.run(MIGRATIONS, cwd=ROOT, check=False)  # noqa: S603 - our own
        good = good and migrations.returncode == 0
    return 0 if good else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # It ends what was started, as Ctrl-C.
    sys.exit(main())
