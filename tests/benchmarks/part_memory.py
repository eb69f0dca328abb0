"""Part `memory`: what each worker holds while visitors read, choose and look into their records.

Told at the start and after each quarter of `--minutes`: RSS, and PSS, which counts what workers
share by halves. What a worker gains between the first and the last quarter it would go on to gain.
Bare Flask serves for as long, to tell what the server and Python hold by themselves.
"""

from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

from bench import BARE, Bench
from clients import chooses, cookies_of, read, returning
from load import Job, request
from served import Served

QUARTERS = 4
CLIENTS = 4
VISITORS = 40
SECONDS_OF_A_TURN = 0.5
KIB_A_MB = 1024


def memory(bench: Bench) -> dict[str, Any]:
    """Hold what for how long: a mix of pages, choices and history, for `--minutes`."""
    found: dict[str, Any] = {}
    with ExitStack() as held:
        bare = held.enter_context(bench.opponent("bare", "5000"))
        view = request("/", accept_encoding="br")
        sites = {BARE: (bare, [Job(bare.port, [view])])}
        for stores in bench.stores:
            site = held.enter_context(bench.site(stores))
            sites[stores] = site, _mix(site)
        curves: dict[str, list[list[dict[str, float]]]] = {name: [] for name in sites}
        requests = dict.fromkeys(sites, 0)
        for quarter in range(QUARTERS + 1):
            until = monotonic() + bench.minutes * 60 / QUARTERS
            while quarter and monotonic() < until:
                for name, (_served, jobs) in sites.items():
                    for job in jobs:
                        answers = bench.load.run(job, SECONDS_OF_A_TURN / len(jobs), CLIENTS)
                        requests[name] += len(answers.seconds)
            for name, (served, _jobs) in sites.items():
                curves[name].append([_held_by(pid) for pid in served.workers()])
    for name, curve in curves.items():
        print(f"{name}, {requests[name]:,} requests: MB of each worker, RSS (PSS)")
        for quarter, workers in enumerate(curve):
            when = f"after quarter {quarter}" if quarter else "at the start"
            told = "  ".join(f"{each['rss']:5.1f} ({each['pss']:5.1f})" for each in workers)
            print(f"  {when:16} {told}")
        gained = max(b["rss"] - a["rss"] for a, b in zip(curve[1], curve[-1], strict=True))
        most = max(each["rss"] for each in curve[-1])
        print(f"  at most {most:.1f} at the end, {gained:+.1f} since the first quarter", flush=True)
        found[name] = {"requests": requests[name], "curve": curve, "gained": gained, "most": most}
    return found


def _mix(site: Served) -> list[Job]:
    """Write what visitors do, each kind for as long as the others."""
    accepted, refused = (
        cookies_of(returning(site.port, choice, VISITORS)) for choice in ("accept_all", "reject")
    )
    paths = ("/", "/pt/", "/articles", "/privacy", "/feed.xml", "/health")
    pages = [request(path, accept_encoding=coding) for path in paths for coding in ("br", "gzip")]
    own = [read(accepted + refused, path) for path in ("/cookies/history", "/cookies/receipt")]
    return [
        Job(site.port, pages),
        Job(site.port, read(accepted + refused)),
        Job(site.port, [chooses(site.port), chooses(site.port, "reject")], 303),
        Job(site.port, [*own[0], *own[1], *read(accepted, "/cookies"), *read(refused, "/pt/")]),
    ]


def _held_by(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    told = {name: int(line.split()[1]) for line in lines[1:] for name in [line.split(":")[0]]}
    return {"rss": told["Rss"] / KIB_A_MB, "pss": told["Pss"] / KIB_A_MB}
