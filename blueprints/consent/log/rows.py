"""Reads the log for checking: every value as the database has it, however wrong it may be.

A row that somebody has tampered with may hold what no column of ours should, so nothing is
converted on the way that could fail. Rows come as a stream from one snapshot: memory stays the same
for any length, and choices that are made meanwhile are neither held up nor seen.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, String, cast, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from blueprints.consent.log.digest import canonical
from blueprints.consent.log.seals import Seal
from blueprints.consent.models import ConsentLeaf, ConsentRecord, ConsentSeal
from blueprints.database import db

CHUNK = 1000
# SQLite's 0 and 1 are equal to these.
BOOLEANS: dict[object, bytes] = {False: b"false", True: b"true"}

Row = Sequence[Any]
Rows = AbstractContextManager[Iterator[Row]]  # closed at the end, read to it or not


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Open a connection that sees the database as it is now, for as long as it is open."""
    connection = db.engine.connect()
    try:
        if db.engine.dialect.name == "sqlite":
            connection.detach()  # It will not go back to the pool, for it reads text as bytes.
            raw = connection.connection.dbapi_connection
            assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - for the type checker
            raw.text_factory = bytes
            connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
    finally:
        connection.close()


def sealed_rows(connection: Connection) -> Rows:
    """Stream position, seal, record and digest of each leaf, then the columns of its record."""
    leaf = [
        type_coerce(ConsentLeaf.position, String),
        type_coerce(ConsentLeaf.seal, String),
        _uuid(ConsentLeaf.record),
        type_coerce(ConsentLeaf.digest, String),
    ]
    record = ConsentLeaf.record == ConsentRecord.id
    query = select(*leaf, *_record_columns()).outerjoin_from(ConsentLeaf, ConsentRecord, record)
    return _stream(connection, query.order_by(ConsentLeaf.position))


def open_rows(connection: Connection) -> Rows:
    """Stream the columns of each record that has no leaf, in the order of `record_bytes`."""
    leaf = ConsentLeaf.record == ConsentRecord.id
    query = select(*_record_columns()).outerjoin_from(ConsentRecord, ConsentLeaf, leaf)
    return _stream(connection, query.where(ConsentLeaf.record.is_(None)).order_by(ConsentRecord.id))


def seals(connection: Connection) -> Iterator[Seal]:
    """Give each seal in the order of the numbers.

    Raises:
        ValueError, TypeError, AttributeError: a seal holds what no seal of this site does.

    """
    of = ConsentSeal
    plain = (of.number, of.first, of.size, of.root, of.previous, of.head)
    raw: list[Any] = [*(type_coerce(column, String) for column in plain), _time(of.sealed_at)]
    query = select(*raw).order_by(of.number)
    rows = list(connection.execute(query.limit(CHUNK)))
    while rows:
        for row in rows:
            number, first, size, *texts = row
            root, previous, head, at = (v.decode() if isinstance(v, bytes) else v for v in texts)
            sealed_at = datetime.fromisoformat(at).replace(tzinfo=UTC)
            yield Seal(number, first, size, root, previous, head, sealed_at)
        rows = list(connection.execute(query.where(of.number > rows[-1][0]).limit(CHUNK)))


@contextmanager
def _stream(connection: Connection, query: Select[*tuple[Any, ...]]) -> Iterator[Iterator[Row]]:
    with connection.execute(query.execution_options(yield_per=CHUNK)) as rows:
        if connection.dialect.name == "sqlite":
            yield iter(rows)
        else:
            yield ([v.encode() if type(v) is str else v for v in row] for row in rows)


def _record_columns() -> list[Any]:
    of = ConsentRecord
    plain = (of.policy_version, of.language, of.model, of.method, of.is_consent, of.gpc)
    is_sqlite = db.engine.dialect.name == "sqlite"
    salt = func.lower(func.hex(of.salt)) if is_sqlite else func.encode(of.salt, "hex")
    return [
        _uuid(of.id),
        _uuid(of.subject),
        type_coerce(of.statuses, String) if is_sqlite else cast(of.statuses, String),
        *(type_coerce(column, String) for column in plain),
        _time(of.decided_at),
        _time(of.expires_at),
        of.notice,
        salt,
        type_coerce(of.digest, String),
    ]


def _uuid(column: InstrumentedAttribute[Any]) -> Any:  # noqa: ANN401 - an expression of any kind
    if db.engine.dialect.name == "sqlite":
        return type_coerce(column, String)
    return func.replace(cast(column, String), "-", "")


def _time(column: InstrumentedAttribute[Any]) -> Any:  # noqa: ANN401 - an expression of any kind
    if db.engine.dialect.name == "sqlite":
        return type_coerce(column, String)
    return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US")


def record_bytes(row: Row) -> bytes:
    """Write what the digest of a record is over; the same bytes as `canonical(record_content())`.

    Raises:
        ValueError, TypeError, KeyError: a value is none that this site writes.

    """
    (id_, subject, statuses, policy, language, model, method, is_consent, gpc) = row[:9]
    (decided_at, expires_at, notice, salt, _digest) = row[9:]
    if not len(id_) == len(subject) == UUID_DIGITS:
        raise ValueError("no UUID")
    if not len(decided_at) == len(expires_at) == TIME_DIGITS:
        decided_at, expires_at = _whole(decided_at), _whole(expires_at)
    if not decided_at[10] == expires_at[10] == SPACE:
        raise ValueError("no time")
    first, second, third = _pieces(
        gpc, is_consent, language, method, model, notice, policy, statuses
    )
    # This runs for every record, so it is one expression and calls nothing.
    return WRITTEN % (
        *(decided_at[:10], decided_at[11:]),
        *(expires_at[:10], expires_at[11:]),
        first,
        *(id_[:8], id_[8:12], id_[12:16], id_[16:20], id_[20:]),
        second,
        salt,
        third,
        *(subject[:8], subject[8:12], subject[12:16], subject[16:20], subject[20:]),
    )


UUID_DIGITS, TIME_DIGITS, WHOLE_SECOND_DIGITS = 32, 26, 19
SPACE = ord(" ")
WRITTEN = (
    b'{"decided_at":"%bT%bZ","expires_at":"%bT%bZ",%b"id":"%b-%b-%b-%b-%b",%b'
    b'"salt":"%b",%b"subject":"%b-%b-%b-%b-%b"}'
)


@lru_cache(maxsize=8192)
def _pieces(  # noqa: PLR0913, PLR0917 - the columns with few different values
    gpc: object,
    is_consent: object,
    language: bytes,
    method: bytes,
    model: bytes,
    notice: bytes | None,
    policy: bytes,
    statuses: bytes,
) -> tuple[bytes, bytes, bytes]:
    """Write what stands between the values that every record has for itself."""
    bytes_ = (language, method, model, notice, policy)
    texts = (None if value is None else value.decode() for value in bytes_)
    return (
        b'"gpc":%b,' % BOOLEANS[gpc],
        b'"is_consent":%b,"language":%b,"method":%b,"model":%b,"notice":%b,"policy_version":%b,'
        % (BOOLEANS[is_consent], *map(canonical, texts)),
        b'"statuses":%b,' % canonical(json.loads(statuses)),
    )


def _whole(time: bytes) -> bytes:
    """Put the fraction in, which other tools leave out where it is zero."""
    if len(time) not in {WHOLE_SECOND_DIGITS, TIME_DIGITS}:
        raise ValueError("no time")
    return time if len(time) == TIME_DIGITS else time + b".000000"
