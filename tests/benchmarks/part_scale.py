"""Part `scale`: what a full log and many sessions cost, beside a site with an empty database.

On each database: pages, choices, history and erasures on both in turn; then, on the full one, which
index every statement of a visitor's request goes by.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from bench import Bench, database
from clients import Visitor, chooses, cookies_of, read, returning, with_sessions
from generate import write
from load import Answers, Job, request
from measuring import Contestant, Sample, asked, compare, processor_seconds, sample_of, show
from plans import plans
from served import Served
from sqlalchemy import select

from blueprints.database import db
from blueprints.sessions.models import StoredSession

VISITORS, VISITORS_OF_A_QUICK_RUN = 1000, 20
ERASURES = 20  # in a round


def scale(bench: Bench) -> dict[str, Any]:
    """Read, choose, look into the history and erase with `--records` and `--sessions`."""
    found = {}
    with ExitStack() as held:
        uris = {"SQLite": f"sqlite:///{bench.folder}/full.db"}
        if bench.options.postgresql:
            uris["PostgreSQL"] = held.enter_context(database(bench.options.postgresql))
        for name, uri in uris.items():
            print(f"{name}: {bench.records:,} records, {bench.sessions:,} sessions", flush=True)
            rows = _compare(bench, name, uri, fill(uri, bench))
            show(rows)
            found[name] = {"rows": rows, "statements": plans(uri, bench.settings(uri))}
    return found


def fill(uri: str, bench: Bench) -> list[str]:
    """Write records and sessions; return the numbers of some visitors, from all over the table."""
    site = bench.migrated(uri)
    number = VISITORS_OF_A_QUICK_RUN if bench.is_quick else VISITORS
    with site.app_context():
        write(site, bench.records, seal=True, sessions=bench.sessions)
        # The key is a hash: its order is no order of anything else.
        some = select(StoredSession.subject).order_by(StoredSession.key).limit(number)
        subjects = [str(subject) for subject in db.session.scalars(some)]
        db.session.remove()
        db.engine.dispose()
    return subjects


def _compare(bench: Bench, stores: str, uri: str, subjects: list[str]) -> list[dict[str, Any]]:
    with ExitStack() as held:
        empty = held.enter_context(bench.site(stores))
        full = held.enter_context(bench.site(stores, uri))
        of_empty = cookies_of(returning(empty.port, "accept_all", len(subjects) // 10))
        of_full = cookies_of(with_sessions(full.port, subjects))
        contestants = []
        for name, make in KINDS.items():
            contestants += [
                Contestant(f"{name}, empty", make(bench, empty, of_empty)),
                Contestant(f"{name}, full", make(bench, full, of_full), (f"{name}, empty",)),
            ]
        return compare(contestants, bench.seconds, bench.rounds)


def _view(bench: Bench, site: Served, _cookies: list[str]) -> Callable[[float], Sample]:
    return asked(bench.load, site, Job(site.port, [request("/", accept_encoding="br")]))


def _return(bench: Bench, site: Served, cookies: list[str]) -> Callable[[float], Sample]:
    return asked(bench.load, site, Job(site.port, read(cookies)))


def _choice(bench: Bench, site: Served, _cookies: list[str]) -> Callable[[float], Sample]:
    return asked(bench.load, site, Job(site.port, [chooses(site.port)], 303))


def _history(bench: Bench, site: Served, cookies: list[str]) -> Callable[[float], Sample]:
    """One after the other: what counts is the time of the server."""
    return asked(bench.load, site, Job(site.port, read(cookies, "/cookies/history")), clients=1)


def _erasure(_bench: Bench, site: Served, _cookies: list[str]) -> Callable[[float], Sample]:
    """Erase visitors who have just chosen, one after the other."""

    def take(_seconds: float) -> Sample:
        visitors = returning(site.port, "accept_all", ERASURES)
        pids = site.workers()
        before, begun = processor_seconds(pids), perf_counter()
        taken = sorted(_erase(visitor) for visitor in visitors)
        elapsed = perf_counter() - begun
        return sample_of(Answers(taken, elapsed, Counter(), 0), processor_seconds(pids) - before)

    return take


def _erase(visitor: Visitor) -> float:
    begun = perf_counter()
    status = visitor.ask("/cookies/erase", {}).status
    assert status == 200, f"erase: {status}"
    return perf_counter() - begun


KINDS = {
    "first view": _view,
    "returning": _return,
    "choice": _choice,
    "history": _history,
    "erasure": _erasure,
}
