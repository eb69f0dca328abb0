"""A site on stores of its own, all of which can be broken; leaving the scene ends everything."""

import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import Self

from evidence import REGISTRY
from partner import registry_with
from served import Served
from stores import PostgreSQL, RedisServer
from visitors import OK, PARTNER, another_address, ask

SECONDS_TO_HEAL = 60
LIBFAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class MissingError(Exception):
    """What this machine lacks."""


class Scene:
    def __init__(self, folder: Path, stores: str) -> None:
        """Take an empty folder, and the names of the stores, such as `postgresql+redis`."""
        folder.chmod(0o755)  # PostgreSQL runs as another user.
        self.instance = folder / "instance"
        self.clock = folder / "clock"
        self.postgresql: PostgreSQL | None = None
        self.redis: RedisServer | None = None
        self.served: Served
        self._folder, self._stores = folder, stores
        self._is_mounted = False

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if "served" in vars(self):
            self.served.stop()
        for store in (self.postgresql, self.redis):
            if store:
                store.kill()
        if self._is_mounted:
            command = ["umount", "--lazy", str(self.instance)]
            subprocess.run(command, check=True)  # noqa: S603 - our folder

    @property
    def uri(self) -> str:
        return self.postgresql.uri if self.postgresql else f"sqlite:///{self.instance}/site.db"

    def wait_until_healed(self) -> None:
        """Wait until a choice can be recorded again.

        Raises:
            TimeoutError: a minute after everything was mended it still cannot.

        """
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "X-Forwarded-For": another_address(),
        }
        until = monotonic() + SECONDS_TO_HEAL
        while ask(self.served.port, "/cookies", headers, "choice=reject")[0] != OK:
            if monotonic() > until:
                raise TimeoutError("the site does not heal")
            sleep(0.5)

    def _start(self) -> None:
        settings = {
            "INSTANCE": str(self.instance),
            "PROXY_HOPS": "1",
            "CONSENT_SEAL_RECORDS": "200",
        }
        self.instance.mkdir()
        if "small disk" in self._stores:
            self._mount_small_disk()
        registry = self._folder / "registry.toml"
        registry.write_text(registry_with(PARTNER, REGISTRY.read_text(encoding="utf-8")))
        settings["CONSENT_REGISTRY"] = str(registry)
        if "postgresql" in self._stores:
            (self._folder / "postgresql").mkdir()
            self.postgresql = PostgreSQL(self._folder / "postgresql")
            self.postgresql.start()
            settings["SQLALCHEMY_DATABASE_URI"] = self.postgresql.uri
        if "redis" in self._stores:
            self.redis = RedisServer(self._folder)
            self.redis.start()
            settings["REDIS_URL"] = self.redis.url
        self.served = Served(**settings)
        self.served.flask("db", "upgrade").check_returncode()
        self.served.start(**self._fake_clock())

    def _mount_small_disk(self) -> None:
        command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(self.instance)]
        done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - our folder
        if done.returncode:
            raise MissingError("right to mount a small disk")
        self._is_mounted = True

    def _fake_clock(self) -> dict[str, str]:
        """Let the clock of the site, and of nothing else, be what a file says."""
        if "own clock" not in self._stores:
            return {}
        if not LIBFAKETIME:
            raise MissingError("libfaketime")
        self.clock.write_text("+0", encoding="ascii")
        return {
            "LD_PRELOAD": str(LIBFAKETIME[-1]),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
