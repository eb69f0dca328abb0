"""Parts `first` and `returning`: what a page costs, beside a Flask that sends constant bytes."""

from contextlib import ExitStack
from typing import Any

from bench import BARE, RAW, USUAL, Bench
from clients import CODING, Visitor, cookies_of, read, returning
from load import Job, request
from measuring import Contestant, asked, compare, show

CHOICES = ("accept_all", "reject", "accept_selected")
VISITORS, VISITORS_OF_A_QUICK_RUN = 50, 5  # of each choice, in turn: no answer is for one visitor


def first(bench: Bench) -> dict[str, Any]:
    """Read the first page: without a cookie, compressed; and again, when it has not changed."""
    with ExitStack() as held:
        site = held.enter_context(bench.site())
        seen = Visitor(site.port).ask()
        raw, bare = (
            held.enter_context(bench.opponent(kind, str(len(seen.body))))
            for kind in ("raw", "bare")
        )
        usual = held.enter_context(bench.usual())
        view = request("/", accept_encoding=CODING)
        unchanged = request("/", accept_encoding=CODING, if_none_match=seen.headers["etag"])
        contestants = []
        for name, served, message, status in (
            (BARE, bare, view, 200),
            (RAW, raw, view, 200),
            (USUAL, usual, view, 200),
            ("first view", site, view, 200),
            ("first view, If-None-Match", site, unchanged, 304),
        ):
            take = asked(bench.load, served, Job(served.port, [message], status))
            size = Visitor(served.port).ask().size if status == 200 else "0"
            contestants.append(Contestant(name, take, (BARE,) if served is not bare else (), size))
        rows = compare(contestants, bench.seconds, bench.rounds)
    show(rows)
    return {"rows": rows}


def again(bench: Bench) -> dict[str, Any]:
    """Read an article as somebody who has chosen, whatever it was, on each pair of stores."""
    number = VISITORS_OF_A_QUICK_RUN if bench.is_quick else VISITORS
    contestants = []
    with ExitStack() as held:
        for stores in bench.stores:
            site = held.enter_context(bench.site(stores))
            for choice in CHOICES:
                visitors = returning(site.port, choice, number)
                seen, messages = visitors[0].ask(), read(cookies_of(visitors))
                take = asked(bench.load, site, Job(site.port, messages))
                contestants.append(
                    Contestant(f"{choice}, {stores}", take, (BARE, USUAL), seen.size)
                )
        bare = held.enter_context(bench.opponent("bare", str(len(seen.body))))
        usual = held.enter_context(bench.usual())
        visitors = returning(usual.port, "accept_all", number)
        size = visitors[0].ask().size
        take_usual = asked(bench.load, usual, Job(usual.port, read(cookies_of(visitors))))
        take_bare = asked(bench.load, bare, Job(bare.port, messages))
        opponents = [
            Contestant(BARE, take_bare, size=str(len(seen.body))),
            Contestant(USUAL, take_usual, (BARE,), size),
        ]
        rows = compare([*opponents, *contestants], bench.seconds, bench.rounds)
    show(rows)
    return {"rows": rows}
