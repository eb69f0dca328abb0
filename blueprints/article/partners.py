"""The partner message under an article.

Without consent it is chosen by the article's own topics, and nothing about the reader. With
advertising given it is chosen by the topics that the reader has opened here, the latest first, kept
in the cookie `interests`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueprints.article.broken import BrokenTableError, control_character, read_table

TOPIC = re.compile(r"[a-z0-9-]{1,40}")
TOPICS_REMEMBERED = 12
KEYS = {"title", "text", "address", "topics"}


@dataclass(frozen=True, eq=False)
class Message:
    title: Mapping[str, str]  # language -> words
    text: Mapping[str, str]
    address: str  # https
    topics: frozenset[str]


def read_messages(file: Path) -> tuple[Message, ...]:
    """Read the file, or raise BrokenTableError, which names the message and the key."""
    content = read_table(file)
    if unknown := sorted(content.keys() - {"messages"}):
        raise BrokenTableError(f"it has the unknown key {unknown[0]!r} beside [[messages]]")
    tables = content.get("messages", [])
    if not isinstance(tables, list):
        raise BrokenTableError("messages is no list of tables")
    return tuple(_message(number, table) for number, table in enumerate(tables, start=1))


def _message(number: int, table: Any) -> Message:  # noqa: ANN401 - from a file, any shape
    if not isinstance(table, dict) or set(table) != KEYS:
        raise BrokenTableError(f"message {number} needs exactly {', '.join(sorted(KEYS))}")
    for key in ("title", "text"):
        words = table[key]
        if not (
            isinstance(words, dict) and set(words) == {"en", "pt"} and _are_texts(words.values())
        ):
            raise BrokenTableError(f"message {number}: {key} needs words in en and pt")
        if control_character("".join(words.values())):
            raise BrokenTableError(f"message {number}: {key} has a control character")
    if not str(table["address"]).startswith("https://"):
        raise BrokenTableError(f"message {number}: address does not begin with https://")
    topics = table["topics"]
    if not isinstance(topics, list) or not _are_texts(topics):
        raise BrokenTableError(f"message {number}: topics is not a list of words")
    return Message(table["title"], table["text"], table["address"], frozenset(topics))


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def choose(messages: Sequence[Message], topics: Sequence[str]) -> Message | None:
    """Return the message that fits the topics best: the first topic weighs most."""
    weights = {topic: len(topics) - position for position, topic in enumerate(topics)}

    def fit(message: Message) -> int:
        return sum(weights.get(topic, 0) for topic in message.topics)

    best = max(messages, key=fit, default=None)
    return best if best and fit(best) else None


def read_interests(value: str) -> tuple[str, ...]:
    """Read the cookie: topics, the latest first; what cannot be one is left out."""
    return add_interests((), value.split("."))


def add_interests(interests: Sequence[str], topics: Sequence[str]) -> tuple[str, ...]:
    """Put the topics before the interests; one that could not be read again is left out."""
    both = dict.fromkeys([*topics, *interests])
    return tuple(topic for topic in both if TOPIC.fullmatch(topic))[:TOPICS_REMEMBERED]
