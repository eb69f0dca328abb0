"""Files of the versions before are still sent, to whoever has a page of then."""

import os
import shutil
from pathlib import Path

import another_city
import pytest
from browserlike import Visitor
from conftest import MakeSite

from blueprints.security import files
from blueprints.security.files import VERSIONS_BEFORE


def stylesheet_of(visitor: Visitor) -> str:
    return visitor.get("/privacy").one("link", rel="stylesheet").get("href") or ""


def test_a_file_of_the_version_before_is_still_sent(make_site: MakeSite, tmp_path: Path) -> None:
    before = Visitor(make_site(INSTANCE=str(tmp_path / "instance")))
    address = stylesheet_of(before)
    own = another_city.write(tmp_path / "own")
    now = Visitor(make_site(INSTANCE=str(tmp_path / "instance"), **own))
    assert stylesheet_of(now) != address
    for coding in ("br", "gzip", "identity"):
        then, still = (each.raw_get(address, Accept_Encoding=coding) for each in (before, now))
        assert still.status_code == 200
        assert still.data == then.data
        assert still.headers.to_wsgi_list() == then.headers.to_wsgi_list()
    assert before.raw_get(stylesheet_of(now)).status_code == 404, "nobody knows what comes"


def test_a_file_that_there_is_not_is_not_found(make_site: MakeSite) -> None:
    visitor = Visitor(make_site())
    assert visitor.get(f"{stylesheet_of(visitor)}x").status == 404


def test_of_many_versions_only_the_last_are_sent_and_nothing_else_that_lies_there(
    make_site: MakeSite, tmp_path: Path
) -> None:
    copies = tmp_path / "static"
    for number in range(VERSIONS_BEFORE + 1):
        copy = copies / f"{number:012x}"
        copy.mkdir(parents=True)
        (copy / "file.txt").touch()
        os.utime(copy, (number, number))
    unfinished = copies / "0123456789ab.77"
    unfinished.mkdir()
    (unfinished / "file.txt").touch()
    visitor = Visitor(make_site(INSTANCE=str(tmp_path)))
    names = sorted(copy.name for copy in copies.iterdir() if (copy / "file.txt").exists())
    statuses = [visitor.raw_get(f"/static/{name}/file.txt").status_code for name in names]
    assert statuses == [404, *[200] * VERSIONS_BEFORE, 404]


def test_a_file_that_is_another_has_another_address(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever may keep one for a year sees a new one at once."""
    serve, folder, shipped = files.serve, tmp_path / "changed", make_site()
    shutil.copytree(Path(shipped.root_path) / "static", folder)
    monkeypatch.setattr(files, "serve", lambda app, _folder: serve(app, folder))
    addresses = {stylesheet_of(Visitor(shipped))}
    for change in ("p{margin:7px}", "p{margin:8px}"):
        with (folder / "css/site.css").open("a") as file:
            file.write(change)
        visitor = Visitor(make_site(INSTANCE=str(tmp_path / "instance")))
        address = stylesheet_of(visitor)
        assert visitor.raw_get(address).text.endswith(change)
        addresses.add(address)
    assert len(addresses) == 3
