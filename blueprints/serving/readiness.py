"""Whether this site can do all that it is for: `/ready`, for a balancer and for an alarm.

Each room says what can keep it from its work. They are asked at most once a second, however often
somebody wants to know.
"""

import time
from collections.abc import Callable
from threading import Lock

SECONDS = 1.0

Check = Callable[[], str | None]  # says in one sentence what is wrong; None where nothing is


class Readiness:
    def __init__(self) -> None:
        self._checks: list[Check] = []
        self._lock = Lock()
        self._found: list[str] = []
        self._until = 0.0  # on the monotonic clock

    def depend_on(self, check: Check) -> None:
        self._checks.append(check)

    def problems(self) -> list[str]:
        """Return what is wrong, in the application's context."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = [wrong for check in self._checks if (wrong := check())]
                self._until = time.monotonic() + SECONDS
            return self._found
