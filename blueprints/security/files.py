"""Static files, served below Flask: no session is looked up for them.

Their address contains a digest of all of them, so that a browser may keep each for a year and a new
version is still seen at once.
"""

import hashlib
from pathlib import Path
from wsgiref.headers import Headers

from flask import Flask
from whitenoise import WhiteNoise

from blueprints.security.headers import always


def serve(app: Flask, folder: Path) -> None:
    prefix = f"static/{_digest(folder)}/"
    app.add_url_rule(f"/{prefix}<path:filename>", endpoint="static", build_only=True)
    ours = always(over_https=app.config["PREFERRED_URL_SCHEME"] == "https")

    def add_ours(headers: Headers, _path: str, _url: str) -> None:
        for name, value in ours.items():
            headers[name] = value

    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=folder,
        prefix=prefix,
        allow_all_origins=False,
        mimetypes={".webmanifest": "application/manifest+json"},
        immutable_file_test=lambda _path, _url: True,
        add_headers_function=add_ours,
    )


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
