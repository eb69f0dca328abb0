"""Part `start`: how long it takes until the first page is answered, and until a command is done.

The site is compared with a bare Flask on the same server that imports the same packages before it
serves: what is left is what the site itself does. A first start of all also makes the database and
compresses the static files; it is told apart.
"""

import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from bench import BARE, Bench
from measuring import figures
from opponents import Opponent
from served import Served

ROOT = Path(__file__).parents[2]
ROUNDS, ROUNDS_OF_A_QUICK_RUN = 7, 2
COMMANDS = (["--version"], ["routes"], ["consent", "policy", "list"], ["consent", "verify"])
TELL_MODULES = """
import sys
from app import create_app
create_app()
names = {name.partition(".")[0] for name in sys.modules} - {"app", "blueprints", "__main__"}
print(*(name for name in sys.modules if name.partition(".")[0] in names))
"""
Measured = dict[str, list[float]]


def start(bench: Bench) -> dict[str, Any]:
    """From start to the first answer, beside bare Flask with the same packages; and commands."""
    rounds = ROUNDS_OF_A_QUICK_RUN if bench.is_quick else ROUNDS
    instance = str(bench.folder / "start")
    served = Served(INSTANCE=instance)
    taken: Measured = {"the first start of all": [_seconds_to_answer(served)]}
    modules = _modules(served)
    for _ in range(rounds):
        bare = Opponent("bare", "5000", *modules)
        taken.setdefault(BARE, []).append(_seconds_to_answer(bare))
        taken.setdefault("the site", []).append(_seconds_to_answer(served))
        for command in COMMANDS:
            begun = perf_counter()
            served.flask(*command).check_returncode()
            name = " ".join(["flask", *command])
            taken.setdefault(name, []).append(perf_counter() - begun)
    ratios = [a / b for a, b in zip(taken["the site"], taken[BARE], strict=True)]
    for name, seconds in taken.items():
        told = figures(seconds)
        print(f"{name:28} {told['median']:5.2f} s ({told['least']:.2f}-{told['most']:.2f})")
    ratio = figures(ratios)
    spread = f"{ratio['least']:.2f}-{ratio['most']:.2f}"
    print(f"the site takes {ratio['median']:.2f} ({spread}) times as long as {BARE}, which imports")
    print(f"the same {len(modules)} modules", flush=True)
    return {"seconds": {name: figures(each) for name, each in taken.items()}, "ratio": ratio}


def _modules(served: Served) -> list[str]:
    """Return what the site has imported when it is built, in that order, but for its own."""
    command = [sys.executable, "-c", TELL_MODULES]
    told = subprocess.run(  # noqa: S603 - our own interpreter and code
        command, cwd=ROOT, env=served.environment, capture_output=True, text=True, check=True
    )
    return told.stdout.split()


def _seconds_to_answer(served: Served) -> float:
    begun = perf_counter()
    process = served.launch()
    try:
        while not _is_answered(served.port):
            if process.poll() is not None:
                raise ChildProcessError("it does not start")
            sleep(0.002)
        return perf_counter() - begun
    finally:
        served.stop()


def _is_answered(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
