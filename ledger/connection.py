"""One way in: a connection whose search path is the migration's schema, and transactions that repeat on conflict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import psycopg
from psycopg.rows import DictRow, dict_row

from infra import postgres
from schemas import naming
from schemas.errors import LockgateError

Connection = psycopg.Connection[DictRow]
T = TypeVar("T")

#: 40001 serialization_failure and 40P01 deadlock_detected are weather (law 4): the same transaction is tried again.
CONFLICT_TRIES = 8


def open_ledger(dsn: str, migration: str, application: str) -> Connection:
    """An autocommit connection to the ledger of one migration. Raises LG-0208 when it cannot be reached."""
    plain = postgres.connect(dsn, error="LG-0208", application=application)
    plain.execute("select set_config('search_path', %s, false)", (naming.ledger_schema(migration),))
    conn = cast(Connection, plain)
    conn.row_factory = dict_row
    return conn


def in_transaction(conn: Connection, work: Callable[[Connection], T]) -> T:
    """Runs `work` in one transaction; a conflict repeats it, anything else passes."""
    for attempt in range(CONFLICT_TRIES):
        try:
            with conn.transaction():
                return work(conn)
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            if attempt == CONFLICT_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def is_weather(error: BaseException) -> bool:
    """True for what may pass by waiting: ledger away, conflict, resources short (SQLSTATE classes 08, 53, 57, 40)."""
    if isinstance(error, LockgateError):
        return error.code == "LG-0208"
    if isinstance(error, psycopg.OperationalError):
        return True
    state = getattr(error, "sqlstate", None) or ""
    return state[:2] in {"08", "53", "57", "40"}


def columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    """Turns records into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]
