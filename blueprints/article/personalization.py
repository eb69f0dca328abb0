"""What an article's page shows of its reader: all of it, so that one is made for each state.

The reader is `g.consent` where a page is made, and whoever is known by their cookies where a page
that was made is sent.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from blueprints.article import partners
from blueprints.article.content import Article
from blueprints.article.partners import Message
from blueprints.article.preferences import read_preferences

WORDS_OF_A_LONG_ARTICLE = 400


class Reader(Protocol):
    @property
    def state(self) -> Hashable | None: ...
    def allows(self, purpose: str) -> bool: ...
    def kept(self, name: str) -> str: ...


@dataclass(frozen=True)
class Seen:
    """What one reader sees of an article, and what is noted of it where that is accepted."""

    state: Hashable | None  # the same for all who get the same answer; None for one's own
    message: Message | None  # of a partner
    by_interests: bool  # why it is this one
    place: int  # the block at which the reader stopped
    interests_to_keep: str  # empty where what is kept stays as it is


def for_reader(reader: Reader, shown: Article, messages: tuple[Message, ...]) -> Seen:
    wanted = read_preferences(reader.kept("preferences"))
    place = wanted.place_in(shown.slug) if is_long(shown) else 0
    told = reader.kept("interests")
    interests = partners.read_interests(told) if told else ()
    message, now = _of_interests(interests, shown.topics, messages)
    to_keep = now if shown.topics and reader.allows("advertising") and now != told else ""
    of_the_message = message and (message, bool(interests))  # Two may have one address.
    looks = wanted.size, wanted.theme, place
    state = reader.state and (reader.state, looks, of_the_message, to_keep)
    return Seen(state, message, bool(interests), place, to_keep)


@lru_cache(1024)  # They are those of many; each is some hundred bytes at most.
def _of_interests(
    interests: tuple[str, ...], topics: tuple[str, ...], messages: tuple[Message, ...]
) -> tuple[Message | None, str]:
    """Return what such a reader sees beside an article, and what they are interested in then."""
    now = ".".join(partners.add_interests(interests, topics))
    return partners.choose(messages, interests or topics), now


def is_long(shown: Article) -> bool:
    return shown.words >= WORDS_OF_A_LONG_ARTICLE
