"""Part `choice`: sixteen visitors press a button at once, beside what the database does at most."""

from contextlib import ExitStack
from functools import partial
from typing import Any
from urllib.parse import urlencode

from bare_loops import CONNECTIONS, psycopg_loop, sqlite_loop
from bench import USUAL, Bench, database
from clients import TOKEN, Visitor, chooses
from load import Job, request
from measuring import Contestant, Sample, asked, compare, show

SQLITE, PSYCOPG = "bare sqlite3 loop, one thread", f"bare psycopg loop, {CONNECTIONS} connections"
# Of the usual way, whose form works only with a session that has its token.
VISITORS, VISITORS_OF_A_QUICK_RUN = 200, 5


def choice(bench: Bench) -> dict[str, Any]:
    """Accept as a new visitor each time: a record, a session, both committed before the answer."""
    number = VISITORS_OF_A_QUICK_RUN if bench.is_quick else VISITORS
    with ExitStack() as held:
        usual = held.enter_context(bench.usual())
        take = asked(bench.load, usual, _usual_choices(usual.port, number))
        contestants = [
            Contestant(SQLITE, lambda seconds: Sample(sqlite_loop(bench.folder, seconds))),
            Contestant(USUAL, take, (SQLITE,)),
        ]
        if bench.options.postgresql:
            uri = held.enter_context(database(bench.options.postgresql))
            loop = partial(psycopg_loop, uri.replace("+psycopg", ""))
            contestants.append(Contestant(PSYCOPG, lambda seconds: Sample(loop(seconds))))
        for stores in bench.stores:
            site = held.enter_context(bench.site(stores))
            take = asked(bench.load, site, Job(site.port, [chooses(site.port)], 303))
            loop_there = PSYCOPG if "PostgreSQL" in stores else SQLITE
            contestants.append(Contestant(f"a choice, {stores}", take, (loop_there, USUAL)))
        rows = compare(contestants, bench.seconds, bench.rounds)
    show(rows)
    return {"rows": rows}


def _usual_choices(port: int, number: int) -> Job:
    """Write what visitors send who have opened the page; each of them chooses again and again."""
    requests = []
    for _ in range(number):
        visitor = Visitor(port)
        token = TOKEN.search(visitor.ask().body.decode())
        assert token, "there is no form"
        form = urlencode({"choice": "accept_all", "csrf_token": token[1]})
        requests.append(request("/cookies", method="POST", body=form, cookie=visitor.cookies))
    return Job(port, requests, 303)
