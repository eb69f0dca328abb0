"""Pictures of articles, from the folder `images` beside the texts.

Of each one a few sizes are made, once, into a folder that is named by what the picture holds: a
browser may keep them for ever, every process and every machine makes the same ones, and a picture
that was replaced is seen at once. What is made is what readers get; the original never leaves.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from PIL import UnidentifiedImageError

from blueprints.article.picture_files import BROKEN, Made, make

FOLDER = "images"
BYTES_AT_MOST = 25 * 1024 * 1024
MEGABYTE = 1024 * 1024
MADE_BY = b"2:"  # another number when sizes or qualities change


class BrokenPictureError(ValueError):
    """A picture cannot be used; the message is one sentence that names it."""


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
        try:
            return make(file, self.made / digest)
        except UnidentifiedImageError:
            raise BrokenPictureError(f"'{name}' is no JPEG, PNG or WebP") from None
        except BROKEN as error:
            raise BrokenPictureError(f"'{name}' cannot be used: {error}") from None
