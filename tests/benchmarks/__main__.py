"""Measures the site beside what it could cost, and what it usually costs.

    .venv/bin/python tests/benchmarks [--quick] [--json FILE] [PART ...]
    .venv/bin/python tests/benchmarks --postgresql postgresql://postgres@127.0.0.1/postgres
    .venv/bin/python tests/benchmarks --redis redis://127.0.0.1/9 first choice

Whatever else it needs it starts and ends by itself; `TMPDIR` says on which disk. Each part prints
medians of rounds in which all were measured in turn, with the least and the most, and what the
workers cost for each request. Ratios are what counts: all else depends on the machine. `load` says
how busy the busier of the processes that sent was; near 100 % these were measured, not the server.
"""

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

import part_beside
import part_choice
import part_log
import part_memory
import part_pages
import part_paint
import part_scale
import part_start
from bench import Bench

PARTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "first": part_pages.first,
    "returning": part_pages.again,
    "choice": part_choice.choice,
    "paint": part_paint.paint,
    "start": part_start.start,
    "memory": part_memory.memory,
    "scale": part_scale.scale,
    "beside": part_beside.beside,
    "log": part_log.log,
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all if none: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--postgresql", metavar="URI", help="a server to make databases on")
    parser.add_argument("--redis", metavar="URL", help="a database of Redis, which is emptied")
    parser.add_argument("--records", type=int, metavar="N", help="in the log of `scale` and `log`")
    parser.add_argument("--sessions", type=int, metavar="N", help="in `scale`; a tenth if not said")
    parser.add_argument("--minutes", type=float, metavar="N", help="for which `memory` watches")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and so is what was started
    found: dict[str, Any] = {"machine": machine(), "parts": {}}
    with Bench(options) as bench:
        for name in options.parts or PARTS:
            print(f"== {name}: {(PARTS[name].__doc__ or '').strip()}", flush=True)
            found["parts"][name] = PARTS[name](bench)
            print()
            if options.json:
                options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


if __name__ == "__main__":
    main()
