"""The faults: each breaks one thing, leaves it broken for a while, and mends it."""

import os
import signal
import sqlite3
from contextlib import closing
from time import sleep

from scene import Scene
from stores import Store

SECONDS_DOWN = 2
SECONDS_HUNG = 10
STARTS_AT_MOST = 10
SECONDS_OF_ANOTHER_TIME = 3
MEGABYTE = 1024 * 1024


def kill_a_worker(scene: Scene) -> None:
    os.kill(scene.served.workers()[-1], signal.SIGKILL)
    sleep(SECONDS_DOWN)


def kill_all_workers(scene: Scene) -> None:
    for pid in scene.served.workers():
        os.kill(pid, signal.SIGKILL)
    sleep(SECONDS_DOWN)


def kill_main(scene: Scene) -> None:
    scene.served.kill()
    for _ in range(STARTS_AT_MOST):  # Its workers end soon, and hold the port until then.
        try:
            scene.served.start()
        except TimeoutError:
            sleep(SECONDS_DOWN)
        else:
            return
    raise TimeoutError("the site does not start again")


def kill_postgresql(scene: Scene) -> None:
    _restart(scene.postgresql)


def kill_redis(scene: Scene) -> None:
    _restart(scene.redis)


def _restart(store: Store | None) -> None:
    assert store is not None
    store.kill()
    sleep(SECONDS_DOWN)
    store.start()


def hang_postgresql(scene: Scene) -> None:
    _hang(scene.postgresql)


def hang_redis(scene: Scene) -> None:
    _hang(scene.redis)


def _hang(store: Store | None) -> None:
    assert store is not None
    store.send(signal.SIGSTOP)
    sleep(SECONDS_HUNG)
    store.send(signal.SIGCONT)


def hold_sqlite(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.instance / "site.db", timeout=30)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        sleep(SECONDS_HUNG)
        connection.rollback()


def fill_disk(scene: Scene) -> None:
    filler = scene.instance / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(MEGABYTE // 256))
        except OSError:  # There is no space left.
            sleep(SECONDS_HUNG)
    filler.unlink()


def jump_ahead(scene: Scene) -> None:
    _jump(scene, "+2h")


def jump_back(scene: Scene) -> None:
    _jump(scene, "-2h")


def _jump(scene: Scene, to: str) -> None:
    scene.clock.write_text(to, encoding="ascii")
    sleep(SECONDS_OF_ANOTHER_TIME)
    scene.clock.write_text("+0", encoding="ascii")
