"""What a database does at most: one insert after the other, each committed, and nothing else.

On SQLite that is one thread with one connection, WAL and `synchronous = FULL`: more threads would
only wait for each other. On PostgreSQL it is eight connections, a thread each.
"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import psycopg

CONNECTIONS = 8
CONTENT = "x" * 500  # as long as what a record says


def sqlite_loop(folder: Path, seconds: float) -> float:
    """Return how many rows a second are committed."""
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id BLOB PRIMARY KEY, content TEXT)")
        number, begun = 0, perf_counter()
        while perf_counter() - begun < seconds:
            connection.execute("INSERT INTO rows VALUES (?, ?)", (uuid4().bytes, CONTENT))
            number += 1
        return number / (perf_counter() - begun)


def psycopg_loop(uri: str, seconds: float) -> float:
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (id uuid PRIMARY KEY, content text)")
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sum(threads.map(_insert, [uri] * CONNECTIONS, [seconds] * CONNECTIONS))


def _insert(uri: str, seconds: float) -> float:
    with psycopg.connect(uri, autocommit=True) as connection:
        number, begun = 0, perf_counter()
        while perf_counter() - begun < seconds:
            connection.execute("INSERT INTO rows VALUES (%s, %s)", (uuid4(), CONTENT))
            number += 1
        return number / (perf_counter() - begun)
