"""Sessions, and consent records that the database itself refuses to change."""

import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REFUSAL = "a consent record is never changed"
REFUSE_UPDATE = {
    "sqlite": (
        f"""
        CREATE TRIGGER consent_records_refuse_update BEFORE UPDATE ON consent_records
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
        """,
    ),
    "postgresql": (
        f"""
        CREATE FUNCTION consent_records_refuse_update() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$
        """,
        """
        CREATE TRIGGER consent_records_refuse_update BEFORE UPDATE ON consent_records
        FOR EACH ROW EXECUTE FUNCTION consent_records_refuse_update()
        """,
    ),
}


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "consent_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("statuses", sa.JSON(), nullable=False),
        sa.Column("policy_version", sa.String(12), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("model", sa.String(7), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("is_consent", sa.Boolean(), nullable=False),
        sa.Column("gpc", sa.Boolean(), nullable=False),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("language IN ('en', 'pt')", name="ck_consent_records_language"),
        sa.CheckConstraint("model IN ('opt_in', 'implied')", name="ck_consent_records_model"),
        sa.CheckConstraint(
            "expires_at > decided_at", name="ck_consent_records_expires_after_decision"
        ),
        sa.CheckConstraint(
            "is_consent = (method <> 'continued_use')", name="ck_consent_records_is_consent"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_records"),
    )
    op.create_index("ix_consent_records_subject", "consent_records", ["subject"])
    for statement in REFUSE_UPDATE.get(op.get_bind().dialect.name, ()):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("consent_records")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION consent_records_refuse_update()")
    op.drop_table("sessions")
