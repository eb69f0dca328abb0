"""The store for several machines: Redis, which forgets a session by itself when it is over."""

from collections.abc import Iterator

from flask import Flask
from flask_session.redis import RedisSessionInterface
from redis import Redis, RedisError

from blueprints.sessions.interface import VisitorSessions

TIMEOUT_SECONDS = 2  # a reader does not wait longer for a store that is down


class RedisSessions(VisitorSessions, RedisSessionInterface):
    """Flask-Session's three Redis calls under the rules of this room."""

    outages = (RedisError,)

    def __init__(self, app: Flask, url: str) -> None:
        """Raise ValueError when the address is not one of Redis."""
        client = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        super().__init__(app, client=client)

    def _all(self) -> Iterator[tuple[str, bytes]]:
        for store_id in self.client.scan_iter(f"{self.key_prefix}*"):
            data = self.client.get(store_id)
            if data is not None:  # It may have ended meanwhile.
                yield store_id.decode(), data
