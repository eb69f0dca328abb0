"""Reads the log for checking: every value as the database has it, however wrong it may be.

A row that somebody has tampered with may hold what no column of ours should, so nothing is
converted on the way that could fail. Rows come as a stream from one snapshot: memory stays the same
for any length, and choices that are made meanwhile are neither held up nor seen.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Select, String, cast, exists, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from blueprints.consent.models import ConsentRecord
from blueprints.consent.records import fields_of_a_decision
from blueprints.database import db
from blueprints.database.sqlite import driver
from blueprints.proof.models import ConsentLeaf, ConsentOpen, ConsentSeal
from blueprints.proof.seals import Seal

CHUNK = 1000

Row = Sequence[Any]
Rows = AbstractContextManager[Iterator[Row]]  # closed at the end, read to it or not


@contextmanager
def snapshot(copy: Engine | Connection | None = None) -> Iterator[Connection]:
    """Open a connection that sees the database as it is now, for as long as it is open.

    `copy` is another database, or a connection to one that also sees what is not committed yet.
    """
    if isinstance(copy, Connection):
        _read_raw(copy)
        yield copy
        return
    connection = (copy or db.engine).connect()
    try:
        if connection.dialect.name == "sqlite":
            connection.detach()  # It will not go back to the pool, for text is read as bytes.
            _read_raw(connection)
            connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
    finally:
        connection.close()


def _read_raw(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        driver(connection).text_factory = bytes


def sealed_rows(connection: Connection) -> Rows:
    """Stream position, seal, record and digest of each leaf, then the columns of its record."""
    leaf = [
        type_coerce(ConsentLeaf.position, String),
        type_coerce(ConsentLeaf.seal, String),
        _uuid(connection, ConsentLeaf.record),
        type_coerce(ConsentLeaf.digest, String),
    ]
    record = ConsentLeaf.record == ConsentRecord.id
    columns = _record_columns(connection)
    query = select(*leaf, *columns).outerjoin_from(ConsentLeaf, ConsentRecord, record)
    return _stream(connection, query.order_by(ConsentLeaf.position))


def open_rows(connection: Connection) -> Rows:
    """Stream each record that has no leaf: whether it is listed as open, then its columns."""
    leaf = ConsentLeaf.record == ConsentRecord.id
    listed = exists().where(ConsentOpen.record == ConsentRecord.id)
    columns = _record_columns(connection)
    query = select(listed, *columns).outerjoin_from(ConsentRecord, ConsentLeaf, leaf)
    return _stream(connection, query.where(ConsentLeaf.record.is_(None)).order_by(ConsentRecord.id))


def wrongly_open(connection: Connection) -> Row | None:
    """Return what is listed as open first of all that is not, and its leaf if it has one."""
    record, leaf = ConsentRecord.id == ConsentOpen.record, ConsentLeaf.record == ConsentOpen.record
    query = (
        select(_uuid(connection, ConsentOpen.record), _uuid(connection, ConsentLeaf.record))
        .outerjoin_from(ConsentOpen, ConsentRecord, record)
        .outerjoin(ConsentLeaf, leaf)
        .where(ConsentRecord.id.is_(None) | ConsentLeaf.record.is_not(None))
    )
    with _stream(connection, query.order_by(ConsentOpen.record).limit(1)) as rows:
        return next(rows, None)


def seals(connection: Connection) -> Iterator[Seal]:
    """Give each seal in the order of the numbers.

    Raises:
        ValueError, TypeError, AttributeError: a seal holds what no seal of this site does.

    """
    of = ConsentSeal
    plain = (of.number, of.first, of.size, of.root, of.previous, of.head)
    sealed_at = _time(connection, of.sealed_at)
    raw: list[Any] = [*(type_coerce(column, String) for column in plain), sealed_at]
    query = select(*raw).order_by(of.number)
    rows = list(connection.execute(query.limit(CHUNK)))
    while rows:
        for row in rows:
            number, first, size, *texts = row
            root, previous, head, at = (v.decode() if isinstance(v, bytes) else v for v in texts)
            when = datetime.fromisoformat(at).replace(tzinfo=UTC)
            yield Seal(number, first, size, root, previous, head, when)
        rows = list(connection.execute(query.where(of.number > rows[-1][0]).limit(CHUNK)))


@contextmanager
def _stream(connection: Connection, query: Select[*tuple[Any, ...]]) -> Iterator[Iterator[Row]]:
    with connection.execute(query.execution_options(yield_per=CHUNK)) as rows:
        if connection.dialect.name == "sqlite":
            yield iter(rows)
        else:
            yield ([v.encode() if type(v) is str else v for v in row] for row in rows)


def _record_columns(connection: Connection) -> list[Any]:
    of = ConsentRecord
    return [
        _uuid(connection, of.id),
        _uuid(connection, of.subject),
        _time(connection, of.decided_at),
        _time(connection, of.expires_at),
        of.notice,
        type_coerce(of.content, String),
        type_coerce(of.digest, String),
    ]


def _uuid(connection: Connection, column: InstrumentedAttribute[Any]) -> Any:  # noqa: ANN401 - an expression
    if connection.dialect.name == "sqlite":
        return type_coerce(column, String)
    return func.replace(cast(column, String), "-", "")


def _time(connection: Connection, column: InstrumentedAttribute[Any]) -> Any:  # noqa: ANN401 - an expression
    if connection.dialect.name == "sqlite":
        return type_coerce(column, String)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US")


# What the content of a record says: every field of a decision, and what is written beside them.
SAID: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct(
        "Said",
        [("is_consent", bool), ("salt", str), *fields_of_a_decision()],
        kw_only=True,
    )
)
# As both databases write a time; other tools leave out a fraction that is zero.
TIME = re.compile(rb"[0-9-]{10} [0-9:]{8}(\.[0-9]{6})?")


def says_the_same(row: Row) -> bool:
    """Whether the columns of a record say what its content says."""
    id_, subject, decided_at, expires_at, notice, content, _digest = row
    try:
        said = SAID.decode(content)
        numbers = id_.decode(), subject.decode()
        beside = _time_in(decided_at), _time_in(expires_at), notice and notice.decode()
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError):
        return False
    is_theirs = numbers == (said.id.replace("-", ""), said.subject.replace("-", ""))
    return is_theirs and beside == (said.decided_at, said.expires_at, said.notice)


def _time_in(column: bytes) -> datetime:
    """Read a time.

    Raises:
        ValueError, TypeError: it is none that this site writes.

    """
    if not TIME.fullmatch(column):
        raise ValueError("this is no time")
    return datetime.fromisoformat(column.decode()).replace(tzinfo=UTC)
