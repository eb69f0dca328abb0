"""How a reader likes to read: text size, colours, and where they stopped.

With personalisation given they are kept in the cookie `preferences`. Without it they work for the
page view, as part of its address, and are forgotten with it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from blueprints.article.front_matter import SLUG

LOOKS = {"size": ("normal", "large", "larger"), "theme": ("auto", "light", "dark")}  # first: usual
ARTICLES_REMEMBERED = 5
BYTES_AT_MOST = 1024  # of the cookie: more than is ever written
PLACE = re.compile(r"[1-9][0-9]{0,2}")


@dataclass(frozen=True)
class Preferences:
    size: str = LOOKS["size"][0]
    theme: str = LOOKS["theme"][0]
    places: tuple[tuple[str, int], ...] = ()  # (slug, number of a block), the last one first

    @property
    def look(self) -> dict[str, str]:
        """What differs from the usual look, as query or classes."""
        look = {key: getattr(self, key) for key in LOOKS}
        return {key: value for key, value in look.items() if value != LOOKS[key][0]}

    def place_in(self, slug: str) -> int:
        """Return the block at which the reader stopped; 0 for the beginning."""
        return dict(self.places).get(slug, 0)

    def stopped_at(self, slug: str, place: int) -> "Preferences":
        others = tuple(item for item in self.places if item[0] != slug)
        return replace(self, places=((slug, place), *others)[:ARTICLES_REMEMBERED])

    def with_look(self, wanted: Mapping[str, str]) -> "Preferences":
        """Return them with this look; what is none of ours changes nothing."""
        look = {key: wanted[key] for key, ours in LOOKS.items() if wanted.get(key) in ours}
        return replace(self, **look)  # type: ignore[arg-type]  # none of them is `places`

    def write(self) -> str:
        """Write them as the value of the cookie."""
        places = [("at", f"{slug}:{place}") for slug, place in self.places]
        return urlencode([*self.look.items(), *places], safe=":")


USUAL = Preferences()


def read_preferences(value: str) -> Preferences:
    """Read the value of the cookie; what cannot be right in it is left out."""
    if not value:
        return USUAL
    pairs = parse_qsl(value) if len(value) <= BYTES_AT_MOST else []
    places = []
    for key, text in pairs:
        slug, _, number = text.partition(":")
        place = read_place(number)
        if key == "at" and place and SLUG.fullmatch(slug):
            places.append((slug, place))
    return Preferences(places=tuple(places[:ARTICLES_REMEMBERED])).with_look(dict(pairs))


def read_place(text: str) -> int | None:
    """Read the number of a block; None for what is none. Only so many digits are ever converted."""
    return int(text) if PLACE.fullmatch(text) else None
