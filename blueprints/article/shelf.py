"""The articles as readers may see them now.

Drafts, and what has a date to come, are nowhere on the site until the day begins in Lisbon. Whoever
writes sees them with `FLASK_DRAFTS=1`, marked, where nobody else is served.

The folder of texts is looked at once a second at most, by the request that happens to come then,
before it is answered: a site that nobody has visited for an hour has nothing old to say. Where a
file has changed, all are read again. Whoever looked waits for that, though not for long; others are
answered from what was read before. A text that is broken is told in the log, once, and what was
read before stays.
"""

import time
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from logging import Logger
from pathlib import Path
from threading import Lock, Thread

from babel.dates import get_timezone

from blueprints.article.broken import BrokenArticleError
from blueprints.article.content import Library, texts_of
from blueprints.article.pictures import FOLDER

LISBON = get_timezone("Europe/Lisbon")
SECONDS_BETWEEN_LOOKS = 1
SECONDS_TO_WAIT = 1  # for the reading: a folder of new pictures takes longer

Files = tuple[tuple[str, int, int], ...]  # path, time of the last change, size


def today() -> date:
    return _day_of(time.time() // 60)


@lru_cache(1)  # Every page asks for it, and its time zone takes longer than its session.
def _day_of(minute: float) -> date:
    return datetime.fromtimestamp(60 * minute, LISBON).date()


def files_of(folder: Path) -> Files:
    """Return what tells whether a text or a picture has changed."""
    found = (*texts_of(folder), *sorted(folder.glob(f"{FOLDER}/*")))
    stats = ((file, file.stat()) for file in found if file.exists())  # else whoever reads it tells
    return tuple((str(file), stat.st_mtime_ns, stat.st_size) for file, stat in stats)


class Shelf:
    def __init__(
        self, folder: Path, read: Callable[[], Library], log: Logger, *, shows_drafts: bool
    ) -> None:
        self._folder = folder
        self._read = read
        self._log = log
        self._shows_drafts = shows_drafts
        self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
        self._files = files_of(folder)
        self._times_read = 1
        self.every = read()
        self._shown = ((date.min, 0), self.every)  # of that version, these
        self._lock = Lock()

    def library(self) -> Library:
        """Return what may be seen today."""
        version = self.version()
        of_version, shown = self._shown
        if of_version != version:
            shown = self.every if self._shows_drafts else self.every.public(version[0])
            self._shown = version, shown
        return shown

    def version(self) -> tuple[date, int]:
        """Return what a page is made of here: another one when a text or the day has changed."""
        self._look_if_it_is_time()
        return today(), self._times_read

    def _look_if_it_is_time(self) -> None:
        if time.monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
            look = Thread(target=self._look, daemon=True)
            look.start()
            look.join(SECONDS_TO_WAIT)

    def _look(self) -> None:
        try:
            files = files_of(self._folder)
            if files and files != self._files:
                self._files = files
                self.every = self._read()
                self._times_read += 1
        except BrokenArticleError as error:
            self._log.error("What was read before stays, because of %s", error)
        except OSError as error:  # A file went away between two looks: the next one will tell.
            self._log.warning("The articles cannot be looked at: %s", error.strerror)
        finally:
            self._lock.release()
