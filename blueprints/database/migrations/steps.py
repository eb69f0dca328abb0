"""What the steps do alike. It is history: a step that wants it otherwise has its own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime

BATCH = 1000
RECORDS = "consent_records"
REFUSAL = "a consent record is never changed"
REFUSE_UPDATE_OF_0001 = (
    f"""
    CREATE FUNCTION consent_records_refuse_update() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$
    """,
    """
    CREATE TRIGGER consent_records_refuse_update BEFORE UPDATE ON consent_records
    FOR EACH ROW EXECUTE FUNCTION consent_records_refuse_update()
    """,
)


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def refuse(event: str, table: str, words: str, when: str = "") -> None:
    """Make a trigger that refuses the event on a table, always or under a condition."""
    trigger = f"CREATE TRIGGER {table}_refuse_{event.lower()} BEFORE {event} ON {table}"
    condition = f"WHEN ({when})" if when else ""
    if is_postgresql():
        each = f"FOR EACH {'STATEMENT' if event == 'TRUNCATE' else 'ROW'} {condition}"
        op.execute(f"{trigger} {each} EXECUTE FUNCTION consent_refuse('{words}')")
    elif event != "TRUNCATE":  # SQLite has none.
        op.execute(f"{trigger} {condition} BEGIN SELECT RAISE(ABORT, '{words}'); END")


def columns_of_0001() -> list[sa.schema.SchemaItem]:
    return [
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
        sa.Index("ix_consent_records_subject", "subject"),
    ]


def refuse_update_of_0001() -> None:
    """Refuse to change a record, on PostgreSQL by a function for these alone."""
    if is_postgresql():
        for statement in REFUSE_UPDATE_OF_0001:
            op.execute(statement)
    else:
        refuse("UPDATE", RECORDS, REFUSAL)


def refuse_all_but_erasure(
    table: str, words: str, erased: tuple[str, ...], stays: tuple[str, ...]
) -> None:
    """Refuse to change or delete a row, but for making these columns NULL together."""
    same = "IS NOT DISTINCT FROM" if is_postgresql() else "IS"
    erases = " AND ".join(f"NEW.{name} IS NULL" for name in erased)
    keeps = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in stays)
    refuse("UPDATE", table, words, f"NOT ({erases} AND {keeps})")
    refuse("DELETE", table, words)
    refuse("TRUNCATE", table, words)


def drop_trigger(table: str, name: str) -> None:
    op.execute(f"DROP TRIGGER {table}_{name}" + (f" ON {table}" if is_postgresql() else ""))


def drop_refusals(table: str) -> None:
    for event in ("update", "delete", *(["truncate"] if is_postgresql() else [])):
        drop_trigger(table, f"refuse_{event}")


def batches(table: sa.Table) -> Iterator[list[sa.Row[Any]]]:
    """Yield the rows of a table by its `id`, so many that they fit into memory."""
    query = sa.select(table).order_by(table.c.id).limit(BATCH)
    rows = list(op.get_bind().execute(query))
    while rows:
        yield rows
        rows = list(op.get_bind().execute(query.where(table.c.id > rows[-1].id)))


def utc_text(at: datetime) -> str:
    """Write a time as digests have it."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
