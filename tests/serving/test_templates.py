"""What Jinja has compiled is kept for the next start, for this account alone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeSite
from flask import Flask

from blueprints.serving.templates import keep_compiled

PAGE = "article/all.html"


def kept(make_site: MakeSite, instance: Path, **options: bool) -> Flask:
    """Start a site that keeps what it compiles, as a worker does."""
    site = make_site(INSTANCE=str(instance))
    site.jinja_env.bytecode_cache = None
    for name, value in options.items():
        setattr(site.jinja_env, name, value)
    keep_compiled(site)
    return site


def compiles(site: Flask, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a page is compiled when it is asked for; it is there in any case."""
    compiled = []
    compile_it = site.jinja_env.compile

    def watched(*source: Any) -> Any:  # noqa: ANN401 - passed on
        compiled.append(source)
        return compile_it(*source)

    monkeypatch.setattr(site.jinja_env, "compile", watched)
    assert site.jinja_env.get_template(PAGE).blocks.keys() >= {"title", "main"}
    return bool(compiled)


def test_the_next_start_takes_what_was_compiled(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compiles(kept(make_site, tmp_path), monkeypatch)
    assert not compiles(kept(make_site, tmp_path), monkeypatch)


def test_what_was_compiled_in_another_way_is_compiled_anew(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiles(kept(make_site, tmp_path), monkeypatch)
    assert compiles(kept(make_site, tmp_path, trim_blocks=False), monkeypatch)
    assert len(list((tmp_path / "compiled").iterdir())) == 1


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda whole: whole[:70],
    "empty": lambda _whole: b"",
    "a page lost": lambda whole: whole[:1024] + bytes(1024) + whole[2048:],
    "a bit flipped": lambda whole: whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:],
    "the end lost": lambda whole: whole[:200].ljust(len(whole), b"\0"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_a_power_cut_or_a_disk_has_damaged_is_compiled_anew(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """Python itself checks nothing of such a file, and ends where it is none."""
    compiles(kept(make_site, tmp_path), monkeypatch)
    (file,) = (tmp_path / "compiled").iterdir()
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    assert compiles(kept(make_site, tmp_path), monkeypatch)
    assert file.read_bytes() == whole


def test_nothing_is_taken_from_a_folder_of_others(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiles(kept(make_site, tmp_path), monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert compiles(kept(make_site, tmp_path), monkeypatch)


def test_nothing_is_taken_from_a_folder_that_others_may_use(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiles(kept(make_site, tmp_path), monkeypatch)
    (tmp_path / "compiled").chmod(0o750)
    assert compiles(kept(make_site, tmp_path), monkeypatch)


def test_a_folder_that_cannot_be_made_or_written_keeps_no_page_back(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = kept(make_site, tmp_path)
    (tmp_path / "compiled").rmdir()
    assert compiles(site, monkeypatch)
    (tmp_path / "compiled").write_text("no folder")
    assert compiles(kept(make_site, tmp_path), monkeypatch)
