"""The database: the SQLAlchemy object, the base of every model, the migrations.

The embedded default is SQLite under `instance/`: made and migrated by itself at start, tuned so
that a committed row survives a power cut. Any other database is migrated by `flask db upgrade`;
when it is behind, the start says so.

The running site reads by `reading` and `Lookup`, and writes by `write`, which wait for nothing
longer than a visitor would. Only commands and the sealing thread, which take their time, use
`db.engine`.
"""

from blueprints.database.access import Access, reading, write
from blueprints.database.base import Base, UTCDateTime, db
from blueprints.database.bounds import seconds_left, within
from blueprints.database.errors import DatabaseUnavailableError, is_uncertain
from blueprints.database.lookup import Lookup
from blueprints.database.outage import Outage
from blueprints.database.schema import problem, reason
from blueprints.database.setup import blueprint
from blueprints.database.wipe import wipe_journal

__all__ = [
    "Access",
    "Base",
    "DatabaseUnavailableError",
    "Lookup",
    "Outage",
    "UTCDateTime",
    "blueprint",
    "db",
    "is_uncertain",
    "problem",
    "reading",
    "reason",
    "seconds_left",
    "wipe_journal",
    "within",
    "write",
]
