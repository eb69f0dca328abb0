"""The picture beside a link to an article elsewhere: its title above the picture of the site.

1200 by 630 pixels is what link previews are made for (Open Graph). It is drawn when it is first
asked for and kept in memory; the font lies beside this file, and nothing is fetched.
The font is Newsreader, cut down to the Latin letters, under the SIL Open Font License.
"""

import io
from functools import lru_cache
from pathlib import Path
from threading import Lock

from PIL import Image, ImageDraw, ImageOps
from PIL.ImageFont import FreeTypeFont, truetype

FONT = Path(__file__).parent / "social/newsreader-600.woff2"
WIDTH, HEIGHT, MARGIN = 1200, 630, 56
HEIGHT_OF_PICTURE = 400
WHITE = "#fff"
NAME_SIZE = 30
TITLE_SIZES = range(64, 25, -2)  # the largest that fits is taken


_one_at_a_time = Lock()


def draw(title: str, site_name: str, colour: str, picture: Path) -> bytes:
    """Return it as a PNG file. Many who ask for it at once wait for one drawing."""
    with _one_at_a_time:
        return _drawn(title, site_name, colour, picture)


@lru_cache(maxsize=128)
def _drawn(title: str, site_name: str, colour: str, picture: Path) -> bytes:
    view = ImageOps.fit(Image.open(picture).convert("RGB"), (WIDTH, HEIGHT_OF_PICTURE))
    drawn = Image.new("RGB", (WIDTH, HEIGHT), colour)
    drawn.paste(view, (0, HEIGHT - view.height))
    pen = ImageDraw.Draw(drawn)
    pen.text((MARGIN, 26), site_name, fill=WHITE, font=truetype(FONT, NAME_SIZE))
    top, bottom = 26 + NAME_SIZE, HEIGHT - view.height
    words, font = _fitted(pen, title, WIDTH - 2 * MARGIN, bottom - top - 26)
    pen.multiline_text(
        (MARGIN, (top + bottom) / 2 + 6), words, fill=WHITE, font=font, anchor="lm", spacing=8
    )
    file = io.BytesIO()
    drawn.quantize(96, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def _fitted(
    pen: ImageDraw.ImageDraw, title: str, width: int, height: int
) -> tuple[str, FreeTypeFont]:
    """Return the title in lines, and its font; a title too long for the smallest size is cut."""
    for size in TITLE_SIZES:
        font = truetype(FONT, size)
        lines = _lines(title, font, width)
        box = pen.multiline_textbbox((0, 0), "\n".join(lines), font=font, spacing=8)
        if box[3] - box[1] <= height and box[2] <= width:
            return "\n".join(lines), font
    return "\n".join(lines[:4])[:240] + "…", font


def _lines(title: str, font: FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]
