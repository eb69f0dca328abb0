"""How often what is drawn is tried: `--fuzz` says it for tests/fuzz, each test has a share."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings

TRIES_OF_A_RUN = 2000  # the same ones each time; any other number tries new ones


class Tries:
    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, share: float) -> Callable[[Callable[[], None]], Callable[[], None]]:
        return settings(
            max_examples=max(1, round(self._number * share)),
            derandomize=self._number == TRIES_OF_A_RUN,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
