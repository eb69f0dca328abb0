"""Writes a file of a command whole or not at all.

Whether it can be written is known before the log is read, which may take minutes. The text goes to
a file beside it, which takes its place when it is whole: whatever goes wrong, a file that was there
is still there as it was. A device or a pipe is written to as it is.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copymode

from blueprints.consent.commands import BadInputError


@contextmanager
def replacing(file: Path) -> Iterator[Callable[[str], None]]:
    """Hand over what writes this file, once it is sure that it can be written.

    Raises:
        BadInputError: it cannot be written, before the body or in it.

    """
    with _telling(file):
        is_device = file.exists() and not file.is_file()
        target = written = file if is_device else file.resolve()  # A link goes on pointing to it.
        if not is_device:
            if target.exists():
                target.open("a").close()  # It may be read only in a folder that is not.
            written = target.with_name(f".{os.getpid()}.part")
            written.touch(exist_ok=False)
            if target.exists():
                copymode(target, written)

    def write(text: str) -> None:
        with _telling(file):
            written.write_text(text, encoding="utf-8")
            if not is_device:
                written.replace(target)

    try:
        yield write
    finally:
        if not is_device:
            written.unlink(missing_ok=True)


@contextmanager
def _telling(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInputError(f"The report cannot be written to {file}: {error.strerror}.") from None
