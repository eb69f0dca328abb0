"""The site's own log: one line an event, with its time, and of nobody."""

import logging
import re
import sys

import pytest

from blueprints.serving.log import OneLine

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ [^\n]+")


def written(message: str, *values: object, failed: bool = False) -> str:
    trouble = sys.exc_info() if failed else None
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, message, values, trouble)
    return OneLine().format(record)


def test_an_event_is_one_line_with_its_time() -> None:
    line = written("The %s cannot be reached.", "store")
    assert LINE.fullmatch(line)
    assert line.endswith(" ERROR The store cannot be reached.")


def test_of_an_exception_only_its_kind_and_place_are_told() -> None:
    with pytest.raises(ValueError, match="subject") as caught:
        raise ValueError("INSERT failed: subject 4f1d, given\nDETAIL: ...")
    try:
        raise caught.value
    except ValueError:
        line = written("A choice could not be recorded.", failed=True)
    assert LINE.fullmatch(line)
    assert "ValueError at test_log.py:" in line
    assert "4f1d" not in line
    assert "given" not in line


@pytest.mark.parametrize("end", ["\n", "\r", "\x1b[2K", "\x85", "\u2028"])
def test_what_a_visitor_sends_cannot_begin_a_second_line(end: str) -> None:
    line = written("Exception on %s", f"/a{end}2026-01-01T00:00:00Z ERROR forged")
    assert LINE.fullmatch(line)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
