"""Notices are kept, each record has a digest, and a record can be erased.

A record written before gets a digest over what it has, with a salt made here and no notice.
"""

import hashlib
import secrets
from typing import Any

import rfc8785
import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime
from blueprints.database.migrations.steps import (
    RECORDS,
    REFUSAL,
    batches,
    columns_of_0001,
    drop_refusals,
    drop_trigger,
    is_postgresql,
    refuse,
    refuse_all_but_erasure,
    refuse_update_of_0001,
    utc_text,
)

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What an erasure takes, and what it leaves as it is.
ERASED = ("subject", "statuses", "salt")
STAYS = (
    "id",
    "policy_version",
    "language",
    "model",
    "method",
    "is_consent",
    "gpc",
    "decided_at",
    "expires_at",
    "notice",
    "digest",
)
REFUSE_FUNCTION = """
CREATE FUNCTION consent_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$
"""


def new_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("notice", sa.String(64), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
    ]


def table(*more: sa.Column[Any]) -> sa.Table:
    """Describe consent_records: SQLite makes it anew from this."""
    return sa.Table(RECORDS, sa.MetaData(), *columns_of_0001(), *more)


def upgrade() -> None:
    _create_notices()
    drop_trigger(RECORDS, "refuse_update")
    if is_postgresql():
        op.execute("DROP FUNCTION consent_records_refuse_update()")
    with op.batch_alter_table(RECORDS, copy_from=table()) as batch:
        for column in new_columns():
            batch.add_column(column)
    _fill()
    with op.batch_alter_table(RECORDS, copy_from=table(*new_columns())) as batch:
        batch.alter_column("digest", existing_type=sa.LargeBinary(), nullable=False)
        batch.alter_column("subject", existing_type=sa.Uuid(), nullable=True)
        batch.alter_column("statuses", existing_type=sa.JSON(), nullable=True)
        batch.create_unique_constraint("uq_consent_records_digest", ["digest"])
        batch.create_foreign_key(
            "fk_consent_records_notice_consent_notices", "consent_notices", ["notice"], ["id"]
        )
        batch.create_check_constraint(
            op.f("ck_consent_records_whole_or_erased"),
            "(subject IS NULL) = (statuses IS NULL) AND (subject IS NULL) = (salt IS NULL)",
        )
    _create_triggers()


def _create_notices() -> None:
    op.create_table(
        "consent_notices",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.String(12), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("model", sa.String(7), nullable=False),
        sa.Column("kept_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consent_notices"),
    )


def _fill() -> None:
    records = table(*new_columns())
    fill = (
        records.update()
        .where(records.c.id == sa.bindparam("of"))
        .values(salt=sa.bindparam("its_salt"), digest=sa.bindparam("its_digest"))
    )
    for rows in batches(records):
        values = []
        for row in rows:
            salt = secrets.token_bytes(16)
            values.append({"of": row.id, "its_salt": salt, "its_digest": _digest(row, salt)})
        op.get_bind().execute(fill, values)


def _digest(row: sa.Row[Any], salt: bytes) -> bytes:
    content = {
        "policy_version": row.policy_version,
        "language": row.language,
        "model": row.model,
        "method": row.method,
        "is_consent": row.is_consent,
        "gpc": row.gpc,
        "notice": None,
        "id": str(row.id),
        "subject": str(row.subject),
        "statuses": row.statuses,
        "decided_at": utc_text(row.decided_at),
        "expires_at": utc_text(row.expires_at),
        "salt": salt.hex(),
    }
    return hashlib.sha256(rfc8785.dumps(content)).digest()


def _create_triggers() -> None:
    if is_postgresql():
        op.execute(REFUSE_FUNCTION)
    refuse_all_but_erasure(RECORDS, REFUSAL, ERASED, STAYS)
    for event in ("DELETE", "UPDATE", "TRUNCATE"):
        refuse(event, "consent_notices", "a kept notice is never changed")


def downgrade() -> None:
    """Go back to 0001, which has no place for an erased record: what is left of it goes too."""
    drop_refusals(RECORDS)
    op.execute("DELETE FROM consent_records WHERE subject IS NULL")
    with op.batch_alter_table(RECORDS, copy_from=table(*new_columns())) as batch:
        if is_postgresql():  # SQLite makes the table anew without them.
            batch.drop_constraint(op.f("ck_consent_records_whole_or_erased"), type_="check")
        for column in new_columns():
            batch.drop_column(column.name)
        batch.alter_column("subject", existing_type=sa.Uuid(), nullable=False)
        batch.alter_column("statuses", existing_type=sa.JSON(), nullable=False)
    op.drop_table("consent_notices")
    if is_postgresql():
        op.execute("DROP FUNCTION consent_refuse()")
    refuse_update_of_0001()
