"""A store that failed is left alone for a moment, so that what is down holds up nobody.

The first failure begins a pause, in which nobody asks the store: whoever wants it is told at once.
When the pause is over one request asks, for all: the others are told at once until it is answered.
Each room that has a store keeps one `Outage` for it, in memory, for nobody has to be told of it.
"""

import logging
from collections.abc import Callable
from threading import Lock, get_ident
from time import monotonic
from typing import Self

from blinker import signal

PAUSE_SECONDS = 2.0

logger = logging.getLogger(__name__)

# Sent with the name of a store, each time that it fails. Rooms that import none send it as well.
store_failed = signal("store_failed")


class Outage:
    """Knows whether the store `name` is down; `means_down` tells its failures from other errors.

    The log has one line when an outage begins and one when it is over.
    """

    def __init__(
        self,
        name: str,
        means_down: Callable[[Exception], bool],
        raises: type[Exception],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._name, self._means_down, self._raises, self._clock = name, means_down, raises, clock
        self._lock = Lock()
        self._is_down = False
        self._until = 0.0  # when the pause is over
        self._asks_for_all = 0  # the thread that does

    def guard(self) -> Self:
        """Run the body, which asks the store, unless the store is to be left alone.

        Any other error of the body passes as it is and says nothing about the store.

        Raises:
            Exception: of the kind `raises`: the store failed, or it was not asked.

        """
        return self

    def __enter__(self) -> None:
        if not self._is_down:
            return
        with self._lock:
            if not self._is_down:
                return
            if self._asks_for_all or self._clock() < self._until:
                raise self._raises(f"{self._name} failed a moment ago and was not asked")
            self._asks_for_all = get_ident()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            if error is None:
                self._answer()
            elif isinstance(error, Exception) and self._means_down(error):
                self._fail(error)
                raise self._raises(f"{self._name} failed: {type(error).__name__}") from error
        finally:
            if self._asks_for_all == get_ident():
                self._asks_for_all = 0

    def _fail(self, error: Exception) -> None:
        with self._lock:
            was_down, self._is_down = self._is_down, True
            self._until = self._clock() + PAUSE_SECONDS
        store_failed.send(self._name)
        if not was_down:
            why = type(error.__cause__ or error).__name__
            logger.error("%s cannot be used: %s", self._name, why)

    def _answer(self) -> None:
        if self._is_down:
            with self._lock:
                was_down, self._is_down = self._is_down, False
            if was_down:
                logger.warning("%s can be used again.", self._name)
