"""By which index each statement goes that a visitor's request sends to the database.

The statements are those that the drivers get, whoever sends them, on a journey through the pages of
a visitor. What is planned is what was sent, with its values. PostgreSQL reads a table of few rows
whole, index or not: it takes a log of some length to see what it does with one.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from clients import NOTICE
from flask import Flask

from app import create_app

TABLES = ("consent_records", "consent_leaves", "consent_seals", "consent_notices", "sessions")
LITERAL = re.compile(r"X?'(?:[^']|'')*'|\b\d[\d.]*\b")
READS_ALL = re.compile(rf"(?:SCAN|Seq Scan on) (?:{'|'.join(TABLES)})\b(?! USING)")
STATEMENTS = ("SELECT", "UPDATE", "DELETE", "WITH")  # what only inserts reads nothing
Sent = tuple[str, Any]  # a statement, and its values where they do not stand in it


def plans(uri: str, settings: dict[str, str]) -> list[dict[str, Any]]:
    """Print and return each statement, its plan, and whether that reads a whole table."""
    listen, explain = (_sqlite, _on_sqlite) if uri.startswith("sqlite") else (_psycopg, _on_psycopg)
    with listen() as sent:
        _journey(create_app(settings))
    shapes = {LITERAL.sub("?", statement): (statement, values) for statement, values in sent}
    found = []
    for shape, (statement, values) in shapes.items():
        plan = explain(uri, statement, values)
        reads_all = bool(READS_ALL.search(plan)) and not _stops_early(shape, plan)
        print("READS ALL" if reads_all else "an index ", " ".join(shape.split())[:110])
        print("    ", plan.replace("\n", "\n     "))
        found.append({"statement": shape, "plan": plan, "reads_all": reads_all})
    return found


def _stops_early(statement: str, plan: str) -> bool:
    """Whether it reads in the order of the key, and ends once it has enough."""
    return "LIMIT" in statement and "B-TREE" not in plan and "Sort" not in plan


def _journey(site: Flask) -> None:
    client = site.test_client()
    notice = NOTICE.search(client.get("/").text)
    assert notice, "there is no banner"
    form = {"next": "/", "notice": notice[1]}
    steps: tuple[tuple[str, dict[str, str] | None], ...] = (
        ("/cookies", {"choice": "accept_all", **form}),
        *((path, None) for path in ("/", "/cookies", "/cookies/history", "/cookies/receipt")),
        *((path, None) for path in (f"/cookies/notices/{notice[1]}", "/consent/seals.json")),
        ("/cookies", {"choice": "reject", **form}),
        ("/cookies/withdraw", {}),
        ("/cookies/records", {"number": str(uuid4())}),
        ("/cookies/erase", {}),
    )
    for path, data in steps:
        headers = {"Sec-Fetch-Site": "same-origin"}
        method = "GET" if data is None else "POST"
        answer = client.open(path, method=method, data=data, headers=headers)
        assert answer.status_code < 400 or path == "/cookies/records", f"{path}: {answer.status}"
    site.extensions["sealing"].wait()


def _is_of_ours(statement: str) -> bool:
    return statement.startswith(STATEMENTS) and any(table in statement for table in TABLES)


@contextmanager
def _sqlite() -> Iterator[list[Sent]]:
    sent: list[Sent] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def note(statement: str) -> None:
        if _is_of_ours(statement):
            sent.append((statement, None))

    def listening(*args: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - passed on
        connection = connect(*args, **options)
        connection.set_trace_callback(note)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", listening)
        patch.setattr(sqlite3.dbapi2, "connect", listening)
        yield sent


@contextmanager
def _psycopg() -> Iterator[list[Sent]]:
    sent: list[Sent] = []
    execute: Callable[..., Any] = psycopg.Cursor.execute

    def listening(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:  # noqa: ANN401 - passed on
        if _is_of_ours(str(query)):
            sent.append((str(query), params))
        return execute(cursor, query, params, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Cursor, "execute", listening)
        yield sent


def _on_sqlite(uri: str, statement: str, _values: object) -> str:
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    return "\n".join(row[3] for row in rows)


def _on_psycopg(uri: str, statement: str, values: Any) -> str:  # noqa: ANN401 - of the driver
    with psycopg.connect(uri.replace("+psycopg", "")) as connection:
        explain: Any = f"EXPLAIN (COSTS OFF) {statement}"
        return "\n".join(row[0] for row in connection.execute(explain, values))
