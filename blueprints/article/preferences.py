"""How a reader likes to read: text size, colours, and where they stopped.

With personalisation given they are kept in the cookie `preferences`. Without it they work for the
page view, as part of its address, and are forgotten with it.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from blueprints.article.front_matter import SLUG

SIZES = ("normal", "large", "larger")
THEMES = ("auto", "light", "dark")
ARTICLES_REMEMBERED = 5
BYTES_AT_MOST = 1024  # of the cookie: more than is ever written
PLACE = re.compile(r"[1-9][0-9]{0,2}")


@dataclass(frozen=True)
class Preferences:
    size: str = SIZES[0]
    theme: str = THEMES[0]
    places: tuple[tuple[str, int], ...] = ()  # (slug, number of a block), the last one first

    @property
    def look(self) -> dict[str, str]:
        """What differs from the usual look, as query or classes."""
        look = {"size": self.size, "theme": self.theme}
        return {key: value for key, value in look.items() if value != getattr(USUAL, key)}

    def place_in(self, slug: str) -> int:
        """Return the block at which the reader stopped; 0 for the beginning."""
        return dict(self.places).get(slug, 0)

    def stopped_at(self, slug: str, place: int) -> "Preferences":
        others = tuple(item for item in self.places if item[0] != slug)
        return replace(self, places=((slug, place), *others)[:ARTICLES_REMEMBERED])

    def with_look(self, size: str | None, theme: str | None) -> "Preferences":
        """Return them with this look; what is none of ours changes nothing."""
        return replace(
            self,
            size=size if size in SIZES else self.size,
            theme=theme if theme in THEMES else self.theme,
        )

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
    look = dict(pairs)
    places = []
    for key, text in pairs:
        slug, _, number = text.partition(":")
        place = read_place(number)
        if key == "at" and place and SLUG.fullmatch(slug):
            places.append((slug, place))
    kept = Preferences(places=tuple(places[:ARTICLES_REMEMBERED]))
    return kept.with_look(look.get("size"), look.get("theme"))


def read_place(text: str) -> int | None:
    """Read the number of a block; None for what is none. Only so many digits are ever converted."""
    return int(text) if PLACE.fullmatch(text) else None
