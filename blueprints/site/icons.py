"""Paints the icons that are made of pixels in another colour than the stylesheet's blue.

They are white on blue, so that each pixel lies between the two, and it is known where it lies
between white and the other colour. `tests/render_images.py` renders them from the drawing.
"""

from pathlib import Path

from PIL import Image, ImageColor

WHITE = 255
COLOURS = 32  # as many as an icon needs for its smooth edges


def repaint(folder: Path, old: str, new: str) -> None:
    """Paint the icons of the folder in place."""
    pairs = zip(ImageColor.getrgb(old), ImageColor.getrgb(new), strict=True)
    values = [value for pair in pairs for value in _values(*pair)]
    for file in (*folder.glob("*icon*.png"), folder / "favicon.ico"):
        with Image.open(file) as image:
            sizes = image.info.get("sizes")  # of an ICO file, which has several
            picture = image.convert("RGBA").point([*values, *range(WHITE + 1)])
        if sizes:
            picture.save(file, sizes=sizes)
        else:
            picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)


def _values(old: int, new: int) -> list[int]:
    """Return what becomes of each value of a channel: old turns into new, and white stays."""
    step = (WHITE - new) / max(1, WHITE - old)
    return [min(WHITE, max(0, round(new + (value - old) * step))) for value in range(WHITE + 1)]
