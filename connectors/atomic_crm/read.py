"""Reads the source's rows with their types: for comparison, counts and owners, never for capture.

Python types: int, bool, float, Decimal, str (text, citext, uuid, interval, inet, enums, …), bytes, date, time, aware
datetime in UTC, parsed json and jsonb, lists. A date or timestamp that Python cannot hold (infinity, BC, year > 9999)
comes as PostgreSQL's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.string import TextLoader

from connectors.atomic_crm.settings import Settings, connect
from infra.postgres import Connection
from schemas.catalog import Table

BATCH = 500  #: rows held at once; a contact's `background` may be large


class _Date(DateLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Timestamp(TimestampLoader):
    def load(self, data: Any) -> Any:
        return _or_text(super().load, data)


class _Timestamptz(TimestamptzLoader):
    def load(self, data: Any) -> Any:
        value: date | datetime | str = _or_text(super().load, data)
        return value.astimezone(UTC) if isinstance(value, datetime) else value


def _or_text(load: Any, data: Any) -> Any:
    try:
        return load(data)
    except psycopg.DataError:
        return bytes(data).decode()


@dataclass(frozen=True, kw_only=True)
class Sale:
    """A person of the source who owns records."""

    key: str  #: sales.id as text
    email: str  #: as stored; compared in lower case
    name: str
    disabled: bool


@contextmanager
def snapshot(settings: Settings) -> Iterator[Connection]:
    """One read-only repeatable-read transaction: everything read in it is one moment of the source."""
    with connect(settings, purpose="read", autocommit=False) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        _register(conn)
        yield conn
        conn.rollback()


def _register(conn: Connection) -> None:
    for type_, loader in (("date", _Date), ("timestamp", _Timestamp), ("timestamptz", _Timestamptz)):
        conn.adapters.register_loader(type_, loader)
    for type_ in ("uuid", "inet", "cidr", "interval"):
        conn.adapters.register_loader(type_, TextLoader)


def rows(conn: Connection, table: Table, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Every row in key order as column → value, `BATCH` at a time from a server-side cursor."""
    names = tuple(columns or table.columns)
    order = sql.SQL(" order by ") + sql.SQL(", ").join(map(sql.Identifier, table.key)) if table.key else sql.SQL("")
    query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(map(sql.Identifier, names)), _name(table)) + order
    with conn.cursor(name="lockgate_read") as cursor:
        cursor.itersize = BATCH
        for row in cursor.execute(query):
            yield dict(zip(names, row, strict=True))


def key_of(table: Table, row: Mapping[str, Any]) -> str:
    """The source key: primary-key values as text joined by `/`."""
    return "/".join(str(row[column]) for column in table.key)


def counts(conn: Connection, tables: Sequence[Table]) -> Mapping[str, int]:
    """Exact row counts by table name."""
    found = {}
    for table in tables:
        row = conn.execute(sql.SQL("select count(*) from {}").format(_name(table))).fetchone()
        assert row is not None
        found[table.name] = int(row[0])
    return found


def count_by(conn: Connection, table: str, column: str) -> dict[str, int]:
    """Rows per value of a column, as text; nulls are left out. E.g. rows per owner."""
    query = sql.SQL("select {column}::text, count(*) from {table} where {column} is not null group by 1 order by 1")
    found = conn.execute(query.format(column=sql.Identifier(column), table=sql.Identifier(*table.split(".", 1))))
    return {str(value): int(count) for value, count in found}


def read_sales(conn: Connection, schema: str = "public") -> list[Sale]:
    """Everybody who may own records, disabled ones too: they still own (`atomic_crm.md` 6.2)."""
    query = sql.SQL("select s.id::text, s.email::text, first_name, last_name, disabled from {} s order by s.id")
    return [
        Sale(key=key, email=email, name=f"{first} {last}".strip(), disabled=disabled)
        for key, email, first, last, disabled in conn.execute(query.format(sql.Identifier(schema, "sales")))
    ]


def configuration(conn: Connection, schema: str = "public") -> Mapping[str, Any]:
    """`configuration.config`: `{}` where nobody saved the settings, and in eras without that table (`atomic_crm.md`
    3.2): upstream's defaults are in force then."""
    table = sql.Identifier(schema, "configuration")
    there = conn.execute("select to_regclass(%s)::text", [table.as_string(conn)]).fetchone()
    if there is None or there[0] is None:
        return {}
    row = conn.execute(sql.SQL("select config from {} where id = 1").format(table)).fetchone()
    config = row[0] if row else None
    return config if isinstance(config, dict) else {}


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(*table.name.split(".", 1))
