"""A store that failed is left alone for a moment, and asked again by one for all."""

from threading import Barrier, Thread

import pytest

from blueprints.database.outage import PAUSE_SECONDS, Outage


class StoreError(Exception):
    pass


class AwayError(Exception):
    pass


class Store:
    """Fails while it is down, and counts how often it was asked."""

    def __init__(self) -> None:
        self.now, self.asked, self.is_down = 100.0, 0, True
        self.outage = Outage(
            "The store", lambda error: isinstance(error, StoreError), AwayError, lambda: self.now
        )

    def ask(self) -> None:
        with self.outage.guard():
            self.asked += 1
            if self.is_down:
                raise StoreError("values")


@pytest.fixture
def store() -> Store:
    return Store()


def fails(store: Store) -> bool:
    try:
        store.ask()
    except AwayError:
        return True
    return False


def test_after_a_failure_nobody_asks_until_the_pause_is_over(store: Store) -> None:
    assert fails(store)
    store.is_down = False
    store.now += PAUSE_SECONDS - 0.1
    assert fails(store)
    assert store.asked == 1
    store.now += 0.1
    assert not fails(store)
    assert not fails(store)
    assert store.asked == 3


def test_a_failure_after_the_pause_begins_another(store: Store) -> None:
    assert fails(store)
    store.now += PAUSE_SECONDS
    assert fails(store)
    store.now += PAUSE_SECONDS / 2
    assert fails(store)
    assert store.asked == 2


def test_when_the_pause_is_over_one_asks_for_all(store: Store) -> None:
    assert fails(store)
    store.now += PAUSE_SECONDS
    asks, answered = Barrier(2), Barrier(2)

    def ask_slowly() -> None:
        with store.outage.guard():
            asks.wait()
            answered.wait()

    thread = Thread(target=ask_slowly)
    thread.start()
    asks.wait()
    assert fails(store), "the others do not wait for the answer"
    answered.wait()
    thread.join()
    store.is_down = False
    assert not fails(store)


def test_another_error_says_nothing_about_the_store(store: Store) -> None:
    def go_wrong() -> None:
        with store.outage.guard():
            raise KeyError

    with pytest.raises(KeyError):
        go_wrong()
    store.is_down = False
    assert not fails(store)
    store.is_down = True
    assert fails(store)
    store.now += PAUSE_SECONDS
    with pytest.raises(KeyError):
        go_wrong()
    store.is_down = False
    assert not fails(store), "somebody may ask again at once"


def test_the_log_has_a_line_when_it_begins_and_one_when_it_is_over(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    assert [fails(store) for _ in range(3)] == [True, True, True]
    store.now += PAUSE_SECONDS
    assert fails(store)
    store.is_down = False
    store.now += PAUSE_SECONDS
    assert [fails(store) for _ in range(3)] == [False, False, False]
    assert caplog.messages == [
        "The store cannot be used: StoreError",
        "The store can be used again.",
    ]
