"""One Redis: connections that wait no longer than whoever asks, and which run of it answers them.

A run ends when Redis is started again, and when it takes over what another Redis holds, or no
longer does. It may have forgotten then what it was told last, and its run tells it from before.
"""

from contextlib import suppress
from time import monotonic
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import LockError, ResponseError
from redis.retry import Retry

from blueprints.database import seconds_left

SECONDS_TO_CONNECT = 0.5  # less than the database lets a transaction stand still
SECONDS_TO_BELIEVE = 1.0
KEPT_AT_MOST = 15  # of the hundred that the client would open
# The one is new where the process is, the other where it takes over what another Redis held.
MARKS_OF_RUN = "run_id", "master_replid"


class RedisServer:
    """`run` names the run that answers, once it was asked for; empty where none is told.

    Raises:
        ValueError: the address is not one of Redis.

    """

    def __init__(self, url: str, seconds: float) -> None:
        """Wait so long for an answer, where whoever asks has that much time."""
        self.run = ""
        self._kept: list[Any] = []
        self._newest: AbstractConnection | None = None
        self._asked: AbstractConnection | None = None  # Then the newest, and until when it counts.
        self._until = 0.0
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

    def get(self, name: str) -> bytes | None:
        """Return what stands under the name, over a connection that is kept for that.

        The client would look each time whether its connection is still there, and count what it
        does: that takes as long as the answer. Here it turns out when somebody asks.
        """
        pool = self.client.connection_pool
        try:
            return self._get(self._kept.pop(), name)
        except (IndexError, RedisConnectionError):  # None is kept, or Redis has let go of it.
            return self._get(pool.get_connection(), name)

    def _get(self, connection: Any, name: str) -> bytes | None:  # noqa: ANN401 - of any kind
        try:
            connection.send_command("GET", name)
            found: bytes | None = connection.read_response()
        except BaseException:
            self.client.connection_pool.release(connection)
            raise
        if len(self._kept) < KEPT_AT_MOST:
            self._kept.append(connection)
        else:
            self.client.connection_pool.release(connection)
        return found

    def ask_run(self) -> None:
        """Learn `run`, with each new connection, and each second: a takeover may keep them all.

        Raises:
            RedisError: it does not answer. `run` is then as before, and is asked for again.

        """
        now, newest = monotonic(), self._newest
        if self._asked is newest and now < self._until:
            return
        with suppress(ResponseError):  # Where asking is forbidden, all runs are taken for one.
            told: Any = self.client.info()
            self.run = "".join(str(told.get(name, ""))[:16] for name in MARKS_OF_RUN)
        self._asked, self._until = newest, now + SECONDS_TO_BELIEVE

    def _connect(self, connection: AbstractConnection) -> None:
        connection.on_connect()  # type: ignore[no-untyped-call]
        self._newest = connection


class _BoundConnection(AbstractConnection):
    """A connection that waits for answers as long as the work at hand has time (`within`)."""

    def read_response(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as the driver's
        left = seconds_left()
        longest = self.socket_timeout  # To set another one calls the system twice.
        if left is not None and (longest is None or left < longest):
            options["timeout"] = max(0.001, left)
        return super().read_response(*args, **options)


def means_down(error: Exception) -> bool:
    # A lock that was not had in time is one visitor's crowd, and no outage.
    return isinstance(error, RedisError) and not isinstance(error, LockError)
