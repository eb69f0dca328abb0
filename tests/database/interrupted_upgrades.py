"""Upgrades a database of the first version, and is killed at ten moments on the way.

    python tests/database/interrupted_upgrades.py sqlite:////tmp/old.db 30000

makes the rows, then prints after each `kill -9` the version and the number of rows that are left.
The moments are counted in statements, so that each of them is really in the middle.
"""

import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from alembic import command
from alembic.config import Config
from sqlalchemy import event, text

sys.path.insert(0, str(Path(__file__).parents[2]))

from app import create_app
from blueprints.database import db
from blueprints.database.schema import MIGRATIONS, upgrade

CONFIG = Config(f"{MIGRATIONS}/alembic.ini")
MOMENTS = 10
INSERT = """
INSERT INTO consent_records (id, subject, statuses, policy_version, language, model, method,
  is_consent, gpc, decided_at, expires_at)
VALUES (:id, :subject, '{"advertising": "given"}', 'abcdefabcdef', 'en', 'opt_in',
  'banner.accept_all', true, false, '2026-11-24 10:00:00', '2027-05-24 10:00:00')
"""


def make_rows(number: int) -> None:
    command.upgrade(CONFIG, "0001")
    rows = [{"id": UUID(int=at).hex, "subject": UUID(int=at % 7).hex} for at in range(number)]
    with db.engine.begin() as connection:
        connection.execute(text(INSERT), rows)


def upgrade_in_a_child(last_statement: int) -> int:
    """Upgrade in a process that dies before a statement; return how many statements there were."""
    db.engine.dispose()
    receives, sends = os.pipe()
    child = os.fork()
    if not child:
        upgrade_and_die(last_statement, sends)
    os.close(sends)
    os.waitpid(child, 0)
    with os.fdopen(receives) as pipe:
        return len(pipe.read())


def upgrade_and_die(last_statement: int, sends: int) -> None:
    count = 0

    @event.listens_for(db.engine, "before_cursor_execute")
    def note(*_: object) -> None:
        nonlocal count
        count += 1
        os.write(sends, b".")
        if count == last_statement:
            die()

    @event.listens_for(db.engine, "commit")
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    upgrade()


def main(uri: str, rows: int) -> None:
    with create_app({"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": uri}).app_context():
        make_rows(rows)
        statements = upgrade_in_a_child(0)  # It dies before the last commit.
        for moment in range(MOMENTS):
            done = upgrade_in_a_child(1 + statements * moment // MOMENTS)
            with db.engine.connect() as connection:
                version = connection.scalar(text("SELECT version_num FROM alembic_version"))
                left = connection.scalar(text("SELECT count(*) FROM consent_records"))
            print(f"killed before statement {done} of {statements}: {version} {left}")  # noqa: T201 - for who runs it


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
