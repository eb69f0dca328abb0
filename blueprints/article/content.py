"""Articles: Markdown files with front matter, read and rendered once at start.

Two files of the same name, one in `texts/en` and one in `texts/pt`, are one article in two
languages. `Library` is all of them; a file that cannot be right stops the start.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import frontmatter
import yaml

from blueprints.article.headings import Heading, table_of_contents
from blueprints.article.markdown import Embed, render

KEYS = {"title": True, "date": True, "summary": True, "slug": False, "topics": False}  # -> required
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class BrokenArticleError(ValueError):
    """An article file is wrong; the message is one sentence that names the file and the field."""


@dataclass(frozen=True)
class Article:
    name: str  # of the file: the same in each language
    language: str
    slug: str
    title: str
    date: date
    summary: str
    topics: tuple[str, ...]
    body: tuple[str | Embed, ...]  # HTML, and what is embedded between
    words: int
    contents: tuple[Heading, ...]  # of a long article

    @property
    def html(self) -> str:
        """The body without what is embedded, for a feed."""
        return "".join(part for part in self.body if isinstance(part, str))


@dataclass(frozen=True)
class Neighbours:
    newer: Article | None
    older: Article | None


@dataclass(frozen=True)
class Library:
    articles: tuple[Article, ...]  # newest first

    def in_language(self, language: str) -> tuple[Article, ...]:
        return self._by_language.get(language, ())

    def find(self, language: str, slug: str) -> Article | None:
        return self._by_slug.get((language, slug))

    def translations(self, article: Article) -> dict[str, Article]:
        """Return the article in each language in which it exists."""
        return {other.language: other for other in self.articles if other.name == article.name}

    def neighbours(self, article: Article) -> Neighbours:
        """Return what was written next after the article, and next before it."""
        same = (None, *self.in_language(article.language), None)
        place = same.index(article)
        return Neighbours(newer=same[place - 1], older=same[place + 1])

    @cached_property
    def _by_language(self) -> Mapping[str, tuple[Article, ...]]:
        languages = {article.language for article in self.articles}
        return {
            language: tuple(item for item in self.articles if item.language == language)
            for language in languages
        }

    @cached_property
    def _by_slug(self) -> Mapping[tuple[str, str], Article]:
        return {(article.language, article.slug): article for article in self.articles}


def read_library(folder: Path) -> Library:
    """Read `folder/<language>/*.md`.

    Raises:
        BrokenArticleError: a file has no title, a bad date, an unknown key, or a slug twice.

    """
    articles: dict[tuple[str, str], Article] = {}
    for file in sorted(folder.glob("*/*.md")):
        article = read_article(file)
        key = (article.language, article.slug)
        if key in articles:
            raise BrokenArticleError(
                f"{_label(file)}: slug '{article.slug}' is taken by {articles[key].name}.md"
            )
        articles[key] = article
    newest_first = sorted(articles.values(), key=lambda item: (item.date, item.name), reverse=True)
    return Library(tuple(newest_first))


def read_article(file: Path) -> Article:
    """Read one file, `<language>/<name>.md`.

    Raises:
        BrokenArticleError: naming the file and the field.

    """
    label = _label(file)
    try:
        post = frontmatter.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise BrokenArticleError(f"{label}: front matter cannot be read: {reason}") from None
    fields = _checked(post.metadata, label)
    if not post.content.strip():
        raise BrokenArticleError(f"{label}: text is missing")
    body, headings = render(post.content)
    words = len(post.content.split())
    return Article(
        name=file.stem,
        language=file.parent.name,
        slug=_slug(fields.get("slug", file.stem), label),
        title=fields["title"],
        date=fields["date"],
        summary=fields["summary"],
        topics=tuple(fields.get("topics", [])),
        body=body,
        words=words,
        contents=table_of_contents(headings, words),
    )


def _checked(fields: dict[str, Any], label: str) -> dict[str, Any]:
    for key in fields:
        if key not in KEYS:
            raise BrokenArticleError(f"{label}: unknown key '{key}'")
    for key, required in KEYS.items():
        if required and fields.get(key) in {None, ""}:
            raise BrokenArticleError(f"{label}: {key} is missing")
    for key in ("title", "summary"):
        if not isinstance(fields[key], str):
            raise BrokenArticleError(f"{label}: {key} is not a text")
    day = fields["date"]
    if not isinstance(day, date) or isinstance(day, datetime):
        raise BrokenArticleError(f"{label}: date is not a day written YYYY-MM-DD")
    topics = fields.get("topics", [])
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        raise BrokenArticleError(f"{label}: topics is not a list of words")
    return fields


def _slug(slug: object, label: str) -> str:
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        raise BrokenArticleError(f"{label}: slug is not lower-case words with hyphens between")
    return slug


def _label(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"
