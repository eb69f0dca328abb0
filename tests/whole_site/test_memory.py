"""A worker holds what it serves with, and nothing that only other sites or the operator need."""

import os
import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory
from served import ROOT

from blueprints.database.schema import MIGRATIONS, STEPS

OF_OTHERS = {
    "PIL": "pictures",
    "alembic": "migrations",
    "playwright": "the audit",
    "prometheus_client": "the numbers",
    "psycopg": "PostgreSQL",
    "redis": "Redis",
}
TELL = """
import gc
import sys
from app import create_app
client = create_app().test_client()
assert {client.get(path).status_code for path in ("/", "/cookies", "/privacy", "/ready")} == {200}
assert gc.isenabled()
assert gc.get_freeze_count() > len(sys.modules)  # What is imported is shared with the other one.
print(*sys.modules)
"""


def test_a_worker_loads_nothing_that_it_does_not_serve_with(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
    environment["FLASK_INSTANCE"] = str(tmp_path)
    for _ in range(2):  # The first makes the database.
        told = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", TELL],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    assert set(told.stdout.split()) & set(OF_OTHERS) == set()


def test_the_steps_of_the_tables_are_those_that_alembic_knows() -> None:
    script = ScriptDirectory(MIGRATIONS)
    assert [step.revision for step in script.walk_revisions()] == STEPS[::-1]
    assert script.get_heads() == STEPS[-1:]
