"""Brings name, colours and pictures of `site.toml` into a copy of the static files.

The drawings and the manifest in `static/` are templates of `site`; the stylesheet has its own
colours, of which the site may have others. A file in `img/` beside `site.toml` stands in the place
of that of the same name in `static/img/`.
"""

import shutil
from pathlib import Path
from re import Match

import msgspec
from jinja2 import Environment, StrictUndefined

from blueprints.site.icons import repaint
from blueprints.site.site import BESIDE, TOKEN, Site, colours_of

TEMPLATES = {".svg", ".webmanifest"}


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
            if file.suffix in TEMPLATES:
                file.write_text(rendered(file, self._site), "utf-8")
        if own != shipped:
            repaint(copy / "img", shipped, own)
        for picture in self._pictures:
            shutil.copyfile(picture, copy / "img" / picture.name)

    def _colour(self, found: Match[str]) -> str:
        colour = self._site.colours[found[1]]
        return f"--{found[1]}: light-dark({colour.light}, {colour.dark})"


def rendered(file: Path, site: Site) -> str:
    """Return a drawing or the manifest with the site's name and colours."""
    language = Environment(autoescape=True, keep_trailing_newline=True, undefined=StrictUndefined)
    return language.from_string(file.read_text("utf-8")).render(site=site)
