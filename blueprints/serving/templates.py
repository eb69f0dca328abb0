"""Templates as Jinja has compiled them, kept in `instance/compiled/` for the next start.

To compile them takes most of the time until a process has answered its first page. Of each template
there is one file, whichever checkout serves, and it counts while the template and what compiles it
are the same. Python runs such a file unseen: so each begins with its own digest, and nothing is
taken from a folder that is not this account's alone.
"""

import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

import jinja2
from flask import Flask
from jinja2.bccache import Bucket

DIGEST_BYTES = 32


class Compiled(jinja2.BytecodeCache):
    def __init__(self, folder: Path, environment: jinja2.Environment) -> None:
        self._folder = folder
        options = environment.trim_blocks, environment.lstrip_blocks, sorted(environment.extensions)
        self._compiler = repr((jinja2.__version__, *options))

    def get_cache_key(self, name: str, _filename: str | None = None) -> str:
        return super().get_cache_key(name)

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(self._compiler + source)

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            data = (self._folder / bucket.key).read_bytes()
            digest, compiled = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
            if digest == sha256(compiled).digest():
                bucket.bytecode_from_string(compiled)

    def dump_bytecode(self, bucket: Bucket) -> None:
        compiled = bucket.bytecode_to_string()
        with suppress(OSError):  # on a disk that takes nothing, say
            descriptor, part = mkstemp(dir=self._folder)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
                file.write(sha256(compiled).digest() + compiled)
            Path(part).replace(self._folder / bucket.key)


def keep_compiled(app: Flask) -> None:
    folder = Path(app.instance_path) / "compiled"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        is_open = found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not is_open:
            app.jinja_env.bytecode_cache = Compiled(folder, app.jinja_env)
