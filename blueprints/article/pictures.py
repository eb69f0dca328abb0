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

FOLDER = "images"
BYTES_AT_MOST = 25 * 1024 * 1024
MEGABYTE = 1024 * 1024
MADE_BY = b"2:"  # another number when sizes or qualities change


class BrokenPictureError(ValueError):
    """A picture cannot be used; the message is one sentence that names it."""


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


class Pictures:
    def __init__(self, folder: Path, made: Path) -> None:
        self._folder = folder
        self.made = made

    def make(self, name: str) -> Made:
        """Return the sizes of the picture of that name, and make them unless they are there.

        Raises:
            BrokenPictureError: it is not there, is too large, or is no picture.

        """
        file = self._folder / name
        if Path(name).name != name or not file.is_file():
            raise BrokenPictureError(f"'{name}' is not the name of a file in {FOLDER}/")
        size = file.stat().st_size
        if size > BYTES_AT_MOST:
            raise BrokenPictureError(
                f"'{name}' has {size // MEGABYTE} MB; {BYTES_AT_MOST // MEGABYTE} are the most"
            )
        digest = hashlib.sha256(MADE_BY + file.read_bytes()).hexdigest()[:16]
        # A site without pictures of its own does not load what makes them: four megabytes.
        files = import_module("blueprints.article.picture_files")
        try:
            made: Made = files.make(file, self.made / digest)
        except files.UnidentifiedImageError:
            raise BrokenPictureError(f"'{name}' is no JPEG, PNG or WebP") from None
        except files.BROKEN as error:
            raise BrokenPictureError(f"'{name}' cannot be used: {error}") from None
        return made
