"""The session interface: Flask-Session's, with its traps closed; see the room's docstring."""

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from flask import Flask, Request, Response, g, session
from flask_session.base import Serializer, ServerSideSession, ServerSideSessionInterface
from werkzeug.exceptions import ServiceUnavailable

logger = logging.getLogger(__name__)

EXPIRES_AT = "expires_at"  # POSIX seconds; a session ends with the choice it holds, visits or not
CSRF_TOKEN = "csrf_token"  # noqa: S105 - the name of Flask-WTF's entry, not a secret


class StoreUnavailableError(Exception):
    """The session store cannot be reached."""


class VisitorSession(ServerSideSession):
    """A session that asks the store only when somebody looks into it.

    `load` gives the stored values, or None where there are none.
    """

    def __init__(self, sid: str, load: Callable[[], dict[str, Any] | None] | None = None) -> None:
        super().__init__(sid=sid)
        self._load = load
        self.replaced_sid: str | None = None

    def _ready(self) -> None:
        load, self._load = self._load, None
        if load:
            self.fill(load() or {})

    def fill(self, values: Mapping[str, Any]) -> None:
        """Take these values and no others, as if they had just been loaded."""
        self._load = None
        dict.clear(self)
        dict.update(self, values)
        self.modified = False

    def __bool__(self) -> bool:
        self._ready()
        return len(self) > 0

    def __contains__(self, key: object) -> bool:
        self._ready()
        return bool(super().__contains__(key))

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - as in dict
        self._ready()
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401 - as in dict
        self._ready()
        super().__setitem__(key, value)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as in dict
        self._ready()
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:  # noqa: ANN401 - as in dict
        self._ready()
        return super().pop(key, *default) if key in self else default[0]


class MsgpackOnly(Serializer):
    def encode(self, session: Mapping[str, Any]) -> bytes:
        return msgspec.msgpack.encode(dict(session))

    def decode(self, serialized_data: bytes) -> dict[str, Any]:
        """Raise `msgspec.DecodeError` for anything that is not a msgpack map."""
        return msgspec.msgpack.decode(serialized_data, type=dict[str, Any])


class VisitorSessions(ServerSideSessionInterface):
    """What both stores share. A store adds `_retrieve_session_data`, `_upsert_session`,
    `_delete_session` and `_all`, and names the exceptions of an outage in `outages`.
    """

    ttl = True  # no clean-up command: a store forgets what is over by itself
    outages: tuple[type[Exception], ...] = ()

    def __init__(self, app: Flask, **store: Any) -> None:  # noqa: ANN401 - what the store needs
        super().__init__(app, key_prefix="session:", **store)
        self.serializer = MsgpackOnly()

    def _get_store_id(self, sid: str) -> str:
        return str(self.key_prefix) + hashlib.sha256(sid.encode()).hexdigest()

    @contextmanager
    def _store(self) -> Iterator[None]:
        try:
            yield
        except self.outages as error:
            logger.error("The session store cannot be reached: %s", type(error).__name__)
            raise StoreUnavailableError from error

    def open_session(self, app: Flask, request: Request) -> VisitorSession:
        sid = request.cookies.get(self.get_cookie_name(app))
        if not sid:
            return VisitorSession(self._generate_sid(self.sid_length))

        def load() -> dict[str, Any] | None:
            g.session_store_is_down = False
            try:
                with self._store():
                    values = self._retrieve_session_data(self._get_store_id(sid))
            except StoreUnavailableError:
                g.session_store_is_down = True
                return None
            except msgspec.DecodeError:
                logger.error("A stored session is not msgpack: it is left unread.")
                return None
            if values and values.get(EXPIRES_AT, 0) <= datetime.now(UTC).timestamp():
                return None
            return values  # type: ignore[no-any-return]  # Flask-Session is not typed

        return VisitorSession(sid, load)

    @contextmanager
    def renewed(self, values: Mapping[str, Any], expires_at: datetime) -> Iterator[None]:
        """Replace the visitor's session by a fresh one, under a new id, until `expires_at`.

        The new one is stored before the body runs; where the body fails it is taken back and the
        old one stays. The old one is deleted, and the cookie sent, at the end of the request.

        Raises:
            ServiceUnavailable: the store cannot be reached; nothing has changed.

        """
        old: Any = session
        had_one = bool(old)
        token = old.get(CSRF_TOKEN) or secrets.token_hex(20)  # forms in other tabs stay good
        if g.get("session_store_is_down"):
            raise ServiceUnavailable
        fresh = VisitorSession(self._generate_sid(self.sid_length))
        fresh.fill({**values, CSRF_TOKEN: token, EXPIRES_AT: expires_at.timestamp()})
        try:
            with self._store():
                self._write(fresh)
        except StoreUnavailableError:
            raise ServiceUnavailable from None
        try:
            yield
        except BaseException:
            with suppress(StoreUnavailableError), self._store():
                self._delete_session(self._get_store_id(fresh.sid))
            raise
        old.replaced_sid = old.sid if had_one else ""
        old.sid = fresh.sid
        old.fill(fresh)

    def end(self) -> None:
        """Delete the visitor's session and its cookie.

        Raises:
            ServiceUnavailable: the store cannot be reached; nothing has changed.

        """
        ours: Any = session
        try:
            with self._store():
                self._delete_session(self._get_store_id(ours.sid))
        except StoreUnavailableError:
            raise ServiceUnavailable from None
        ours.fill({})
        ours.replaced_sid = ""

    def end_all(self, is_meant: Callable[[Mapping[str, Any]], bool]) -> None:
        """Delete every stored session of which `is_meant` says so. It reads all of them.

        Raises:
            ServiceUnavailable: the store cannot be reached; some may be deleted.

        """
        try:
            with self._store():
                for store_id, data in self._all():
                    with suppress(msgspec.DecodeError):
                        if is_meant(self.serializer.decode(data)):
                            self._delete_session(store_id)
        except StoreUnavailableError:
            raise ServiceUnavailable from None

    def _all(self) -> Iterator[tuple[str, bytes]]:
        raise NotImplementedError

    def _still_there(self, values: VisitorSession) -> bool:
        # A request that ran beside a renewal must not bring the deleted session back.
        return self._retrieve_session_data(self._get_store_id(values.sid)) is not None

    def _write(self, values: VisitorSession) -> None:
        left = values[EXPIRES_AT] - datetime.now(UTC).timestamp()
        self._upsert_session(timedelta(seconds=left), values, self._get_store_id(values.sid))

    def save_session(self, app: Flask, session: VisitorSession, response: Response) -> None:
        """Send the cookie of a renewed session; keep a change to one that goes on."""
        try:
            with self._store():
                if session.replaced_sid:
                    self._delete_session(self._get_store_id(session.replaced_sid))
                elif session.modified and self._still_there(session):
                    self._write(session)
        except StoreUnavailableError:
            pass  # Logged. What the visitor chose is stored already; this was the tidying up.
        if session.replaced_sid is None:
            return
        # An answer that hands out a session is for one visitor only.
        response.headers["Cache-Control"] = "no-store"
        name, cookie = self.get_cookie_name(app), self._cookie_attributes(app)
        if session:
            expires = datetime.fromtimestamp(session[EXPIRES_AT], UTC)
            response.set_cookie(name, session.sid, expires=expires, **cookie)
        else:
            response.delete_cookie(name, **cookie)

    def _cookie_attributes(self, app: Flask) -> dict[str, Any]:
        return {
            "path": "/",
            "secure": self.get_cookie_secure(app),
            "httponly": True,
            "samesite": "Lax",
        }
