"""What a record says is kept as the text that its digest is over; what is open is listed.

Beside the text stand only the columns by which records are found, kept and named when they are
erased, so that every digest stays what it was. Of a record that was erased before, the rest of its
answer goes as well, and its language, its model and its policy version: the notice that it names
tells them. A session names its subject.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import rfc8785
import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime
from blueprints.database.migrations.steps import (
    BATCH,
    RECORDS,
    REFUSAL,
    batches,
    drop_refusals,
    drop_trigger,
    is_postgresql,
    refuse_all_but_erasure,
    utc_text,
)

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXTS = ("policy_version", "language", "model", "method", "is_consent", "gpc")
# What an erasure takes, and what it leaves as it is.
ERASED = ("subject", "content")
STAYS = ("id", "decided_at", "expires_at", "notice", "digest")
ERASED_OF_0003 = ("subject", "statuses", "salt")


def upgrade() -> None:
    _change(of_0003(), of_0005(), _content)
    # Only now: what the old version still recorded was waited for, and nobody can seal meanwhile.
    _list_what_is_open()
    refuse_all_but_erasure(RECORDS, REFUSAL, ERASED, STAYS)
    _note_what_is_new()
    _name_the_subject_of_sessions()


def downgrade() -> None:
    """Go back to 0003: what an erased record was about is told by its notice, if it names one.

    There it has a method as well: it gets one that says that it has not. Its verifier never reads
    these values of an erased record, and the log stays valid.
    """
    with op.batch_alter_table("sessions") as batch:
        batch.drop_index("ix_sessions_subject")
        batch.drop_column("subject")
    drop_trigger(RECORDS, "note_open")
    if is_postgresql():
        op.execute("DROP FUNCTION consent_note_open()")
    op.drop_table("consent_open")
    notices = op.get_bind().execute(
        sa.text("SELECT id, policy_version, language, model FROM consent_notices")
    )
    shown = {row.id: row for row in notices}

    def columns(row: sa.Row[Any]) -> dict[str, Any]:
        if row.content is None:
            notice = shown.get(row.notice)
            about = notice[1:] if notice else ("", "en", "opt_in")
            return dict(zip(TEXTS, (*about, "erased", True, False), strict=True))
        content = json.loads(row.content)
        texts = {name: content[name] for name in (*TEXTS, "statuses")}
        return {**texts, "salt": bytes.fromhex(content["salt"])}

    _change(of_0005(), of_0003(), columns)
    refuse_all_but_erasure(RECORDS, REFUSAL, ERASED_OF_0003, (*STAYS, *TEXTS))


def _list_what_is_open() -> None:
    op.create_table(
        "consent_open",
        sa.Column("record", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("record", name="pk_consent_open"),
        sqlite_with_rowid=False,
    )
    op.execute(
        """
        INSERT INTO consent_open (record) SELECT id FROM consent_records
        WHERE NOT EXISTS (SELECT 1 FROM consent_leaves WHERE record = consent_records.id)
        """
    )


def _note_what_is_new() -> None:
    note = "INSERT INTO consent_open (record) VALUES (NEW.id)"
    trigger = f"CREATE TRIGGER {RECORDS}_note_open AFTER INSERT ON {RECORDS}"
    if is_postgresql():
        op.execute(
            f"""
            CREATE FUNCTION consent_note_open() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN {note}; RETURN NULL; END $$
            """
        )
        op.execute(f"{trigger} FOR EACH ROW EXECUTE FUNCTION consent_note_open()")
    else:
        op.execute(f"{trigger} BEGIN {note}; END")


def _change(
    before: sa.Table, after: sa.Table, values: Callable[[sa.Row[Any]], dict[str, Any]]
) -> None:
    """Make the table anew with these values in place of what is there no longer."""
    old = before.to_metadata(_with_notices(), name="consent_records_before")
    drop_refusals(RECORDS)
    op.rename_table(RECORDS, old.name)
    if is_postgresql():  # There no two tables of a schema have an index of one name.
        for name in ("pk_consent_records", "uq_consent_records_digest"):
            op.execute(f"ALTER TABLE {old.name} RENAME CONSTRAINT {name} TO {name}_before")
    op.drop_index("ix_consent_records_subject", old.name)
    after.create(op.get_bind())
    new = sa.insert(after)
    same = [column.name for column in after.columns if column.name in before.columns]
    for rows in batches(old):
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


def _content(row: sa.Row[Any]) -> dict[str, Any]:
    if row.subject is None:
        return {}
    content = {name: getattr(row, name) for name in (*TEXTS, "statuses", "notice")}
    content |= {name: str(getattr(row, name)) for name in ("id", "subject")}
    content |= {name: utc_text(getattr(row, name)) for name in ("decided_at", "expires_at")}
    return {"content": rfc8785.dumps(content | {"salt": row.salt.hex()}).decode()}


def of_0005() -> sa.Table:
    return sa.Table(
        RECORDS,
        _with_notices(),
        *_shared_columns(),
        sa.Column("content", sa.Text(), nullable=True),
        *_shared_constraints("(subject IS NULL) = (content IS NULL)"),
    )


def of_0003() -> sa.Table:
    alike = " AND ".join(f"(subject IS NULL) = ({name} IS NULL)" for name in ERASED_OF_0003[1:])
    return sa.Table(
        RECORDS,
        _with_notices(),
        *_shared_columns(),
        sa.Column("statuses", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("policy_version", sa.String(12), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("model", sa.String(7), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("is_consent", sa.Boolean(), nullable=False),
        sa.Column("gpc", sa.Boolean(), nullable=False),
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


def _name_the_subject_of_sessions() -> None:
    op.add_column("sessions", sa.Column("subject", sa.Uuid(), nullable=True))
    op.create_index("ix_sessions_subject", "sessions", ["subject"])
    sessions = sa.table(
        "sessions",
        sa.column("key", sa.String()),
        sa.column("data", sa.LargeBinary()),
        sa.column("subject", sa.Uuid()),
    )
    fill = (
        sessions.update()
        .where(sessions.c.key == sa.bindparam("of"))
        .values(subject=sa.bindparam("whose"))
    )
    query, after = sa.select(sessions.c.key, sessions.c.data).order_by(sessions.c.key), ""
    while rows := op.get_bind().execute(query.where(sessions.c.key > after).limit(BATCH)).all():
        subjects = {key: _subject(data) for key, data in rows}
        values = [{"of": key, "whose": whose} for key, whose in subjects.items() if whose]
        if values:
            op.get_bind().execute(fill, values)
        after = rows[-1].key


def _subject(data: bytes) -> UUID | None:
    """Return whose choice a session holds; None where it holds none that can be read."""
    try:
        values: dict[str, Any] = msgspec.msgpack.decode(data, type=dict[str, Any])
        return UUID(values["decision"]["subject"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None
