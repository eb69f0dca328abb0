"""What stands before a text: its title, its dates and what else is said of it.

It is YAML, in which words with a colon need quotation marks, and in which a number, `yes` or a time
of the day is no text: what an editor most likely meant is part of the sentence.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import yaml

from blueprints.article.broken import BrokenPartError, control_character

REQUIRED = ("title", "date", "summary")
OF_THE_IMAGE = ("image_alt", "caption", "credit")
TEXTS = ("title", "summary", "standfirst", "author", "image", *OF_THE_IMAGE)
DAYS = ("date", "updated")
KEYS = {*REQUIRED, *TEXTS, *DAYS, "slug", "topics", "draft"}
# Bounded, because a reader's cookie names the articles in which they stopped.
SLUG = re.compile(r"(?=.{1,100}$)[a-z0-9]+(-[a-z0-9]+)*")
BOUNDARY = re.compile(r"^---+[ \t]*$", re.MULTILINE)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is twenty times as fast
KEY = re.compile(r"^([\w-]+):", re.MULTILINE)
COLON = "mapping values are not allowed"  # as the YAML library calls it


def split(text: str) -> tuple[dict[str, Any], str]:
    """Return the fields of a file and its text, or raise BrokenPartError where they are no YAML."""
    text = text.strip()
    if not BOUNDARY.match(text):
        return {}, text
    try:
        _nothing, head, content = BOUNDARY.split(text, maxsplit=2)
    except ValueError:
        raise BrokenPartError("the line --- after the front matter is missing") from None
    try:
        fields = LOADER(head).get_single_data()
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise BrokenPartError(_why_unreadable(error)) from None
    keys = KEY.findall(head)
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise BrokenPartError(f"{twice} is given twice")
    return fields if isinstance(fields, dict) else {}, content.strip()


def _why_unreadable(error: Exception) -> str:
    told = " ".join(str(error).split())
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        if str(error.problem).startswith(COLON):
            return f"line {line} has words with a colon; put them in quotation marks"
        told = (
            f"line {line}: {error.problem}; words that begin with a sign, or have quotation marks "
            "among them, need quotation marks around all of them"
        )
    elif isinstance(error, ValueError):
        told += "; a day is written YYYY-MM-DD, and stands in the calendar"
    return f"front matter cannot be read: {told}"


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields without those that are left empty."""
    return {key: value for key, value in fields.items() if value not in (None, "")}


def problems(fields: Mapping[str, Any], name: str) -> Iterator[str]:
    """Tell all that is wrong with the fields of the file of that name."""
    for key in fields:
        if key not in KEYS:
            yield f"unknown key '{key}'"
    given = filled(fields)
    for key in REQUIRED:
        if key not in given:
            yield f"{key} is missing"
    for key in TEXTS:
        if isinstance(given.get(key), list | dict):
            yield f"{key} is not a text but a list; write one line of words"
        elif not isinstance(given.get(key, ""), str):
            yield f"{key} is not a text; put it in quotation marks"
    for key in DAYS:
        if type(given.get(key, date.max)) is not date:  # nor a datetime
            yield f"{key} is not a day written YYYY-MM-DD"
    yield from _problems_of_few_values(given, name)
    yield from _control_characters(given)


def _problems_of_few_values(fields: Mapping[str, Any], name: str) -> Iterator[str]:
    day, updated = fields.get("date"), fields.get("updated")
    if isinstance(day, date) and isinstance(updated, date) and str(updated) < str(day):
        yield "updated is before date"
    if "image" in fields and "image_alt" not in fields:
        yield "image_alt is missing: words that say what the image shows"
    for key in OF_THE_IMAGE:
        if key in fields and "image" not in fields:
            yield f"{key} is said of no image"
    slug = fields.get("slug", name)
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        what = "slug is" if "slug" in fields else "there is no slug, and the name of the file is"
        yield f"{what} not lower-case words with hyphens between, 100 letters at most"
    topics = fields.get("topics", [])
    if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
        yield "topics is not a list of words"
    if not isinstance(fields.get("draft", False), bool):
        yield "draft is not true or false"


def _control_characters(fields: Mapping[str, Any]) -> Iterator[str]:
    for key in (*TEXTS, "topics"):  # YAML can also write one as "\x07".
        value = fields.get(key, "")
        words = value if isinstance(value, list) else [value]
        if found := control_character("".join(map(str, words))):
            yield f"{key} has the control character {found}"
