"""`flask consent audit`: what the browser sees against what the registry says."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from tempfile import TemporaryDirectory

import click
from flask import current_app
from flask.cli import with_appcontext

from blueprints.consent.choices import Model
from blueprints.consent.registry import Registry
from blueprints.consent.visitor import registry
from blueprints.operator.findings import Finding, Seen, State, compare, purposes_of, states

SECONDS_TO_START = 30


@click.command
@click.argument("address", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print what was seen and found as JSON.")
@with_appcontext
def audit(address: str | None, *, as_json: bool) -> None:
    """Compare what a real browser stores and contacts with the cookie registry.

    ADDRESS is a running site with the same registry and model; its log gains the records of the
    audit's own choices. Without it, this site is started on a database of its own that is thrown
    away.

    The browser is a new visitor in each state: no choice, refused, each purpose alone, accepted,
    withdrawn. What is declared and never seen is a note. Exit status: 0 nothing else was found, 1
    something was, 2 the audit could not be made.
    """
    try:
        audit_browser = import_module("blueprints.operator.browser")
    except ImportError:
        raise click.UsageError(
            "The audit needs the extra 'audit': pip install '.[audit]'."
        ) from None
    declared = registry()
    seen: list[Seen] = []
    visited = states(declared, Model(current_app.config["CONSENT_MODEL"]))
    try:
        with _site(address) as base, audit_browser.browser() as browser:
            bar = click.progressbar(visited, label="Visiting", file=sys.stderr)
            with bar as all_states:
                for state in all_states:
                    seen += audit_browser.look(browser, base, declared, state)
    except audit_browser.NoBrowserError:
        raise click.UsageError(
            "No Chromium is installed, and no Firefox of Playwright's."
        ) from None
    except audit_browser.Error as error:
        raise click.UsageError(f"The site could not be visited: {error.message}") from None
    findings = compare(seen, declared)
    click.echo(_json(seen, findings) if as_json else _table(seen, findings, visited, declared))
    raise SystemExit(0 if all(finding.is_note for finding in findings) else 1)


@contextmanager
def _site(address: str | None) -> Iterator[str]:
    """Yield the address of the site to visit, started here where none is given."""
    if address:
        yield address
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with TemporaryDirectory() as folder:
        environment = os.environ | {
            "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/audit.db",
            "FLASK_SECRET_KEY": os.urandom(32).hex(),
            "FLASK_PREFERRED_URL_SCHEME": "http",
            "FLASK_TRUSTED_HOSTS": "127.0.0.1",
            "FLASK_HOST": "127.0.0.1",
            "FLASK_PORT": str(port),
        }
        for name in ("FLASK_REDIS_URL", "FLASK_METRICS_ADDRESS"):  # The site itself has these.
            environment.pop(name, None)
        start = partial(
            subprocess.Popen,
            cwd=current_app.root_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        start([sys.executable, "-m", "flask", "db", "upgrade"]).wait()
        process = start([sys.executable, "app.py"])
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        with suppress(HTTPException, OSError):
            asked = HTTPConnection("127.0.0.1", port, timeout=1)
            asked.request("GET", "/health")
            asked.getresponse()
            asked.close()
            return
        time.sleep(0.1)
    raise click.UsageError("The site could not be started; 'python app.py' says why.")


def _json(seen: list[Seen], findings: list[Finding]) -> str:
    return json.dumps(
        {
            "seen": [
                {
                    "state": item.state.name,
                    "kind": item.kind,
                    "name": item.name,
                    "lifetime_seconds": item.lifetime and round(item.lifetime.total_seconds()),
                }
                for item in seen
            ],
            "findings": [vars(finding) for finding in findings],
        },
        indent=2,
    )


def _table(
    seen: list[Seen], findings: list[Finding], visited: list[State], declared: Registry
) -> str:
    """Write a row per item with a mark for each state in which it was seen, then the findings."""
    items = sorted({(item.kind, item.name) for item in seen})
    head = ["Kind", "Name", "Purpose", *(state.name for state in visited)]
    rows = []
    for kind, name in items:
        same = [item for item in seen if (item.kind, item.name) == (kind, name)]
        where = {item.state for item in same}
        purposes = " ".join(purposes_of(same[0], declared)) or "-"
        rows.append([kind, name, purposes, *("x" if s in where else "" for s in visited)])
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in [head, *rows]]
    lines.insert(1, "  ".join("-" * width for width in widths))
    problems = [finding for finding in findings if not finding.is_note]
    told = [
        f"{finding.problem}: {finding.kind} {finding.name}"
        + (f" (in the state '{finding.where}')" if finding.where else "")
        for finding in sorted(findings, key=lambda finding: finding.is_note)
    ]
    found = "Nothing found: what is seen is declared and allowed."
    return "\n".join([*lines, "", f"{len(problems)} found:" if problems else found, *told])
