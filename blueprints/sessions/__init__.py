"""Server-side sessions: one per visitor, made at the first choice, changed in place by later ones.

A session is a row of the database, or an entry in Redis (`REDIS_URL`):

- its id is random and made here; the store knows only its SHA-256 (OWASP ASVS 5.0, 7.2), so that
  who reads the store cannot take over a session, and nobody can propose an id;
- what is stored is msgpack and nothing else;
- the store is asked only when somebody looks into the session;
- whatever changes one session is put in order there, together with the records of the same change:
  both are committed, or neither. The last change is what the session holds;
- it ends when the choice in it does, visits or not, or with its erasure;
- a store that cannot be reached is no session: the visitor reads on, with everything optional off.

session.py, interface.py          the session of the request at hand, and its cookie
store.py                          what a store does, and what stands in it
database_store.py, redis_store.py the two stores

Other rooms reach it as `current_app.extensions["sessions"]`: `change()` and `end_of_subject()`.
"""

from blueprints.sessions.interface import VisitorSessions
from blueprints.sessions.setup import blueprint
from blueprints.sessions.store import (
    MALFORMED,
    Content,
    StoreUnavailableError,
    Values,
    is_current,
)

__all__ = [
    "MALFORMED",
    "Content",
    "StoreUnavailableError",
    "Values",
    "VisitorSessions",
    "blueprint",
    "is_current",
]
