"""Static files, served below Flask: no session is looked up for them.

Their address contains a digest of all of them, so that a browser may keep each for a year and a new
version is still seen at once. The first process that starts with them makes a copy in
`instance/static/`, with the look of the site, without the comments and spaces that are for us, and
compressed, from where they are sent. Those of the versions before are sent from there as well, to
whoever has a page of then: a tab, or a cache on the way. Pages name the digest of each script and
stylesheet (Subresource Integrity), so that a browser takes none that was changed on the way.
"""

import atexit
import hashlib
import os
import re
import shutil
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from wsgiref.headers import Headers

from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

from blueprints.security import first_view
from blueprints.security.headers import always

VERSIONS_BEFORE = 3  # whose files are still sent
COPY = re.compile("[0-9a-f]{12}")
# Indentation, and a comment that has its lines to itself; no string goes over several lines.
FOR_US = re.compile(r"^[ \t]*(?:(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)?\n)?", re.DOTALL | re.MULTILINE)
# In a stylesheet, what stands anywhere between its parts; what is in quotes stays.
BETWEEN = re.compile(r'("[^"]*")|/\*.*?\*/|(?<=[;{}])\s+|\s+(?=[{}])|;(?=\s*})', re.DOTALL)


def serve(app: Flask, folder: Path) -> None:
    digest = _digest(folder, app.extensions["look"].fingerprint)
    prefix = f"static/{digest}/"
    app.add_url_rule(f"/{prefix}<path:filename>", endpoint="static", build_only=True)
    ours = always(app)
    copies = Path(app.instance_path) / "static"
    root = app.extensions["static_files"] = _compressed(app, folder, copies / digest)
    first_view.offer(app, root / "css/site.css")
    app.jinja_env.globals["integrity"] = _integrity(root)

    def add_ours(headers: Headers, _path: str, _url: str) -> None:
        for name, value in ours.items():
            headers[name] = value

    files = WhiteNoise(
        app.wsgi_app,
        root=root,
        prefix=prefix,
        allow_all_origins=False,
        mimetypes={".webmanifest": "application/manifest+json"},
        immutable_file_test=lambda _path, _url: True,
        add_headers_function=add_ours,
    )
    others = [each for each in copies.glob("*") if each != root and COPY.fullmatch(each.name)]
    others.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for each in others[:VERSIONS_BEFORE]:
        files.add_files(each, f"static/{each.name}/")
    app.wsgi_app = files  # type: ignore[method-assign]


def _compressed(app: Flask, folder: Path, copy: Path) -> Path:
    """Return a copy of the folder with `.gz` and `.br` beside each file, or without if none can be.

    Several processes may start at once: each makes a copy of its own, and the first name counts.
    """
    mine = copy.with_name(f"{copy.name}.{os.getpid()}")
    try:
        if not copy.exists():
            shutil.copytree(folder, mine, dirs_exist_ok=True)
            app.extensions["look"].give_to(mine)
            compressor = Compressor(quiet=True)
            for file in filter(Path.is_file, list(mine.rglob("*"))):
                if file.suffix in {".css", ".js"}:
                    text = FOR_US.sub("", file.read_text("utf-8"))
                    text = BETWEEN.sub(r"\1", text) if file.suffix == ".css" else text
                    file.write_bytes(text.encode())
                if compressor.should_compress(file.name):
                    compressor.compress(str(file))
            mine.rename(copy)
    except OSError as error:
        shutil.rmtree(mine, ignore_errors=True)
        if not copy.exists():
            app.logger.warning("Static files are sent uncompressed: %s", error)
            return _copied_for_this_process(app, folder)
    return copy


def _copied_for_this_process(app: Flask, folder: Path) -> Path:
    """Return a copy elsewhere; without room for one, the folder, which lacks the site's look."""
    try:
        copy = Path(mkdtemp(prefix="static-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        app.extensions["look"].give_to(copy)
    except OSError:
        return folder
    return copy


def _integrity(root: Path) -> Mapping[str, str]:
    """Return what pages say of each script and stylesheet, by its path."""
    return {
        file.relative_to(root).as_posix(): "sha384-"
        + b64encode(hashlib.sha384(file.read_bytes()).digest()).decode()
        for file in sorted(root.rglob("*"))
        if file.suffix in {".css", ".js"}
    }


def _digest(folder: Path, look: bytes) -> str:
    # What is left out makes another file, too.
    digest = hashlib.sha256((FOR_US.pattern + BETWEEN.pattern).encode())
    digest.update(look)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
