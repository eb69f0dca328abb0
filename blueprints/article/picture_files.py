"""Makes the files of a picture: WebP in three widths, AVIF where it pays, and one for previews.

Only the pixels and their colours go into them. What a camera notes besides, such as the place, the
time and the owner, stays with the editor.
"""

import shutil
import struct
import warnings
from pathlib import Path
from tempfile import mkdtemp

from PIL import Image, ImageOps, UnidentifiedImageError

from blueprints.article.pictures import Made

__all__ = ["BROKEN", "UnidentifiedImageError", "make"]

WIDTHS = (480, 960, 1920)
SOCIAL = "social.jpeg"  # for link previews
SOCIAL_SIZE = (1200, 630)  # what these are made for (Open Graph)
PIXELS_AT_MOST = 50_000_000  # 150 MB in memory
FORMATS = ("JPEG", "PNG", "WEBP")
QUALITIES = {"webp": {"quality": 80, "method": 4}, "avif": {"quality": 60, "speed": 8}}
WORTH_IT = 0.85  # AVIF has at most so much of the bytes of WebP, else it is not kept
# What the library raises for a file that is cut off, is another's, or would fill the memory.
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def make(file: Path, folder: Path) -> Made:
    """Make the files in the folder, unless it is there; several processes may try at once.

    Raises:
        One of BROKEN: the file is no picture, or it has too many pixels, or there is no room.

    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=FORMATS) as opened:
            if opened.width * opened.height > PIXELS_AT_MOST:
                raise ValueError(f"it has more than {PIXELS_AT_MOST // 1_000_000} million pixels")
            turned = opened.getexif().get(0x0112, 1) > 4  # noqa: PLR2004 - EXIF: lies on its side
            size = (opened.height, opened.width) if turned else opened.size
            widths = (*(width for width in WIDTHS if width < size[0]), min(size[0], WIDTHS[-1]))
            widths = tuple(dict.fromkeys(widths))
            if not folder.exists():
                _make(opened, widths, folder)
    return Made(folder.name, *size, widths, has_avif=(folder / f"{widths[0]}.avif").exists())


def _make(opened: Image.Image, widths: tuple[int, ...], folder: Path) -> None:
    profile = opened.info.get("icc_profile") if opened.mode.startswith("RGB") else None
    image = _on_white(ImageOps.exif_transpose(opened))
    folder.parent.mkdir(parents=True, exist_ok=True)
    mine = Path(mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        for width in widths:
            height = max(1, round(image.height * width / image.width))
            small = image.resize((width, height), Image.Resampling.LANCZOS)
            for kind, options in QUALITIES.items():
                small.save(mine / f"{width}.{kind}", icc_profile=profile, **options)  # type: ignore[arg-type]
        _drop_what_does_not_pay(mine)
        social = ImageOps.fit(image, SOCIAL_SIZE, Image.Resampling.LANCZOS)
        social.save(mine / SOCIAL, quality=85, icc_profile=profile)
        mine.rename(folder)
    except OSError:
        if not folder.exists():  # Another process may have been first.
            raise
    finally:
        shutil.rmtree(mine, ignore_errors=True)


def _drop_what_does_not_pay(folder: Path) -> None:
    sizes = {
        kind: sum(file.stat().st_size for file in folder.glob(f"*.{kind}")) for kind in QUALITIES
    }
    if sizes["avif"] > WORTH_IT * sizes["webp"]:
        for file in folder.glob("*.avif"):
            file.unlink()


def _on_white(image: Image.Image) -> Image.Image:
    """Return it as on paper: the black lines of a clear drawing would vanish at night."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground.convert("RGB")
