"""Sessions, and consent records that the database itself refuses to change."""

import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime
from blueprints.database.migrations.steps import (
    RECORDS,
    columns_of_0001,
    is_postgresql,
    refuse_update_of_0001,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(RECORDS, *columns_of_0001())
    refuse_update_of_0001()


def downgrade() -> None:
    op.drop_table(RECORDS)
    if is_postgresql():
        op.execute("DROP FUNCTION consent_records_refuse_update()")
    op.drop_table("sessions")
