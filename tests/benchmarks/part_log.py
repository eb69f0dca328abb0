"""Part `log`: what verifying and the digest cost, and how much memory the commands take.

Verifying is compared with a bare loop that reads the same rows and hashes them. Writing is compared
with the same insert into a table without notice, salt and digest, and a whole choice (the request,
its session and its record) with one that writes so. Times are of the processor and by the clock;
memory is the most that the process of each command held.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from bench import Bench, database
from flask import Flask
from generate import write

from blueprints.consent import services
from blueprints.consent.choices import (
    Choice,
    Circumstances,
    Decision,
    Model,
    Status,
    decided_statuses,
)
from blueprints.consent.records import read_record, select_records
from blueprints.database import UTCDateTime, db
from blueprints.database import write as write_together
from blueprints.proof.verifier import verify_log

ROOT = Path(__file__).parents[2]
ROUNDS = 3
CHOICES, CHOICES_OF_A_QUICK_RUN = 500, 20
COMMANDS = (["consent", "policy", "list"], ["consent", "verify"], ["consent", "purge"])
KINDS = (("of the processor", 0), ("by the clock", 1))
Times = tuple[list[tuple[float, float]], list[tuple[float, float]]]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of the processor and of the clock that the work takes."""
    wall, cpu = perf_counter(), process_time()
    work()
    return process_time() - cpu, perf_counter() - wall


def bare_loop() -> None:
    """Read the rows of the log and hash them, and nothing else."""
    with db.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        cursor = raw.cursor(name="bare") if db.engine.dialect.name == "postgresql" else raw.cursor()
        cursor.execute("SELECT * FROM consent_records")
        while rows := cursor.fetchmany(1000):
            for row in rows:
                sha256("|".join(map(str, row)).encode()).digest()
        cursor.close()


def verifying(number: int) -> dict[str, Any]:
    bare, ours, ratios = [], [], {}
    for _ in range(ROUNDS):
        bare.append(timed(bare_loop))
        ours.append(timed(lambda: verify_log({}, lambda _: None)))
    for name, times in (("bare loop", bare), ("verify", ours)):
        cpu, wall = (number / statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:10} {cpu:9,.0f} records per second of processor, {wall:9,.0f} by the clock")
    for kind, column in KINDS:
        ratio = statistics.median(a[column] / b[column] for a, b in zip(bare, ours, strict=True))
        print(f"verify is {ratio:.2f} of the bare loop, {kind}")
        ratios[kind] = ratio
    return {"verify, of a bare loop": ratios}


def plain_table() -> sa.Table:
    """The records as they would be without digest: each field a column."""
    return sa.Table(
        "plain_records",
        sa.MetaData(),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("subject", sa.Uuid, index=True),
        *(sa.Column(name, UTCDateTime) for name in ("decided_at", "expires_at")),
        *(sa.Column(name, sa.String) for name in ("policy_version", "language", "model", "method")),
        *(sa.Column(name, sa.Boolean) for name in ("gpc", "is_consent")),
        sa.Column("statuses", sa.JSON),
    )


def writing(site: Flask, number: int) -> dict[str, Any]:
    table = plain_table()
    table.metadata.create_all(db.engine)
    names = [column.name for column in table.columns]
    with db.engine.begin() as connection:  # Both start from a log of the same length.
        for rows in connection.execute(select_records()).partitions(1000):
            records = [read_record(row) for row in rows]
            same = [{name: record.get(name) for name in names} for record in records]
            connection.execute(sa.insert(table), same)
    registry = site.extensions["registry"]
    notice = site.extensions["notices"].in_force["en"].id
    nobody = Choice(dict.fromkeys(registry.optional_ids, Status.UNKNOWN), None)
    append = sa.insert(table)

    def decide() -> Decision:
        circumstances = Circumstances(
            policy_version=registry.policy_version,
            language="en",
            model=Model.OPT_IN,
            method="banner.reject",
            gpc=False,
            notice=notice,
        )
        statuses = decided_statuses(nobody, frozenset(), circumstances.method)
        return services.decide(statuses, circumstances, None, datetime.now(UTC), 6)

    def plain(connection: sa.Connection, decision: Decision) -> None:
        row = {**vars(decision), "is_consent": decision.is_consent}
        row |= {"id": UUID(decision.id), "subject": UUID(decision.subject)}
        del row["notice"]
        connection.execute(append, row)

    def insert(write_it: Callable[[sa.Connection, Decision], None], decision: Decision) -> None:
        write_together(lambda connection: write_it(connection, decision))

    def choose() -> None:
        site.test_client().post("/cookies", data={"choice": "reject"}).close()

    real = services.record
    inserts: Times = ([], [])
    choices: Times = ([], [])
    for _ in range(number):
        for which, write_it in enumerate((plain, real)):
            decision = decide()
            inserts[which].append(timed(partial(insert, write_it, decision)))
            services.record = write_it
            choices[which].append(timed(choose))
    services.record = real
    ratios: dict[str, dict[str, float]] = {}
    for name, times in (("an insert", inserts), ("a choice", choices)):
        ratios[f"{name}, of one without digest"] = of = {}
        for kind, column in KINDS:
            a, b = (statistics.median(time[column] for time in side) * 1e6 for side in times)
            of[kind] = b / a
            print(
                f"{name}: {a:,.0f} µs without digest, {b:,.0f} µs with ({b / a - 1:+.1%}), {kind}"
            )
    return ratios


def memory(settings: dict[str, str]) -> dict[str, Any]:
    peaks = {}
    environment = os.environ | {f"FLASK_{name}": value for name, value in settings.items()}
    environment["FLASK_CONSENT_RETENTION_YEARS"] = "1"  # so that purge has all of it to erase
    for command in COMMANDS:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", TELL_MEMORY, *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks[" ".join(command)] = peak = int(done.stderr.split()[-2]) / 1024
        said = done.stdout.partition("\n")[0][:60]
        print(f"flask {' '.join(command):20} {peak:5.0f} MB at most: {said}")
    return {"MB at most": peaks}


# The most that a process held since it began; `ru_maxrss` would count what its parent held as well.
TELL_MEMORY = """
import atexit, sys
from flask.cli import main
def tell():
    lines = open("/proc/self/status").read().splitlines()
    print(next(line for line in lines if line.startswith("VmHWM")), file=sys.stderr)
atexit.register(tell)
main()
"""


def log(bench: Bench) -> dict[str, Any]:
    """Verify, write and purge a log of `--records`, on each database."""
    found = {}
    with ExitStack() as held:
        uris = {"SQLite": f"sqlite:///{bench.folder}/log.db"}
        if bench.options.postgresql:
            uris["PostgreSQL"] = held.enter_context(database(bench.options.postgresql))
        for name, uri in uris.items():
            print(f"{name}, {bench.records:,} records", flush=True)
            found[name] = _on(bench, uri)
    return found


def _on(bench: Bench, uri: str) -> dict[str, Any]:
    site = bench.migrated(uri)
    with site.app_context():
        until = datetime.now(UTC) - timedelta(days=800)  # long enough ago to be purged
        cpu, wall = timed(lambda: write(site, bench.records, seal=True, until=until))
        print(f"written and sealed in {cpu:.0f} s of processor, {wall:.0f} s by clock", flush=True)
        choices = CHOICES_OF_A_QUICK_RUN if bench.is_quick else CHOICES
        found = verifying(bench.records) | memory(bench.settings(uri)) | writing(site, choices)
        site.extensions["sealing"].wait()
        db.engine.dispose()
    return found
