"""What the topics of articles are called. One without a name in `topics.toml` is shown as it is."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from blueprints.article.broken import control_character

Names = Mapping[str, Mapping[str, str]]  # topic -> language -> words


class BrokenTopicsError(ValueError):
    """The file of topics is wrong; the message is one sentence."""


def read_names(file: Path) -> Names:
    """Read the file of names.

    Raises:
        BrokenTopicsError: naming the topic.

    """
    try:
        names: Names = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # no TOML, or a number without end
        raise BrokenTopicsError(f"it cannot be read: {error}") from None
    for topic, words in names.items():
        if not isinstance(words, dict) or set(words) != {"en", "pt"}:
            raise BrokenTopicsError(f"{topic} needs words in en and pt")
        for each in words.values():
            if not isinstance(each, str) or control_character(each):
                raise BrokenTopicsError(f"{topic} has something else than words")
    return names


def name_of(topic: str, names: Names, language: str) -> str:
    words = names.get(topic, {}).get(language)
    return words or topic.replace("-", " ").capitalize()
