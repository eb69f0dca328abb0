"""What the running site asks of its database is bounded, written together, and never lost."""

import logging
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Event
from traceback import format_exception
from typing import Any

import psycopg
import pytest
from conftest import MakeSite
from flask import Flask
from sqlalchemy import Connection, bindparam, event, func, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app import create_app
from blueprints.database import DatabaseUnavailableError, Lookup, db, outage, reading, write
from blueprints.database.open_files import LATELY_SECONDS
from blueprints.database.turns import Turns
from blueprints.database.writer import Writer
from blueprints.sessions.models import StoredSession

ROOT = Path(__file__).parents[2]
EXPIRES_AT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def sqlite_site(make_site: MakeSite) -> Flask:
    return make_site()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_site(request: pytest.FixtureRequest, make_site: MakeSite) -> Flask:
    if request.param == "sqlite":
        return make_site()
    return make_site(SQLALCHEMY_DATABASE_URI=request.getfixturevalue("migrated_postgresql_uri"))


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is asked again at once, so that no test waits."""
    monkeypatch.setattr(outage, "PAUSE_SECONDS", 0)


def put(key: str) -> Callable[[Connection], str]:
    """Return work that writes a row and tells its key."""

    def work(connection: Connection) -> str:
        row = {"key": key, "data": b"", "expires_at": EXPIRES_AT}
        connection.execute(insert(StoredSession).values(row))
        return key

    return work


def keys() -> list[str]:
    with reading() as connection:
        return list(connection.scalars(select(StoredSession.key).order_by(StoredSession.key)))


def file_of(site: Flask) -> Path:
    with site.app_context():
        return Path(db.engine.url.database or "")


def test_what_was_written_is_committed_before_it_is_answered(either_site: Flask) -> None:
    with either_site.app_context():
        assert write(put("a")) == "a"
        assert write(lambda _connection: None) is None
        assert keys() == ["a"]


def test_work_that_fails_undoes_its_own_changes_alone(either_site: Flask) -> None:
    def twice(connection: Connection) -> None:
        put("b")(connection)
        put("a")(connection)

    with either_site.app_context():
        write(put("a"))
        with pytest.raises(IntegrityError):
            write(twice)
        write(put("c"))
        assert keys() == ["a", "c"]


Submit = Callable[[Callable[[Connection], object]], Future[object]]


@contextmanager
def held_up(site: Flask) -> Iterator[tuple[Writer, Submit, Event]]:
    """Let one write run until the event, and others be submitted that wait for it."""
    has_begun, may_end = Event(), Event()

    def slow(connection: Connection) -> None:
        has_begun.set()
        may_end.wait()
        put("slow")(connection)

    def in_a_thread(work: Callable[[Connection], object]) -> object:
        with site.app_context():
            return write(work)

    with ThreadPoolExecutor() as pool, site.app_context():
        pool.submit(in_a_thread, slow)
        has_begun.wait()
        try:
            yield (
                site.extensions["database"].writer,
                lambda work: pool.submit(in_a_thread, work),
                may_end,
            )
        finally:
            may_end.set()


def submit_together(site: Flask, names: str, seconds: float | None = None) -> tuple[list[Any], int]:
    """Return how writes ended that waited together, and how many commits that took."""
    commits: list[Connection] = []
    with held_up(site) as (writer, submit, may_end):
        db.event.listen(db.engine, "commit", commits.append)
        waiting = [submit(put(name)) for name in names]
        while len(writer._queue) < len(waiting):  # noqa: SLF001 - nobody else can tell
            pass
        if seconds is not None:
            writer._seconds = seconds  # noqa: SLF001 - instead of waiting
        may_end.set()
        errors = [type(error) for each in waiting if (error := each.exception())]
    return errors, len(commits)


def test_what_waits_together_is_committed_together(sqlite_site: Flask) -> None:
    """While one writes, four more arrive; one of them is refused."""
    assert submit_together(sqlite_site, "abac") == ([IntegrityError], 2)
    with sqlite_site.app_context():
        assert keys() == ["a", "b", "c", "slow"]


def test_a_batch_ends_when_its_time_is_over_and_the_rest_follows(sqlite_site: Flask) -> None:
    """So that nobody waits for a hundred others whose sessions are far away."""
    assert submit_together(sqlite_site, "abc", seconds=0) == ([], 4)
    with sqlite_site.app_context():
        assert keys() == ["a", "b", "c", "slow"]


@pytest.mark.slow
@pytest.mark.usefixtures("no_pause")
def test_while_another_process_holds_sqlite_readers_read_and_nothing_half_is_written(
    sqlite_site: Flask,
) -> None:
    with sqlite_site.app_context():
        write(put("a"))
        with sqlite3.connect(file_of(sqlite_site)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseUnavailableError):
                write(put("b"))
            assert keys() == ["a"]
            other.rollback()
        other.close()
        write(put("c"))
        assert keys() == ["a", "c"], "what was answered as not recorded is never recorded"


@pytest.mark.usefixtures("no_pause")
def test_while_another_client_holds_postgresql_readers_read_and_nothing_is_written_later(
    make_site: MakeSite, migrated_postgresql_uri: str
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=migrated_postgresql_uri)
    with site.app_context():
        write(put("a"))
        with psycopg.connect(migrated_postgresql_uri.replace("+psycopg", "")) as other:
            other.execute("LOCK TABLE sessions IN EXCLUSIVE MODE")
            with pytest.raises(DatabaseUnavailableError):
                write(put("b"))
            assert keys() == ["a"]
        write(put("c"))
        assert keys() == ["a", "c"]


def test_a_write_that_nobody_has_begun_in_time_is_withdrawn(
    sqlite_site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_site.extensions["database"].writer, "_seconds", 0.05)
    with held_up(sqlite_site), pytest.raises(SQLAlchemyError, match="no time"):
        write(put("late"))
    with sqlite_site.app_context():
        assert keys() == ["slow"]
        write(put("next"))  # A crowd is no outage: nobody waits for a pause to be over.


def test_processes_take_turns_and_nobody_overtakes(tmp_path: Path) -> None:
    """A process that holds its turn keeps the others out, and one that is killed does not."""
    code = (
        "import sys; from pathlib import Path; from blueprints.database.turns import Turns\n"
        "with Turns(Path(sys.argv[1])).take(1): print('mine', flush=True); sys.stdin.read()"
    )
    database = tmp_path / "site.db"
    command = [sys.executable, "-c", code, str(database)]
    holder = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "mine\n"
        with pytest.raises(TimeoutError), Turns(database).take(0):
            pass
        holder.kill()
    with Turns(database).take(0):
        pass
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_turns_are_taken_again_once_their_folder_is_back(tmp_path: Path) -> None:
    """What is closed stays closed: its number may be another file's by then, or nobody's."""
    folder, away = tmp_path / "instance", tmp_path / "away"
    folder.mkdir()
    turns = Turns(folder / "site.db")
    with turns.take(0):
        pass
    folder.rename(away)
    with pytest.raises(FileNotFoundError), turns.take(0):
        pass
    away.rename(folder)
    with turns.take(0):
        pass


@pytest.mark.usefixtures("no_pause")
def test_a_file_that_is_deleted_is_noticed_and_one_that_is_back_is_opened(
    sqlite_site: Flask, tmp_path: Path
) -> None:
    file = file_of(sqlite_site)
    away = tmp_path / "away"
    away.mkdir()
    with sqlite_site.app_context():
        write(put("a"))
        for part in tmp_path.glob("site.db*"):
            part.rename(away / part.name)
        for _ in range(2):
            with pytest.raises(DatabaseUnavailableError):
                write(put("b"))
            with pytest.raises(DatabaseUnavailableError):
                keys()
        assert not file.exists(), "nothing but a start makes a database"
        for part in away.iterdir():
            shutil.move(part, tmp_path / part.name)
        write(put("c"))
        assert keys() == ["a", "c"]


def test_all_that_look_up_let_go_of_a_file_that_is_another_one(sqlite_site: Flask) -> None:
    """One that stayed would keep SQLite from the new log of writes, and the old one on the disk."""
    file = file_of(sqlite_site)
    together = Barrier(3, timeout=5)
    closed: list[sqlite3.Connection] = []

    def meet(key: str) -> str:
        if key == "together":
            together.wait()
        return key

    with sqlite_site.app_context():
        write(put("a"))
        engine = db.engine
    event.listen(engine, "connect", lambda made, _entry: made.create_function("meet", 1, meet))
    engine.dispose()  # Each connection from here on knows the function.
    event.listen(engine, "close_detached", closed.append)
    look_up = Lookup(sqlite_site.extensions["database"], select(func.meet(bindparam("key"))))
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(look_up, ["together"] * 3)) == ["together"] * 3
    assert not closed
    copy(file, file.with_name("other"))
    for part in file.parent.glob("site.db-*"):
        part.unlink()
    file.with_name("other").rename(file)
    time.sleep(LATELY_SECONDS)
    assert look_up("alone") == "alone"
    assert len(closed) == 3


def grow(connection: Connection) -> None:
    """Write what the commit moves into the file at once, and leaves in the log of writes."""
    row = {"key": "big", "data": bytes(5_000_000), "expires_at": EXPIRES_AT}
    connection.execute(insert(StoredSession).values(row))


def cut(file: Path, length: int) -> None:
    os.truncate(file, length)  # Whoever opens the file and closes it ends the locks of SQLite.


def copy(file: Path, to: Path) -> None:
    subprocess.run(["cp", file, to], check=True)  # noqa: S603, S607 - so another process does it


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("part", [0, 0.001, 0.5, 0.99])
@pytest.mark.parametrize("checkpoint", ["PASSIVE", "TRUNCATE"])
def test_nothing_is_written_into_a_file_that_was_cut_off(
    sqlite_site: Flask, part: float, checkpoint: str
) -> None:
    """Though with PASSIVE the log of writes has every page that the file lacks, for now."""
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        write(grow)
        with db.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA wal_checkpoint({checkpoint})")
        whole = file.with_name("whole")
        copy(file, whole)
        cut(file, int(whole.stat().st_size * part))
        for _ in range(3):
            with pytest.raises(DatabaseUnavailableError):
                write(put("b"))
            with suppress(DatabaseUnavailableError):
                assert "b" not in keys()
        copy(whole, file)
        write(put("c"))
        assert keys() == ["a", "big", "c"]


FULL = """
import resource, sqlite3, sys
file = sqlite3.connect(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
file.execute("PRAGMA wal_checkpoint(PASSIVE)")
"""


@pytest.mark.usefixtures("no_pause")
def test_a_file_that_could_not_grow_because_the_disk_was_full_is_no_file_that_was_cut_off(
    make_site: MakeSite,
) -> None:
    """Its head says already how long it is to be, and the log of writes has the rest."""
    site, other = make_site(), make_site()
    file = file_of(site)
    with closing(sqlite3.connect(file)) as shell, site.app_context():
        shell.execute("PRAGMA wal_autocheckpoint = 0")
        write(put("a"))
        shell.execute("PRAGMA wal_checkpoint(PASSIVE)")
        row = "INSERT INTO sessions (key, data, expires_at) VALUES ('b', zeroblob(5000000), 0)"
        shell.execute(row)
        shell.commit()
        length = file.stat().st_size
        command = [sys.executable, "-c", FULL, str(file), str(length + 40_000)]
        full = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        assert "Error" in full.stderr
        assert file.stat().st_size < 5_000_000
        for each in (site, other):
            with each.app_context():
                write(put("c" if each is site else "d"))
                assert keys() == ["a", "b", "c", "d"][: 3 if each is site else 4]
    assert not Path(f"{file}-cut-off").exists()
    assert file.stat().st_size > 5_000_000


@pytest.mark.usefixtures("no_pause")
def test_a_file_that_was_cut_off_and_became_long_again_is_not_used(sqlite_site: Flask) -> None:
    """The log of writes fills the end of the file, and leaves a hole before it."""
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(grow)
        whole = file.stat().st_size
        write(put("z"))
        cut(file, whole // 2)
        with pytest.raises(DatabaseUnavailableError):
            write(put("b"))
        cut(file, whole)
        with pytest.raises(DatabaseUnavailableError):
            write(put("b"))


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("to", ["as the other knew it", "more"])
def test_other_processes_see_that_the_file_was_cut_off(
    make_site: MakeSite, tmp_path: Path, to: str
) -> None:
    """One that runs, and one that starts afterwards, with the log of writes still there."""
    site, other = make_site(), make_site()
    file = file_of(site)
    with other.app_context():
        write(put("a"))
        assert keys() == ["a"]
    known = file.stat().st_size
    with site.app_context():
        write(grow)
        write(put("z"))
    cut(file, known + (4096 * 100 if to == "more" else 0))
    address = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}", "INSTANCE": str(tmp_path)}
    for each in (other, create_app({"SECRET_KEY": "k" * 32, **address})):
        assert each.test_client().get("/ready").status_code == 503
        with each.app_context(), pytest.raises(DatabaseUnavailableError):
            write(put("b"))


def test_a_site_that_starts_on_a_file_that_was_cut_off_takes_no_choice_for_made(
    sqlite_site: Flask, tmp_path: Path
) -> None:
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        db.engine.dispose()
    with closing(sqlite3.connect(file)) as another:
        another.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cut(file, file.stat().st_size - 4096)
    address = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}", "INSTANCE": str(tmp_path)}
    client = create_app({"SECRET_KEY": "k" * 32, **address}).test_client()
    assert client.get("/").status_code == 200
    assert client.get("/ready").status_code == 503


@pytest.mark.usefixtures("no_pause")
def test_a_file_that_was_packed_goes_on(sqlite_site: Flask) -> None:
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        write(lambda connection: connection.exec_driver_sql("CREATE TABLE big (b)"))
        write(
            lambda connection: connection.exec_driver_sql(
                "INSERT INTO big VALUES (zeroblob(90000))"
            )
        )
        write(lambda connection: connection.exec_driver_sql("DROP TABLE big"))
        with closing(sqlite3.connect(file)) as another:
            another.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            before = file.stat().st_size
            assert keys() == ["a"]
            another.execute("VACUUM")
            another.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert file.stat().st_size < before
        write(put("c"))
        assert keys() == ["a", "c"]


@pytest.mark.usefixtures("no_pause")
def test_a_file_that_somebody_packs_beside_the_site_goes_on_for_all(make_site: MakeSite) -> None:
    """Though they keep it open, and what has been added since is in the log of writes alone."""
    site, other = make_site(), make_site()
    file = file_of(site)
    with site.app_context():
        write(grow)
        write(lambda connection: connection.exec_driver_sql("DELETE FROM sessions"))
    with other.app_context():
        write(put("a"))
    with closing(sqlite3.connect(file)) as shell:
        before = file.stat().st_size
        shell.execute("VACUUM")
        shell.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert file.stat().st_size < before
        for number in range(60):
            with (site if number % 2 else other).app_context():
                write(put(f"b{number}" + 500 * "-"))
    with other.app_context():
        assert len(keys()) == 61


@pytest.mark.usefixtures("no_pause")
def test_a_mark_of_a_file_before_says_nothing_of_one_that_is_whole(
    sqlite_site: Flask, tmp_path: Path
) -> None:
    mark = Path(f"{file_of(sqlite_site)}-cut-off")
    mark.touch()
    with sqlite_site.app_context():
        write(put("a"))
        assert not mark.exists()
        assert keys() == ["a"]
    Path(f"{tmp_path}/new.db-cut-off").touch()
    address = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/new.db"}
    site = create_app({"SECRET_KEY": "k" * 32, "INSTANCE": str(tmp_path), **address})
    assert site.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0


@pytest.mark.usefixtures("no_pause")
def test_a_connection_that_takes_nothing_is_not_kept(sqlite_site: Flask) -> None:
    """As one is that was opened while the file could not be written."""
    with sqlite_site.app_context():
        write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = 1"))
        with pytest.raises(DatabaseUnavailableError):
            write(put("a"))
        write(put("b"))
        assert keys() == ["b"]


def test_no_error_tells_what_was_to_be_written(
    either_site: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with either_site.app_context(), caplog.at_level(logging.DEBUG):
        write(put("secret-key"))
        with pytest.raises(IntegrityError) as refused:
            write(
                lambda connection: connection.execute(
                    insert(StoredSession).values(key="x" * 9, data=None, expires_at=EXPIRES_AT)
                )
            )
    assert "xxxxxxxxx" not in "".join(format_exception(refused.value))
    assert "xxxxxxxxx" not in caplog.text


@pytest.mark.slow
def test_a_server_that_accepts_and_says_nothing_holds_nobody_up() -> None:
    """Without a bound of the client's own this would not end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"postgresql+psycopg://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        site = create_app({"SECRET_KEY": "x" * 32, "SQLALCHEMY_DATABASE_URI": uri})
        with site.app_context():
            with pytest.raises(DatabaseUnavailableError), reading():
                pass
            with pytest.raises(DatabaseUnavailableError):
                write(lambda _connection: None)


@pytest.mark.usefixtures("no_pause")
def test_nothing_is_written_into_a_log_that_was_deleted(sqlite_site: Flask) -> None:
    """SQLite's own log of writes, beside the file: who has it open would go on with it."""
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        keys()
        Path(f"{file}-wal").unlink()
        for key in ("b", "c"):
            with suppress(DatabaseUnavailableError):
                write(put(key))
        written = keys()
    with closing(sqlite3.connect(file)) as another:
        found = [key for (key,) in another.execute("SELECT key FROM sessions ORDER BY key")]
    assert found == written
    assert "c" in found


INSERT_BY_ANOTHER = """
import sqlite3, sys
another = sqlite3.connect(sys.argv[1])
another.execute("INSERT INTO sessions (key, data, expires_at) VALUES ('b', '', '2999-01-01')")
another.commit()
sys.stdin.read()
"""


@pytest.mark.usefixtures("no_pause")
def test_nothing_is_lost_where_the_index_of_that_log_was_deleted(sqlite_site: Flask) -> None:
    """Another process makes a new index; who wrote on by the old one would write over its rows."""
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        keys()
        Path(f"{file}-shm").unlink()
        command = [sys.executable, "-c", INSERT_BY_ANOTHER, str(file)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as another:  # noqa: S603 - our own interpreter and code
            while not Path(f"{file}-shm").exists():
                time.sleep(0.01)
            time.sleep(0.2)
            for key in ("c", "d"):
                with suppress(DatabaseUnavailableError):
                    write(put(key))
            written = keys()
            another.communicate()
    with closing(sqlite3.connect(file)) as whole:
        found = [key for (key,) in whole.execute("SELECT key FROM sessions ORDER BY key")]
        assert whole.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert found == written
    assert {"a", "b", "d"} <= set(found)


@pytest.mark.usefixtures("no_pause")
def test_nobody_joins_an_index_that_was_deleted_while_somebody_still_reads(
    sqlite_site: Flask,
) -> None:
    """SQLite would give the deleted one to each new connection, whatever is at its path by then."""
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        with reading() as still_at_it:
            assert still_at_it.execute(select(StoredSession.key)).all()
            Path(f"{file}-shm").unlink()
            command = [sys.executable, "-c", INSERT_BY_ANOTHER, str(file)]
            with subprocess.Popen(command, stdin=subprocess.PIPE) as another:  # noqa: S603 - our own interpreter and code
                while not Path(f"{file}-shm").exists():
                    time.sleep(0.01)
                time.sleep(0.2)
                for _ in range(2):
                    with pytest.raises(DatabaseUnavailableError):
                        write(put("c"))
                    with pytest.raises(DatabaseUnavailableError):
                        keys()
                another.communicate()
        write(put("d"))
        assert keys() == ["a", "b", "d"]


@pytest.mark.usefixtures("no_pause")
def test_the_log_of_one_file_is_not_written_into_another(
    sqlite_site: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup in the place of the file, while the log of the one before lies beside it."""
    file, other = file_of(sqlite_site), tmp_path / "backup.db"
    with sqlite_site.app_context():
        write(put("a"))
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(other)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        for number in range(50):
            write(put(f"b{number}"))
        before = other.read_bytes()
        other.rename(file)
        for _ in range(3):
            with pytest.raises(DatabaseUnavailableError):
                write(put("c"))
            with pytest.raises(DatabaseUnavailableError):
                keys()
        assert file.read_bytes() == before
        assert caplog.text.count("is not its own: remove") == 1
        for end in ("-wal", "-shm"):
            Path(f"{file}{end}").unlink()
        write(put("c"))
        assert keys() == ["a", "c"]


@pytest.mark.usefixtures("no_pause")
def test_a_file_that_was_away_for_a_moment_is_opened_anew_and_watched_as_before(
    sqlite_site: Flask,
) -> None:
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        file.rename(file.with_name("away"))
        for _ in range(2):
            with pytest.raises(DatabaseUnavailableError):
                keys()
        file.with_name("away").rename(file)
        assert keys() == ["a"]
        with reading() as still_at_it:
            assert still_at_it.execute(select(StoredSession.key)).all()
            Path(f"{file}-shm").unlink()
            command = [sys.executable, "-c", INSERT_BY_ANOTHER, str(file)]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=True)  # noqa: S603 - our own interpreter and code
            with pytest.raises(DatabaseUnavailableError):
                keys()
        assert keys() == ["a", "b"]


BACK_UP = """
import sqlite3, sys
one, other = map(sqlite3.connect, sys.argv[1:])
one.backup(other)
other.execute("PRAGMA journal_mode = DELETE")
"""


@pytest.mark.usefixtures("no_pause")
def test_a_backup_in_the_place_of_the_file_is_opened_without_a_restart(sqlite_site: Flask) -> None:
    """As OPERATING.md restores it, but under a site that runs: the log goes with the old file."""
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        backup = file.with_name("backup")
        command = [sys.executable, "-c", BACK_UP, str(file), str(backup)]
        subprocess.run(command, check=True)  # noqa: S603 - our own interpreter and code
        write(put("b"))
        keys()
        for end in ("-wal", "-shm"):
            Path(f"{file}{end}").unlink()
        backup.rename(file)
        for _ in range(2):
            with suppress(DatabaseUnavailableError):
                keys()
        assert keys() == ["a"]


def test_who_comes_first_reads_beside_a_process_that_writes_for_long(sqlite_site: Flask) -> None:
    file = file_of(sqlite_site)
    with sqlite_site.app_context():
        write(put("a"))
        db.engine.dispose()
        with Turns(file).take(0), closing(sqlite3.connect(file)) as another:
            another.execute("SELECT 1 FROM sessions").fetchall()
            assert keys() == ["a"]
