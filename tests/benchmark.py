"""Measures what the log costs, side by side in one run, on a scratch database of its own.

    .venv/bin/python tests/benchmark.py 1000000
    .venv/bin/python tests/benchmark.py 200000 --postgresql postgresql://postgres@127.0.0.1:5432/postgres

Verifying is compared with a bare loop that reads the same rows and hashes them. Writing is compared
with the same insert into a table without notice, salt and digest, and a whole choice (the request,
its session and its record) with one that writes so. Times are of the processor and by the clock;
memory is the most that the process of each command held.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from generate import write  # which puts the site on the path

from app import create_app
from blueprints.consent import services
from blueprints.consent.choices import Choice, Circumstances, Decision, Model, decided_statuses
from blueprints.consent.records import read_record, select_records
from blueprints.database import UTCDateTime, db
from blueprints.database import write as write_together
from blueprints.database.schema import MIGRATIONS
from blueprints.proof.verifier import verify_log

ROUNDS = 3
CHOICES = 500
COMMANDS = (["consent", "policy", "list"], ["consent", "verify"], ["consent", "purge"])
KINDS = (("of the processor", 0), ("by the clock", 1))
Times = tuple[list[tuple[float, float]], list[tuple[float, float]]]


@contextmanager
def scratch(server: str | None) -> Iterator[str]:
    """A database of its own, gone afterwards."""
    if server is None:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/scratch.db"
        return
    name = f"benchmark_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        base = server.rpartition("/")[0].replace("postgresql:", "postgresql+psycopg:")
        yield f"{base}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


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


def verifying(number: int) -> None:
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(timed(bare_loop))
        ours.append(timed(lambda: verify_log({}, lambda _: None)))
    for name, times in (("bare loop", bare), ("verify", ours)):
        cpu, wall = (number / statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:10} {cpu:9,.0f} records per second of processor, {wall:9,.0f} by the clock")
    for kind, column in KINDS:
        ratio = statistics.median(a[column] / b[column] for a, b in zip(bare, ours, strict=True))
        print(f"verify is {ratio:.2f} of the bare loop, {kind}")


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


def writing(site: Flask) -> None:
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
    nobody = Choice({}, None)
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
        statuses = decided_statuses(registry, frozenset(), nobody, circumstances.method)
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
    for _ in range(CHOICES):
        for which, write_it in enumerate((plain, real)):
            decision = decide()
            inserts[which].append(timed(partial(insert, write_it, decision)))
            services.record = write_it
            choices[which].append(timed(choose))
    services.record = real
    for name, times in (("an insert", inserts), ("a choice", choices)):
        for kind, column in KINDS:
            a, b = (statistics.median(time[column] for time in side) * 1e6 for side in times)
            print(
                f"{name}: {a:,.0f} µs without digest, {b:,.0f} µs with ({b / a - 1:+.1%}), {kind}"
            )


def memory(uri: str) -> None:
    environment = os.environ | {"FLASK_SQLALCHEMY_DATABASE_URI": uri, "FLASK_SECRET_KEY": "x" * 32}
    environment["FLASK_CONSENT_RETENTION_YEARS"] = "1"  # so that purge has all of it to erase
    for command in COMMANDS:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", TELL_MEMORY, *command],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        peak = int(done.stderr.split()[-2]) / 1024
        said = done.stdout.partition("\n")[0][:60]
        print(f"flask {' '.join(command):20} {peak:5.0f} MB at most: {said}")


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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("number", type=int, help="how many records")
    parser.add_argument("--postgresql", metavar="URI", help="a server to make a database on")
    options = parser.parse_args()
    os.chdir(Path(__file__).parents[1])
    with scratch(options.postgresql) as uri:
        site = create_app({"SQLALCHEMY_DATABASE_URI": uri, "SECRET_KEY": "x" * 32})
        with site.app_context():
            upgrade(directory=MIGRATIONS)
            print(f"writing {options.number:,} records ...", flush=True)
            until = datetime.now(UTC) - timedelta(days=800)  # long enough ago to be purged
            cpu, wall = timed(lambda: write(site, options.number, seal=True, until=until))
            print(f"written and sealed in {cpu:.0f} s of processor, {wall:.0f} s by clock")
            verifying(options.number)
            memory(uri)
            writing(site)
            site.extensions["sealing"].wait()
            db.engine.dispose()


if __name__ == "__main__":
    main()
