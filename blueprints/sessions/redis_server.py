"""One Redis: connections that wait for so long at most, and the run of it that answers them.

A run begins whenever Redis is started. One that began anew may have forgotten what it was told
last, and its run tells it from the one before.
"""

import re
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry


class RedisServer:
    """`run` is that which the newest connection leads to; empty before there was one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.run = ""

    def client(self, seconds: float) -> Redis:
        """Make a client that waits so long for each answer.

        Raises:
            ValueError: the address is not one of Redis.

        """
        return Redis.from_url(
            self._url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._connect,
        )

    def ask_run(self, redis: Redis) -> str:
        """Return `run`; connect where that has never been done."""
        if not self.run:
            redis.ping()
        return self.run

    def _connect(self, connection: Any) -> None:  # noqa: ANN401 - one of several kinds
        connection.on_connect()
        connection.send_command("INFO", "server")
        with suppress(ResponseError):  # Where that is forbidden, all runs are taken for one.
            (self.run,) = re.findall(r"run_id:(\w+)", connection.read_response().decode())
