"""What is open is listed, an erased record keeps no answer, a session names its subject.

Records erased before lose the rest of their answer here as well: which control it was, whether it
was a consent, and whether the browser sent Global Privacy Control. Their digests stay.
"""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from alembic import op

from blueprints.database.base import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 1000
RECORDS = "consent_records"
REFUSAL = "a consent record is never changed"
# What an erasure took before, what it takes now as well, and what it leaves as it is.
ERASED = ("subject", "statuses", "salt")
ANSWER = ("method", "is_consent", "gpc")
STAYS = (
    "id",
    "policy_version",
    "language",
    "model",
    "decided_at",
    "expires_at",
    "notice",
    "digest",
)
WHOLE_OR_ERASED = "ck_consent_records_whole_or_erased"


def upgrade() -> None:
    _keep_no_answer()
    _list_what_is_open()
    _name_the_subject_of_sessions()


def table(*, answer_may_be_null: bool) -> sa.Table:
    """Describe consent_records but for its check of erasure: SQLite makes it anew from this."""
    return sa.Table(
        RECORDS,
        sa.MetaData(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=True),
        sa.Column("statuses", sa.JSON(), nullable=True),
        sa.Column("policy_version", sa.String(12), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("model", sa.String(7), nullable=False),
        sa.Column("method", sa.String(32), nullable=answer_may_be_null),
        sa.Column("is_consent", sa.Boolean(), nullable=answer_may_be_null),
        sa.Column("gpc", sa.Boolean(), nullable=answer_may_be_null),
        sa.Column("decided_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("notice", sa.String(64), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("language IN ('en', 'pt')", name="ck_consent_records_language"),
        sa.CheckConstraint("model IN ('opt_in', 'implied')", name="ck_consent_records_model"),
        sa.CheckConstraint(
            "expires_at > decided_at", name="ck_consent_records_expires_after_decision"
        ),
        sa.CheckConstraint(
            "is_consent = (method <> 'continued_use')", name="ck_consent_records_is_consent"
        ),
        sa.ForeignKeyConstraint(
            ["notice"], ["consent_notices.id"], name="fk_consent_records_notice_consent_notices"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_records"),
        sa.UniqueConstraint("digest", name="uq_consent_records_digest"),
        sa.Index("ix_consent_records_subject", "subject"),
    )


def _keep_no_answer() -> None:
    _drop_update_trigger()
    _let_answer_be_null()
    op.execute(
        "UPDATE consent_records SET method = NULL, is_consent = NULL, gpc = NULL "
        "WHERE subject IS NULL"
    )
    _check_whole_or_erased((*ERASED, *ANSWER), answer_may_be_null=True)
    _create_triggers((*ERASED, *ANSWER), STAYS)


def _let_answer_be_null() -> None:
    before = table(answer_may_be_null=False)
    with op.batch_alter_table(RECORDS, copy_from=before) as batch:
        if _is_postgresql():  # SQLite makes the table anew without it.
            batch.drop_constraint(op.f(WHOLE_OR_ERASED), type_="check")
        for name in ANSWER:
            batch.alter_column(name, existing_type=before.c[name].type, nullable=True)


def _check_whole_or_erased(erased: tuple[str, ...], *, answer_may_be_null: bool) -> None:
    before = table(answer_may_be_null=True)
    alike = " AND ".join(f"(subject IS NULL) = ({name} IS NULL)" for name in erased[1:])
    with op.batch_alter_table(RECORDS, copy_from=before) as batch:
        for name in ANSWER:
            kind = before.c[name].type
            batch.alter_column(name, existing_type=kind, nullable=answer_may_be_null)
        batch.create_check_constraint(op.f(WHOLE_OR_ERASED), alike)


def _create_triggers(erased: tuple[str, ...], stays: tuple[str, ...]) -> None:
    """Refuse every change but an erasure. SQLite made the table anew, without any trigger."""
    same = "IS NOT DISTINCT FROM" if _is_postgresql() else "IS"
    erases = " AND ".join(f"NEW.{name} IS NULL" for name in erased)
    keeps = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in stays)
    _refuse("UPDATE", f"WHEN (NOT ({erases} AND {keeps}))")
    if not _is_postgresql():
        _refuse("DELETE")


def _refuse(event: str, when: str = "") -> None:
    trigger = f"CREATE TRIGGER {RECORDS}_refuse_{event.lower()} BEFORE {event} ON {RECORDS}"
    if _is_postgresql():
        op.execute(f"{trigger} FOR EACH ROW {when} EXECUTE FUNCTION consent_refuse('{REFUSAL}')")
    else:
        op.execute(f"{trigger} {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END")


def _drop_update_trigger() -> None:
    on = f" ON {RECORDS}" if _is_postgresql() else ""
    op.execute(f"DROP TRIGGER {RECORDS}_refuse_update{on}")


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
    note = "INSERT INTO consent_open (record) VALUES (NEW.id)"
    trigger = f"CREATE TRIGGER {RECORDS}_note_open AFTER INSERT ON {RECORDS}"
    if _is_postgresql():
        op.execute(
            f"""
            CREATE FUNCTION consent_note_open() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN {note}; RETURN NULL; END $$
            """
        )
        op.execute(f"{trigger} FOR EACH ROW EXECUTE FUNCTION consent_note_open()")
    else:
        op.execute(f"{trigger} BEGIN {note}; END")


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


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def downgrade() -> None:
    """Go back to 0003, where an erased record has a method: it gets one that says that it has not.

    Its verifier never reads these values of an erased record, and the log stays valid.
    """
    with op.batch_alter_table("sessions") as batch:
        batch.drop_index("ix_sessions_subject")
        batch.drop_column("subject")
    if _is_postgresql():
        op.execute(f"DROP TRIGGER {RECORDS}_note_open ON {RECORDS}")
        op.execute("DROP FUNCTION consent_note_open()")
    op.drop_table("consent_open")
    _drop_update_trigger()
    _let_answer_be_null()  # so that its check is dropped
    op.execute(
        "UPDATE consent_records SET method = 'erased', is_consent = true, gpc = false "
        "WHERE subject IS NULL"
    )
    _check_whole_or_erased(ERASED, answer_may_be_null=False)
    _create_triggers(ERASED, (*STAYS, *ANSWER))
