"""What the topics of articles are called. One without a name in `topics.toml` is shown as it is."""

from collections.abc import Mapping
from pathlib import Path

from blueprints.article.broken import BrokenTableError, control_character, read_table

Names = Mapping[str, Mapping[str, str]]  # topic -> language -> words


def read_names(file: Path) -> Names:
    """Read the file, or raise BrokenTableError, which names the topic."""
    names: Names = read_table(file)
    for topic, words in names.items():
        if not isinstance(words, dict) or set(words) != {"en", "pt"}:
            raise BrokenTableError(f"{topic} needs words in en and pt")
        for each in words.values():
            if not isinstance(each, str) or control_character(each):
                raise BrokenTableError(f"{topic} has something else than words")
    return names


def name_of(topic: str, names: Names, language: str) -> str:
    words = names.get(topic, {}).get(language)
    return words or topic.replace("-", " ").capitalize()
