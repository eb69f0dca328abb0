"""The database: the SQLAlchemy object, the base of every model, the migrations.

The embedded default is SQLite under `instance/`: made and migrated by itself at start, tuned so
that a committed row survives a power cut. Any other database is migrated by `flask db upgrade`;
when it is behind, the start says so.
"""

from blueprints.database.base import Base, UTCDateTime, db
from blueprints.database.setup import blueprint, is_behind
from blueprints.database.wipe import wipe_journal

__all__ = ["Base", "UTCDateTime", "blueprint", "db", "is_behind", "wipe_journal"]
