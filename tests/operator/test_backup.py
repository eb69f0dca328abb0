"""A backup of a running site: whole, verified, and never half."""

import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from browserlike import Visitor
from conftest import MakeSite, leave_out
from documents import BLOCK, documentation
from evidence import records
from flask import Flask
from log import decide_often, run, seal, tampering
from sqlalchemy import make_url


@pytest.fixture
def running(make_site: MakeSite) -> Flask:
    site = make_site()
    decide_often(site, 5)
    seal(site)
    decide_often(site, 2)
    return site


def test_what_was_recorded_last_is_in_the_backup_and_can_be_restored(
    make_site: MakeSite, running: Flask, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    result = run(running, "backup", str(file))
    assert result.exit_code == 0, result.output
    assert "Copied and verified 7 records" in result.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("backup.db.")]

    before = records(running)
    place = tmp_path / "restored.db"
    shutil.copy(file, place)
    restored = make_site(SQLALCHEMY_DATABASE_URI=f"sqlite:///{place}")
    assert records(restored) == before
    assert "Intact: 7 records (2 open" in run(restored, "verify").output
    Visitor(restored).choose("reject")
    assert "Intact: 8 records" in run(restored, "verify").output


def test_a_copy_made_while_choices_are_written_is_intact(running: Flask, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(decide_often, running, 60)
        results = [run(running, "backup", str(tmp_path / f"{number}.db")) for number in range(3)]
        writing.result()
    assert [result.exit_code for result in results] == [0, 0, 0], results


@pytest.mark.parametrize("name", ["50%20off.db", "a?b.db", "with space.db", "#x.db"])
def test_a_file_may_have_any_name(running: Flask, tmp_path: Path, name: str) -> None:
    result = run(running, "backup", str(tmp_path / "copies" / name))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    (tmp_path / "copies").mkdir()
    assert run(running, "backup", str(tmp_path / "copies" / name)).exit_code == 0
    assert [file.name for file in (tmp_path / "copies").iterdir()] == [name]


@pytest.mark.parametrize("name", ["x" * 300, "file/below.db"])
def test_a_file_that_cannot_be_is_told_in_one_sentence(
    running: Flask, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").touch()
    result = run(running, "backup", str(tmp_path / name))
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "cannot be written: " in result.output


def test_a_log_that_is_not_intact_makes_no_backup(running: Flask, tmp_path: Path) -> None:
    with tampering(running) as connection:
        connection.exec_driver_sql("UPDATE consent_records SET content = '{}'")
    result = run(running, "backup", str(tmp_path / "backup.db"))
    assert result.exit_code == 1
    assert "No backup was kept. Not intact." in result.output
    assert not list(tmp_path.glob("backup.db*"))


def run_as_written(block_with: str, **places: Path) -> None:
    """Run a block of OPERATING.md up to the site's own commands, with these places in it."""
    (block,) = (each for each in BLOCK.findall(documentation()) if block_with in each)
    lines = [
        line for line in block.splitlines()[1:-1] if not line.startswith((".venv", "systemctl"))
    ]
    text = "\n".join(lines)
    for name, place in places.items():
        text = text.replace(name.replace("__", "/"), str(place))
    subprocess.run(["/bin/sh", "-euc", text], check=True)  # noqa: S603 - our own words


def test_a_backup_is_restored_as_it_is_written(
    make_site: MakeSite, running: Flask, tmp_path: Path
) -> None:
    file, folder = tmp_path / "backup.db", tmp_path / "kept"
    run(running, "backup", str(file))
    before = records(running)
    folder.mkdir()
    for name in ("site.db", "site.db-wal", "site.db-shm"):
        (folder / name).write_text("broken")
    run_as_written("install -m 600 FILE", FILE=file, instance=folder)
    restored = make_site(SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/site.db")
    assert records(restored) == before
    assert (folder / "site.db").stat().st_uid == folder.stat().st_uid


def test_what_a_site_started_by_hand_wrote_comes_along_to_the_service(
    make_site: MakeSite, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "microsite"
    (old / "instance").mkdir(parents=True)
    site = make_site(
        INSTANCE=str(old / "instance"), SQLALCHEMY_DATABASE_URI=f"sqlite:///{old}/instance/site.db"
    )
    decide_often(site, 3)
    assert (old / "instance/site.db-wal").stat().st_size, "where they stand, and nowhere else"
    (old / "instance/secret_key").write_text("k" * 64)
    run_as_written("cp -a OLD/instance/.", OLD=old, __var__lib__microsite=new)
    assert (new / "secret_key").read_text() == "k" * 64
    moved = make_site(SQLALCHEMY_DATABASE_URI=f"sqlite:///{new}/site.db", INSTANCE=str(new))
    assert records(moved) == records(site)
    assert len(records(moved)) == 3
    decide_often(moved, 2)
    run_as_written("mv OLD/instance", OLD=old, __var__lib__microsite=new)
    back = make_site(
        INSTANCE=str(old / "instance"), SQLALCHEMY_DATABASE_URI=f"sqlite:///{old}/instance/site.db"
    )
    assert records(back) == records(moved)
    assert len(records(back)) == 5
    assert (old / "instance-before/site.db").exists()


def test_a_file_that_is_there_is_left_alone(running: Flask, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("of yesterday")
    result = run(running, "backup", str(file))
    assert result.exit_code == 2
    assert "exists already" in result.output
    assert file.read_text() == "of yesterday"
    assert run(running, "backup", str(tmp_path / "none" / "backup.db")).exit_code == 2


def test_with_postgresql_the_command_that_is_named_makes_a_backup_that_can_be_restored(
    make_site: MakeSite, migrated_postgresql_uri: str, postgresql_uri: str, tmp_path: Path
) -> None:
    site = make_site(SQLALCHEMY_DATABASE_URI=migrated_postgresql_uri)
    decide_often(site, 5)
    seal(site)
    decide_often(site, 2)
    file = tmp_path / "the backup.dump"
    result = run(site, "backup", str(file))
    assert result.exit_code == 0
    assert result.stderr == "Nothing is copied yet. PostgreSQL has a command for that; run:\n"
    command = result.stdout
    assert command.startswith(f"pg_dump --format=custom --file='{file}' postgresql://")
    assert command.count("\n") == 1

    if shutil.which("pg_dump") is None:
        leave_out("pg_dump")
    subprocess.run(shlex.split(command), check=True)  # noqa: S603 - our own
    address = postgresql_uri.replace("+psycopg", "")
    restore = f"pg_restore --exit-on-error --no-owner --dbname={address} '{file}'"
    subprocess.run(shlex.split(restore), check=True)  # noqa: S603 - our own
    assert "pg_restore --exit-on-error --no-owner --dbname=" in documentation()
    restored = make_site(SQLALCHEMY_DATABASE_URI=postgresql_uri)
    assert records(restored) == records(site)
    Visitor(restored).choose("reject")
    assert "Intact: 8 records (3 open, 0 erased) in 1 seal." in run(restored, "verify").output


def test_the_line_for_postgresql_leaves_the_password_to_pg_dump(
    make_site: MakeSite, postgresql_uri: str
) -> None:
    address = make_url(postgresql_uri).set(password="known")  # noqa: S106 - of no use elsewhere
    site = make_site(SQLALCHEMY_DATABASE_URI=address.render_as_string(hide_password=False))
    line = run(site, "backup", "copy.dump").stdout
    shown = make_url(shlex.split(line)[-1])
    assert (shown.username, shown.password) == (address.username, None)
    assert (shown.host, shown.database) == (address.host, address.database)
