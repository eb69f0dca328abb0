"""What a record says is kept as the text that its digest is over.

Beside it stand only the columns by which records are found, kept and named when they are erased, so
that every digest stays what it was. Of a record that was erased before, its language, its model and
its policy version go as well: the notice that it names tells them.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import rfc8785
import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BATCH = 1000
RECORDS = "consent_records"
REFUSAL = "a consent record is never changed"
TEXTS = ("policy_version", "language", "model", "method", "is_consent", "gpc")
NOTE_OPEN = "INSERT INTO consent_open (record) VALUES (NEW.id)"
# What an erasure takes, and what it leaves as it is.
ERASED = ("subject", "content")
STAYS = ("id", "decided_at", "expires_at", "notice", "digest")
ERASED_OF_0004 = ("subject", "statuses", "salt", "method", "is_consent", "gpc")
STAYS_OF_0004 = (*STAYS, "policy_version", "language", "model")


def upgrade() -> None:
    _change(of_0004(), of_0005(), _content)
    _refuse_changes(ERASED, STAYS)


def downgrade() -> None:
    """Go back to 0004: what an erased record was about is told by its notice, if it names one."""
    notices = op.get_bind().execute(
        sa.text("SELECT id, policy_version, language, model FROM consent_notices")
    )
    shown = {row.id: row for row in notices}

    def columns(row: sa.Row[Any]) -> dict[str, Any]:
        if row.content is None:
            notice = shown.get(row.notice)
            policy, language, model = notice[1:] if notice else ("", "en", "opt_in")
            return {"policy_version": policy, "language": language, "model": model}
        content = json.loads(row.content)
        texts = {name: content[name] for name in (*TEXTS, "statuses")}
        return {**texts, "salt": bytes.fromhex(content["salt"])}

    _change(of_0005(), of_0004(), columns)
    _refuse_changes(ERASED_OF_0004, STAYS_OF_0004)


def _change(
    before: sa.Table, after: sa.Table, values: Callable[[sa.Row[Any]], dict[str, Any]]
) -> None:
    """Make the table anew with these values in place of what is there no longer."""
    old = before.to_metadata(_with_notices(), name="consent_records_before")
    _drop_triggers()
    op.rename_table(RECORDS, old.name)
    if _is_postgresql():  # There no two tables of a schema have an index of one name.
        for name in ("pk_consent_records", "uq_consent_records_digest"):
            op.execute(f"ALTER TABLE {old.name} RENAME CONSTRAINT {name} TO {name}_before")
    op.drop_index("ix_consent_records_subject", old.name)
    after.create(op.get_bind())
    new = sa.insert(after)
    same = [column.name for column in after.columns if column.name in before.columns]
    for rows in _batches(old):
        op.get_bind().execute(
            new,
            [
                dict.fromkeys(after.columns.keys())
                | {name: getattr(row, name) for name in same}
                | values(row)
                for row in rows
            ],
        )
    op.drop_table(old.name)


def _batches(records: sa.Table) -> Iterator[list[sa.Row[Any]]]:
    query = sa.select(records).order_by(records.c.id).limit(BATCH)
    rows = list(op.get_bind().execute(query))
    while rows:
        yield rows
        rows = list(op.get_bind().execute(query.where(records.c.id > rows[-1].id)))


def _content(row: sa.Row[Any]) -> dict[str, Any]:
    if row.subject is None:
        return {}
    content = {name: getattr(row, name) for name in (*TEXTS, "statuses", "notice")}
    content |= {name: str(getattr(row, name)) for name in ("id", "subject")}
    content |= {name: _utc_text(getattr(row, name)) for name in ("decided_at", "expires_at")}
    return {"content": rfc8785.dumps(content | {"salt": row.salt.hex()}).decode()}


def _utc_text(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def of_0005() -> sa.Table:
    return sa.Table(
        RECORDS,
        _with_notices(),
        *_shared_columns(),
        sa.Column("content", sa.Text(), nullable=True),
        *_shared_constraints("(subject IS NULL) = (content IS NULL)"),
    )


def of_0004() -> sa.Table:
    alike = " AND ".join(f"(subject IS NULL) = ({name} IS NULL)" for name in ERASED_OF_0004[1:])
    return sa.Table(
        RECORDS,
        _with_notices(),
        *_shared_columns(),
        sa.Column("statuses", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("policy_version", sa.String(12), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("model", sa.String(7), nullable=False),
        sa.Column("method", sa.String(32), nullable=True),
        sa.Column("is_consent", sa.Boolean(), nullable=True),
        sa.Column("gpc", sa.Boolean(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("language IN ('en', 'pt')", name="ck_consent_records_language"),
        sa.CheckConstraint("model IN ('opt_in', 'implied')", name="ck_consent_records_model"),
        sa.CheckConstraint(
            "is_consent = (method <> 'continued_use')", name="ck_consent_records_is_consent"
        ),
        *_shared_constraints(alike),
    )


def _with_notices() -> sa.MetaData:
    """Return a schema that has what a record refers to."""
    schema = sa.MetaData()
    sa.Table("consent_notices", schema, sa.Column("id", sa.String(64), primary_key=True))
    return schema


def _shared_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("notice", sa.String(64), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
    ]


def _shared_constraints(whole_or_erased: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.CheckConstraint(
            "expires_at > decided_at", name="ck_consent_records_expires_after_decision"
        ),
        sa.CheckConstraint(whole_or_erased, name="ck_consent_records_whole_or_erased"),
        sa.ForeignKeyConstraint(
            ["notice"], ["consent_notices.id"], name="fk_consent_records_notice_consent_notices"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_records"),
        sa.UniqueConstraint("digest", name="uq_consent_records_digest"),
        sa.Index("ix_consent_records_subject", "subject"),
    ]


def _drop_triggers() -> None:
    for event in ("refuse_update", "refuse_delete", "note_open", "refuse_truncate"):
        if _is_postgresql():
            op.execute(f"DROP TRIGGER {RECORDS}_{event} ON {RECORDS}")
        elif event != "refuse_truncate":  # SQLite has none.
            op.execute(f"DROP TRIGGER {RECORDS}_{event}")


def _refuse_changes(erased: tuple[str, ...], stays: tuple[str, ...]) -> None:
    """Refuse every change but an erasure, and list what is new as open."""
    same = "IS NOT DISTINCT FROM" if _is_postgresql() else "IS"
    erases = " AND ".join(f"NEW.{name} IS NULL" for name in erased)
    keeps = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in stays)
    _refuse("UPDATE", f"WHEN (NOT ({erases} AND {keeps}))")
    _refuse("DELETE")
    trigger = f"CREATE TRIGGER {RECORDS}_note_open AFTER INSERT ON {RECORDS}"
    if _is_postgresql():
        _refuse("TRUNCATE")
        op.execute(f"{trigger} FOR EACH ROW EXECUTE FUNCTION consent_note_open()")
    else:
        op.execute(f"{trigger} BEGIN {NOTE_OPEN}; END")


def _refuse(event: str, when: str = "") -> None:
    trigger = f"CREATE TRIGGER {RECORDS}_refuse_{event.lower()} BEFORE {event} ON {RECORDS}"
    each = "STATEMENT" if event == "TRUNCATE" else "ROW"
    if _is_postgresql():
        op.execute(f"{trigger} FOR EACH {each} {when} EXECUTE FUNCTION consent_refuse('{REFUSAL}')")
    else:
        op.execute(f"{trigger} {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
