"""Pictures of articles, from the folder `images` beside the texts.

Of each one a few sizes are made, once, into a folder that is named by what the picture holds: a
browser may keep them for ever, every process and every machine makes the same ones, and a picture
that was replaced is seen at once. What is made is what readers get; the original never leaves.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from blueprints.article.broken import BrokenPartError

FOLDER = "images"
MEGABYTE = 1024 * 1024
BYTES_AT_MOST = 25 * MEGABYTE
MADE_BY = b"2:"  # another number when sizes or qualities change


@dataclass(frozen=True)
class Made:
    """The sizes of one picture, as files."""

    digest: str
    width: int
    height: int
    widths: Sequence[int]  # the largest last
    has_avif: bool  # where that is worth its making


@dataclass(frozen=True)
class Picture:
    made: Made
    alt: str
    caption: str | None
    credit: str | None = None


@dataclass(frozen=True)
class Pictures:
    folder: Path
    made: Path

    def make(self, name: str) -> Made:
        """Return the sizes of the picture of that name, and make them unless they are there."""
        file = self.folder / name
        if Path(name).name != name or not file.is_file():
            raise BrokenPartError(f"'{name}' is not the name of a file in {FOLDER}/")
        size = file.stat().st_size
        if size > BYTES_AT_MOST:
            raise BrokenPartError(
                f"'{name}' has {size // MEGABYTE} MB; {BYTES_AT_MOST // MEGABYTE} are the most"
            )
        digest = hashlib.sha256(MADE_BY + file.read_bytes()).hexdigest()[:16]
        # A site without pictures of its own does not load what makes them: four megabytes.
        files = import_module("blueprints.article.picture_files")
        try:
            made: Made = files.make(file, self.made / digest)
        except files.UnidentifiedImageError:
            raise BrokenPartError(f"'{name}' is no JPEG, PNG or WebP") from None
        except files.BROKEN as error:
            raise BrokenPartError(f"'{name}' cannot be used: {error}") from None
        return made
