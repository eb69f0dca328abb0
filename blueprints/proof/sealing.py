"""Seals by itself: after so many records, or so many minutes after the first open one.

It looks only when a choice was recorded, in a thread of its own and on a connection of its own, so
that no visitor waits for it and a failure costs nobody their choice. How many records are open is
counted in memory; the database is asked once after the start, and then only when a seal is due.
"""

import logging
from datetime import UTC, datetime, timedelta
from threading import Lock, Thread

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from blueprints.proof.seals import count_open, seal_open_records

logger = logging.getLogger(__name__)


class Sealing:
    """What this process knows about the open records, and the thread that seals them."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = Lock()
        self._thread: Thread | None = None
        self._looked = False
        self._open = 0
        self._oldest: datetime | None = None  # when the first open record was decided

    def count(self, _app: Flask) -> None:
        """Count the record that was just written, and start sealing where that is due."""
        now = datetime.now(UTC)
        with self._lock:
            self._open += 1
            self._oldest = min(self._oldest or now, now)  # The clock may have been set back.
            if self._is_running() or not (self._is_due(now) or not self._looked):
                return
            self._thread = Thread(target=self._look, name="sealing")
            self._thread.start()

    def _is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _is_due(self, now: datetime) -> bool:
        config = self._app.config
        age = timedelta(minutes=config["CONSENT_SEAL_MINUTES"])
        return self._open >= config["CONSENT_SEAL_RECORDS"] or (
            self._oldest is not None and now - self._oldest >= age
        )

    def _look(self) -> None:
        try:
            with self._app.app_context():
                self._remember()
                while self._is_due(datetime.now(UTC)) and seal_open_records(
                    datetime.now(UTC), current_app.config["CONSENT_SEAL_BATCH"]
                ):
                    self._remember()
        except SQLAlchemyError as error:
            logger.error("The log could not be sealed: %s", type(error).__name__)

    def _remember(self) -> None:
        number, oldest = count_open(datetime.now(UTC), self._app.config["CONSENT_SEAL_RECORDS"])
        with self._lock:
            self._open, self._oldest, self._looked = number, oldest, True

    def wait(self) -> None:
        """Wait until the thread, if there is one, has done its work."""
        with self._lock:
            thread = self._thread
        if thread:
            thread.join()
