"""Brings name, colours and pictures of `site.toml` into a copy of the static files.

The manifest in `static/` is a template of `site`, and drawings name its colours; the stylesheet has
its own, of which the site may have others. A file in `img/` beside `site.toml` stands in the place
of that of the same name in `static/img/`.
"""

import re
from importlib import import_module
from pathlib import Path
from re import Match

import msgspec
from jinja2 import Environment, StrictUndefined

from blueprints.site.site import BESIDE, TOKEN, Site, colours_of

LANGUAGE = Environment(autoescape=True, keep_trailing_newline=True, undefined=StrictUndefined)
COLOUR_OF_SITE = re.compile(rb"{{ site\.colours\.([\w-]+)\.(light|dark) }}")


class Look:
    def __init__(self, site: Site, file: Path) -> None:
        self._site = site
        self._pictures = sorted(each for each in (file.parent / BESIDE).glob("*") if each.is_file())

    @property
    def fingerprint(self) -> bytes:
        """Another one for whatever makes another file of the copy."""
        files = (each.name.encode() + b"\0" + each.read_bytes() for each in self._pictures)
        return msgspec.json.encode(self._site) + b"".join(files)

    def give_to(self, copy: Path) -> None:
        """Change the files of the copy in place."""
        stylesheet = copy / "css/site.css"
        text = stylesheet.read_text("utf-8")
        shipped, own = (colours["blue"].light for colours in (colours_of(text), self._site.colours))
        stylesheet.write_text(TOKEN.sub(self._colour, text), "utf-8")
        for file in copy.rglob("*"):
            if file.suffix == ".svg":
                file.write_bytes(coloured(file, self._site))
            elif file.suffix == ".webmanifest":
                manifest = LANGUAGE.from_string(file.read_text("utf-8"))
                file.write_text(manifest.render(site=self._site), "utf-8")
        if own != shipped:
            icons = import_module("blueprints.site.icons")  # It loads four megabytes, once.
            icons.repaint(copy / "img", shipped, own)
        for picture in self._pictures:
            (copy / "img" / picture.name).write_bytes(coloured(picture, self._site))

    def _colour(self, found: Match[str]) -> str:
        colour = self._site.colours[found[1]]
        return f"--{found[1]}: light-dark({colour.light}, {colour.dark})"


def coloured(drawing: Path, site: Site) -> bytes:
    """Return a drawing with the site's colours; whatever else it has in braces is its own."""

    def colour(found: Match[bytes]) -> bytes:
        name, of_day = found[1].decode(), found[2] == b"light"
        known = site.colours.get(name)
        return found[0] if not known else (known.light if of_day else known.dark).encode()

    return COLOUR_OF_SITE.sub(colour, drawing.read_bytes())
