"""The embedded database at start: a broken one costs the site its choices and nothing else."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask import Flask

from app import create_app
from blueprints.database import DatabaseUnavailableError, db, outage, problem, reading, write

ROOT = Path(__file__).parents[2]
Break = Callable[[Path], None]


def is_no_database(file: Path) -> None:
    file.write_bytes(b"This is no database. " * 500)


def is_a_folder(file: Path) -> None:
    file.mkdir()


def has_a_table_in_the_way(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE consent_leaves (position INTEGER)")
    connection.close()


def has_two_heads(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES ('0003'), ('0005')")
    connection.close()


@pytest.fixture
def make_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Flask]:
    """Make a site whose `instance/` is a folder of the test's own."""
    monkeypatch.setenv("FLASK_INSTANCE", str(tmp_path))
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)
    return create_app


@pytest.mark.parametrize(
    "spoil", [is_no_database, is_a_folder, has_a_table_in_the_way, has_two_heads]
)
def test_a_broken_one_is_told_in_one_sentence_and_heals_without_a_restart(
    make_embedded: Callable[[], Flask],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Break,
) -> None:
    file = tmp_path / "site.db"
    spoil(file)
    site = make_embedded()
    (line,) = caplog.messages
    assert line.startswith("The database cannot be used, and no choice recorded until it can: ")
    assert "\n" not in line
    assert site.test_client().get("/").status_code == 200
    with site.app_context():
        for _ in range(2):
            with pytest.raises(DatabaseUnavailableError), reading():
                pass
            with pytest.raises(DatabaseUnavailableError):
                write(lambda _connection: None)
        for part in tmp_path.glob("site.db*"):
            part.rename(tmp_path / f"broken-{part.name}")
        write(lambda _connection: None)
        assert problem() is None
        db.engine.dispose()


def test_nobody_else_on_the_machine_reads_what_the_site_keeps(
    make_embedded: Callable[[], Flask], tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    site = make_embedded()
    with site.app_context():
        write(lambda _connection: None)
        assert tmp_path.stat().st_mode & 0o777 == 0o700
        files = [path for path in tmp_path.iterdir() if path.is_file()]
        assert {"site.db", "site.db-turn", "site.db-wal", "secret_key"} <= {
            path.name for path in files
        }
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        db.engine.dispose()


def test_a_folder_in_which_others_keep_something_is_not_closed(
    make_embedded: Callable[[], Flask], tmp_path: Path
) -> None:
    tool = tmp_path / "tool.sh"
    tool.touch()
    for path in (tmp_path, tool):
        path.chmod(0o755)
    site = make_embedded()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path, tool)} == {0o755}
    assert (tmp_path / "site.db").stat().st_mode & 0o777 == 0o600
    with site.app_context():
        db.engine.dispose()


def test_where_rights_cannot_be_changed_the_article_is_served(
    make_embedded: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, _mode: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "chmod", refuse)
    site = make_embedded()
    assert site.test_client().get("/").status_code == 200
    with site.app_context():
        db.engine.dispose()


@pytest.mark.slow
def test_a_command_of_the_operator_makes_no_database(tmp_path: Path) -> None:
    """A log that was lost is not to be mistaken for one that is behind."""
    environment = {key: value for key, value in os.environ.items() if key[:6] != "FLASK_"}
    answer = subprocess.run(
        [sys.executable, "-m", "flask", "consent", "verify"],
        cwd=ROOT,
        env=environment | {"FLASK_INSTANCE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert answer.stderr.strip().endswith(
        f"there is no file {tmp_path / 'site.db'} yet (FLASK_INSTANCE can name another folder); "
        "'flask db upgrade' makes one."
    )
    assert not (tmp_path / "site.db").exists()


AS_SOMEBODY_ELSE = """
import os, sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from app import create_app
def refuse(site):
    sent = {"Sec-Fetch-Site": "same-origin"}
    return site.test_client().post("/cookies", data={"choice": "reject"}, headers=sent).status_code
if os.geteuid() == 0:  # whom nothing keeps from writing
    with TemporaryDirectory() as another:  # All is loaded that somebody else may not be able to.
        refuse(create_app({"INSTANCE": another, "SECRET_KEY": "k" * 32}))
    os.setuid(65534)
folder = Path(sys.argv[1])
site = create_app({"INSTANCE": str(folder), "SECRET_KEY": "k" * 32})
reader = site.test_client()
reader.set_cookie("session", "x" * 43)
reader.get("/cookies")  # keeps the file open
print(refuse(site), flush=True)
for file in folder.glob("site.db*"):
    file.chmod(0o600)
until = monotonic() + 20
while monotonic() < until and refuse(site) != 303:
    sleep(0.2)
print(refuse(site), flush=True)
for file in folder.glob("site.db*"):
    file.chmod(0o444)
os._exit(0)  # as if it was killed: the log of writes stays
"""


@pytest.mark.slow
def test_a_file_that_may_be_written_again_is_written_without_a_restart() -> None:
    with TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        answers = [
            subprocess.run(  # noqa: S603 - our own interpreter and code
                [sys.executable, "-c", AS_SOMEBODY_ELSE, folder],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.split()
            for _ in range(2)
        ]
    assert answers == [["303", "303"], ["503", "303"]]
