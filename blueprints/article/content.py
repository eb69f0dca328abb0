"""Articles: Markdown files with front matter, read and rendered once.

Two files of the same name, one in `texts/en` and one in `texts/pt`, are one article in two
languages. `Library` is all of them; a file that cannot be right stops the start.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from blueprints.article import front_matter
from blueprints.article.broken import BrokenArticleError, BrokenPartError, control_character
from blueprints.article.headings import Heading
from blueprints.article.markdown import Embed, Part, render, typeset
from blueprints.article.pictures import FOLDER, Picture, Pictures

# Of the front page, and what stands before the slug of an article.
ADDRESSES = {"en": ("/", "/articles/"), "pt": ("/pt/", "/pt/artigos/")}

PARTS_WORTH_A_TABLE = 3
WORDS_WORTH_A_TABLE = 1200

KnowsEmbed = Callable[[str], bool]  # whether the registry declares a service to embed


@dataclass(frozen=True)
class Article:
    name: str  # of the file: the same in each language
    language: str
    slug: str
    title: str
    date: dt.date
    updated: dt.date | None
    summary: str
    standfirst: str
    author: str | None
    topics: tuple[str, ...]
    is_draft: bool
    picture: Picture | None
    body: tuple[Part, ...]  # HTML, and what stands between
    words: int
    contents: tuple[Heading, ...]  # of a long article

    @property
    def embeds(self) -> tuple[Embed, ...]:
        return tuple(part for part in self.body if isinstance(part, Embed))

    @property
    def changed(self) -> dt.date:
        return self.updated or self.date

    def is_public(self, today: dt.date) -> bool:
        return not self.is_draft and self.date <= today


@dataclass(frozen=True)
class Neighbours:
    newer: Article | None
    older: Article | None


@dataclass(frozen=True)
class Library:
    articles: tuple[Article, ...]  # newest first

    def public(self, today: dt.date) -> "Library":
        """Return it without drafts and without what has a date to come."""
        return Library(tuple(item for item in self.articles if item.is_public(today)))

    def in_language(self, language: str) -> tuple[Article, ...]:
        return tuple(item for item in self.articles if item.language == language)

    def find(self, language: str, slug: str) -> Article | None:
        return self.at(ADDRESSES[language][1] + slug)

    def at(self, path: str) -> Article | None:
        """Return the article that a page shows whole."""
        return self._by_path.get(path)

    def translations(self, article: Article) -> dict[str, Article]:
        """Return the article in each language in which it exists."""
        return {other.language: other for other in self.articles if other.name == article.name}

    def neighbours(self, article: Article) -> Neighbours:
        """Return what was written next after the article, and next before it."""
        same = (None, *self.in_language(article.language), None)
        place = same.index(article)
        return Neighbours(newer=same[place - 1], older=same[place + 1])

    @cached_property
    def _by_path(self) -> Mapping[str, Article]:
        found: dict[str, Article] = {}
        for language, (front_page, folder) in ADDRESSES.items():
            for item in self.in_language(language):
                found.setdefault(front_page, item)
                found[folder + item.slug] = item
        return found


def texts_of(folder: Path) -> list[Path]:
    """Return the files of articles; a hidden one is an editor's own, such as Emacs' `.#name.md`."""
    return sorted(file for file in folder.glob("*/*.md") if not file.name.startswith("."))


def read_library(
    folder: Path, made: Path | None = None, knows_embed: KnowsEmbed = lambda _service: True
) -> Library:
    """Read `folder/<language>/*.md`, and make the pictures in the folder `made`.

    One BrokenArticleError tells all that is wrong in all of the files.
    """
    articles: dict[tuple[str, str], Article] = {}
    problems: list[str] = []
    pictures = Pictures(folder / FOLDER, made or folder / FOLDER / ".made")
    for file in texts_of(folder):
        label = f"{file.parent.name}/{file.name}"
        try:
            article = read_article(file, pictures, knows_embed)
        except BrokenPartError as error:
            problems += [f"{label}: {problem}" for problem in error.args]
            continue
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{label}: the file cannot be read: {error}")
            continue
        key = (article.language, article.slug)
        if key in articles:
            problems.append(f"{label}: slug '{article.slug}' is taken by {articles[key].name}.md")
        articles[key] = article
    if problems:
        raise BrokenArticleError(*problems)
    newest_first = sorted(articles.values(), key=lambda item: (item.date, item.name), reverse=True)
    return Library(tuple(newest_first))


def read_article(file: Path, pictures: Pictures, knows_embed: KnowsEmbed) -> Article:
    """Read `<language>/<name>.md`, or raise BrokenPartError with all that is wrong in it."""
    language = file.parent.name
    if language not in ADDRESSES:
        known = " and ".join(ADDRESSES)
        raise BrokenPartError(f"'{language}' is no language of the site, which has {known}")
    text = file.read_text(encoding="utf-8-sig")
    fields, content = front_matter.split(text)
    first_line = text[: text.rindex(content)].count("\n") + 1
    rendered = render(content, language, pictures, first_line)
    problems = [
        *(
            f"line {number} has the control character {found}"
            for number, line in enumerate(text.split("\n"), start=1)
            if (found := control_character(line))
        ),
        *front_matter.problems(fields, file.stem),
        *rendered.problems,
        *_broken_embeds(rendered.parts, knows_embed),
    ]
    picture = None
    try:
        picture = _picture(fields, language, pictures)
    except BrokenPartError as error:
        problems.append(f"image: {error}")
    if not content.strip():
        problems.append("text is missing")
    if problems:
        raise BrokenPartError(*problems)
    fields = front_matter.filled(fields)
    words, parts = len(content.split()), len(rendered.headings)
    has_contents = words > WORDS_WORTH_A_TABLE and parts >= PARTS_WORTH_A_TABLE
    return Article(
        name=file.stem,
        language=language,
        slug=fields.get("slug", file.stem),
        title=typeset(fields["title"], language),
        date=fields["date"],
        updated=fields.get("updated"),
        summary=typeset(fields["summary"], language),
        standfirst=typeset(fields.get("standfirst") or fields["summary"], language),
        author=fields.get("author"),
        topics=tuple(fields.get("topics", [])),
        is_draft=fields.get("draft", False),
        picture=picture,
        body=rendered.parts,
        words=words,
        contents=rendered.headings if has_contents else (),
    )


def _picture(fields: Mapping[str, Any], language: str, pictures: Pictures) -> Picture | None:
    words = {
        key: typeset(str(fields[key]), language) if fields.get(key) else None
        for key in ("image_alt", "caption", "credit")
    }
    if not fields.get("image") or not words["image_alt"]:
        return None
    made = pictures.make(str(fields["image"]))
    return Picture(made, words["image_alt"], words["caption"], words["credit"])


def _broken_embeds(parts: Iterable[Part], knows_embed: KnowsEmbed) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Embed) and not part.title.strip():
            name = f"{part.service}/{part.id}"
            yield f"line {part.line}: the embed '{name}' needs its title in its brackets"
        if isinstance(part, Embed) and not knows_embed(part.service):
            yield f"line {part.line}: the registry has no embed '{part.service}'"
