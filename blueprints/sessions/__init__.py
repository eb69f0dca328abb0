"""Server-side sessions that do not exist before a choice.

Flask-Session keeps them, in the database or in Redis (`REDIS_URL`), with its known traps closed:

- the store knows only the SHA-256 of a session's id (OWASP ASVS 5.0, 7.2): who reads the store
  cannot take over a session;
- what is stored is msgpack and nothing else; no fallback to pickle;
- the store is asked only when somebody looks into the session, and written to only when it changed;
- it uses a connection of its own, so that it never commits the application's half-done work;
- a store that cannot be reached is no session: the visitor reads on, with everything optional off.

Other rooms reach it as `current_app.extensions["sessions"]`: `renewed()`, `end()` and
`end_all()`.
"""

from blueprints.sessions.setup import blueprint

__all__ = ["blueprint"]
