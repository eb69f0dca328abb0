"""The session of the request at hand: a mapping that asks the store when it is looked into."""

from collections.abc import Callable, Iterator
from typing import Any

from flask.sessions import SessionMixin

from blueprints.sessions.store import decode


class VisitorSession(SessionMixin):
    """What is stored for this visitor; empty where nothing is.

    What is set here is kept only in a session that there is already, and only if nobody else has
    changed it since it was read: a choice is never overwritten by a page view that was slower.
    """

    def __init__(self, session_id: str | None, find: Callable[[], bytes | None]) -> None:
        """Take the id that the browser sent, if it sent one, and what finds the stored bytes."""
        self.id = session_id
        self.modified = False
        self.is_changed = False  # in the store by this request, which then sends the cookie
        self.stored: bytes | None = None  # once it has been looked into
        self._find = find
        self._found: dict[str, Any] | None = None

    @property
    def _values(self) -> dict[str, Any]:
        # Not a `cached_property`: before Python 3.12 one lock of the class is held while it is
        # made, so that one look-up that hangs would hold up those of everybody.
        if self._found is None:
            self.stored = self._find()
            self._found = decode(self.stored)
        return self._found

    def become(self, session_id: str | None, values: dict[str, Any]) -> None:
        """Be the session that has just been stored; an id of None: the one that has ended."""
        self.id, self._found = session_id, values
        self.modified, self.is_changed = False, True

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - as in dict
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:  # noqa: ANN401 - as in dict
        self._values[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
