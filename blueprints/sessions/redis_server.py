"""One Redis: connections that wait no longer than whoever asks, and which run of it answers them.

A run ends when Redis is started again, and when it takes over what another Redis holds, or no
longer does. It may have forgotten then what it was told last, and its run tells it from before.
"""

import re
from contextlib import suppress
from time import monotonic
from typing import Any, cast

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import LockError, ResponseError
from redis.retry import Retry

from blueprints.database import seconds_left

SECONDS_TO_CONNECT = 0.5  # less than the database lets a transaction stand still
SECONDS_TO_BELIEVE = 1.0
WHICH = "run_id", "master_replid"  # of the process, and of what it holds, as another one may
RUN = re.compile(rf"^(?:{'|'.join(WHICH)}):(\w{{1,16}})".encode(), re.MULTILINE)


class RedisServer:
    """`run` is that which answered last, or a second ago; empty where that is not told.

    Raises:
        ValueError: the address is not one of Redis.

    """

    def __init__(self, url: str, seconds: float) -> None:
        """Wait so long for an answer, where whoever asks has that much time."""
        self.run = ""
        self._until = 0.0  # it is asked again
        kind = parse_url(url).get("connection_class", Connection)  # type: ignore[no-untyped-call]
        self.client: Redis = Redis.from_url(
            url,
            connection_class=type("BoundConnection", (_BoundConnection, kind), {}),
            protocol=2,  # This and the next: nothing is asked first but what is needed.
            driver_info=None,
            socket_timeout=seconds,
            socket_connect_timeout=SECONDS_TO_CONNECT,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._connect,
        )

    def ask_run(self) -> None:
        """Learn `run`: connections are kept by one that takes over what another holds."""
        now = monotonic()
        if now >= self._until:
            self._until = now + SECONDS_TO_BELIEVE
            with suppress(ResponseError):
                told: Any = self.client.info()
                self.run = "".join(str(told.get(name, ""))[:16] for name in WHICH)

    def _connect(self, connection: Any) -> None:  # noqa: ANN401 - one of several kinds
        connection.on_connect()
        connection.send_command("INFO")
        with suppress(ResponseError):  # Where that is forbidden, all runs are taken for one.
            answer = connection.read_response()
            found = RUN.findall(answer) if isinstance(answer, bytes) else []
            self.run = b"".join(cast("list[bytes]", found)).decode("ascii", "replace")


class _BoundConnection(AbstractConnection):
    """A connection that waits for answers as long as the work at hand has time (`within`)."""

    def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the driver's
        left = seconds_left()
        if left is not None:
            options["timeout"] = max(0.001, min(left, self.socket_timeout or left))
        return super().read_response(*args, **options)


def means_down(error: Exception) -> bool:
    # A lock that was not had in time is one visitor's crowd, and no outage.
    return isinstance(error, RedisError) and not isinstance(error, LockError)
