"""Seals close the log, and the database itself refuses to change them."""

import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime
from blueprints.database.migrations.steps import refuse

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = {
    "consent_seals": "a seal is never changed",
    "consent_leaves": "the sealed log is never changed",
}


def upgrade() -> None:
    op.create_table(
        "consent_seals",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", POSITION, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=True),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("sealed_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "number >= 1 AND first >= 0 AND size >= 1", name=op.f("ck_consent_seals_counted")
        ),
        sa.CheckConstraint(
            "(number = 1) = (previous IS NULL)", name=op.f("ck_consent_seals_chained")
        ),
        sa.PrimaryKeyConstraint("number", name="pk_consent_seals"),
        sa.UniqueConstraint("first", name="uq_consent_seals_first"),
        sa.UniqueConstraint("previous", name="uq_consent_seals_previous"),
        sa.UniqueConstraint("head", name="uq_consent_seals_head"),
    )
    op.create_table(
        "consent_leaves",
        sa.Column("position", POSITION, autoincrement=False, nullable=False),
        sa.Column("seal", sa.Integer(), nullable=False),
        sa.Column("record", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seal"], ["consent_seals.number"], name="fk_consent_leaves_seal_consent_seals"
        ),
        sa.PrimaryKeyConstraint("position", name="pk_consent_leaves"),
        sa.UniqueConstraint("record", name="uq_consent_leaves_record"),
    )
    for name, words in APPEND_ONLY.items():
        for event in ("UPDATE", "DELETE", "TRUNCATE"):
            refuse(event, name, words)


def downgrade() -> None:
    op.drop_table("consent_leaves")
    op.drop_table("consent_seals")
