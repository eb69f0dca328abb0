"""Reads `site.toml`, or says in one sentence what is wrong with it.

The colours are the tokens of the stylesheet; `[colours]` has those that are to be others.
"""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec

# A colour of the stylesheet, by day and by night.
TOKEN = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)")
BESIDE = "img"  # the folder beside the file with what stands in the place of static/img

# No text has control characters, nor what Unicode keeps for none.
Line = Annotated[
    str,
    msgspec.Meta(pattern="^[ -~\xa0-\u2027\u202a-\ufdcf\ufdf0-\ufffd\U00010000-\U0001fffd]+\\Z"),
]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*\Z")]
Pixels = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Code = Annotated[str, msgspec.Meta(pattern=r"^#([0-9a-f]{3}){1,2}\Z")]
PATTERN = re.compile(r"`str` matching regex '.*'", re.DOTALL)  # as a message shows one of these


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: each key has its kind, and every other one is refused."""


class Words(Part, frozen=True):
    en: Line
    pt: Line


class Colour(Part, frozen=True):
    light: Code
    dark: Code


class Picture(Part, frozen=True):
    file: FileName
    at_night: FileName
    preview: FileName
    width: Pixels
    height: Pixels
    alt: Words
    caption: Words
    name: Line = ""


class Accessibility(Part, frozen=True):
    published: date
    assessed: date


class Site(Part, frozen=True):
    name: Line
    accessibility: Accessibility
    picture: Picture
    colours: Mapping[str, Colour] = {}


class BrokenSiteError(ValueError):
    """The file cannot be used; the message is one sentence."""


def read_site(file: Path, static: Path) -> Site:
    """Read the file, or raise BrokenSiteError; the stylesheet has the colours that it leaves."""
    tokens = colours_of((static / "css/site.css").read_text("utf-8"))
    try:
        site = msgspec.toml.decode(file.read_text(encoding="utf-8-sig"), type=Site)
    except OSError as error:
        raise BrokenSiteError(f"it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # no TOML, a number without end, a wrong kind
        raise BrokenSiteError(PATTERN.sub("another text", str(error))) from None
    if unknown := sorted(site.colours.keys() - tokens):
        raise BrokenSiteError(f"site.css has no colour {unknown[0]!r}")
    for name in (site.picture.file, site.picture.at_night, site.picture.preview):
        if not any((folder / name).is_file() for folder in (file.parent / BESIDE, static / "img")):
            raise BrokenSiteError(f"{BESIDE}/ beside it has no file {name}")
    return msgspec.structs.replace(site, colours={**tokens, **site.colours})


def colours_of(stylesheet: str) -> dict[str, Colour]:
    return {name: Colour(light, dark) for name, light, dark in TOKEN.findall(stylesheet)}
