"""Templates as Jinja has compiled them, kept in `instance/compiled/` for the next start.

To compile them takes most of the time until a process has answered its first page. Of each template
there is one file, whichever checkout serves, and it counts while the template and what compiles it
are the same. Who writes there could make the site do anything: nothing is taken from a folder that
is not this account's alone.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

import jinja2
from flask import Flask
from jinja2.bccache import Bucket


class Compiled(jinja2.FileSystemBytecodeCache):
    def __init__(self, folder: Path, environment: jinja2.Environment) -> None:
        super().__init__(str(folder), "%s")
        options = environment.trim_blocks, environment.lstrip_blocks, sorted(environment.extensions)
        self._compiler = repr((jinja2.__version__, *options))

    def get_cache_key(self, name: str, _filename: str | None = None) -> str:
        return super().get_cache_key(name)

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(self._compiler + source)

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except Exception:  # noqa: BLE001 - whatever a power cut has left of the file
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):  # on a disk that takes nothing, say
            super().dump_bytecode(bucket)


def keep_compiled(app: Flask) -> None:
    folder = Path(app.instance_path) / "compiled"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        is_open = found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not is_open:
            app.jinja_env.bytecode_cache = Compiled(folder, app.jinja_env)
