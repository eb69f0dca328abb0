"""The session of each request, for Flask: read late, changed in order, its cookie sent then."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from flask import Flask, Request, Response, current_app, g, session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import Connection

from blueprints.sessions.session import VisitorSession
from blueprints.sessions.store import (
    EXPIRES_AT,
    Store,
    StoreUnavailableError,
    Values,
    Work,
    decode,
    encode,
    key_of,
    new_id,
    subject_of,
)

FOUND = "sessions.found"


class VisitorSessions(SessionInterface):
    def __init__(self, store: Store) -> None:
        self._store = store

    def open_session(self, app: Flask, request: Request) -> VisitorSession:
        sent = request.cookies.get(self.get_cookie_name(app)) or None
        g.cookies_are_unreadable = _are_unreadable(request.environ)

        def find() -> bytes | None:
            if sent is None and not g.cookies_are_unreadable:
                return None
            g.choice_is_unknown = g.cookies_are_unreadable
            try:
                return self.look_up(sent, request.environ) if sent else None
            except StoreUnavailableError:
                g.choice_is_unknown = True
                return None

        return VisitorSession(sent, find)

    def look_up(self, sent: str, environ: dict[str, Any]) -> bytes | None:
        """Return what is stored for this cookie, also before Flask begins, and be it over.

        The store is asked once for each request: the answer goes along in the environment.

        Raises:
            StoreUnavailableError: nobody knows.

        """
        if FOUND not in environ:
            try:
                environ[FOUND] = self._store.find(key_of(sent))
            except StoreUnavailableError as error:
                environ[FOUND] = error
        found: bytes | StoreUnavailableError | None = environ[FOUND]
        if isinstance(found, StoreUnavailableError):
            raise found
        return found

    def is_missing(self) -> bool:
        """Whether the browser names a session that was looked for, and that there is not."""
        ours: Any = session
        return bool(ours.id) and g.get("choice_is_unknown") is False and not ours

    def subject_of_cookie(self, value: str) -> UUID | None:
        """Return whose session has this cookie; of the value only its hash is used.

        Raises:
            StoreUnavailableError: nobody knows.

        """
        return subject_of(decode(self._store.find(key_of(value))))

    def know_records_by(self, is_up_to_date: Callable[[Connection, Values], bool]) -> None:
        """Take what tells whether the log has nothing later than what a session holds."""
        self._store.is_up_to_date = is_up_to_date

    def probe(self) -> None:
        """Try the store, for nobody.

        Raises:
            StoreUnavailableError: the store cannot do what a visitor needs.

        """
        self._store.probe()

    def change(self, work: Work, once: str | None = None) -> None:
        """Change the session of the visitor at hand, as the work says, or make it.

        The work sees what the session holds when it is this request's turn, which may be more than
        what was read before. From then on `flask.session` is what was stored. Of all that say the
        same `once`, something that nobody else knows, one alone can make a session.

        Raises:
            StoreUnavailableError: nothing has changed.

        """
        if g.cookies_are_unreadable:
            raise StoreUnavailableError("the cookies that came along cannot be read")
        ours: Any = session
        fresh = _id_of(once) if once else new_id()
        key = key_of(ours.id) if ours.id else None
        before, content = self._store.change(key, key_of(fresh), work)
        if content is None:
            ours.become(None, {})
        else:
            ours.become(ours.id if before else fresh, content.stored)

    def take_over(self, once: str) -> bool:
        """Be the session that somebody who said the same `once` has made; return whether it is.

        Raises:
            StoreUnavailableError: nobody knows.

        """
        values = decode(self._store.find(key_of(_id_of(once))))
        if values:
            ours: Any = session
            ours.become(_id_of(once), values)
        return bool(values)

    def end_of_subject(self, subject: UUID, work: Callable[[Connection], int]) -> int:
        """Do the work and end every session of a subject; return what the work returned.

        Raises:
            StoreUnavailableError: not all of it was done; doing it again does the rest.

        """
        return self._store.end_of_subject(subject, work)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the cookie of a session that was changed; keep what a page view changed in it."""
        ours = cast("VisitorSession", session)
        if ours.is_changed:
            self._send_cookie(app, ours, response)
        elif ours.modified and ours.id and ours.stored:
            with suppress(StoreUnavailableError):
                self._store.replace(key_of(ours.id), ours.stored, encode(ours))

    def _send_cookie(self, app: Flask, ours: VisitorSession, response: Response) -> None:
        # An answer that hands out a session is for one visitor only.
        response.headers["Cache-Control"] = "no-store"
        name, attributes = self.get_cookie_name(app), self._attributes(app)
        if ours.id is None:
            response.delete_cookie(name, **attributes)
        else:
            expires = datetime.fromtimestamp(ours[EXPIRES_AT], UTC)
            response.set_cookie(name, ours.id, expires=expires, **attributes)

    def _attributes(self, app: Flask) -> dict[str, Any]:
        return {
            "path": "/",
            "secure": self.get_cookie_secure(app),
            "httponly": True,
            "samesite": "Lax",
        }


def _are_unreadable(environ: dict[str, Any]) -> bool:
    """Whether cookies came along of which the server passes nothing on: one is not in ASCII.

    Any script, and any site above this one in the name, may have set it. No browser sends an empty
    header by itself.
    """
    return environ.get("HTTP_COOKIE") == ""


def _id_of(secret: str) -> str:
    key: str | bytes = current_app.config["SECRET_KEY"]
    key = key if isinstance(key, bytes) else key.encode()
    return urlsafe_b64encode(hmac.digest(key, f"session {secret}".encode(), "sha256")).decode()
