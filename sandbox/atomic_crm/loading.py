"""Makes the tables of an era and fills them by COPY."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import eras
from sandbox.atomic_crm.eras import Era, Row

#: Tables by their head name, parents first.
ORDER = (
    "sales",
    "tags",
    "companies",
    "contacts",
    "deals",
    "tasks",
    "contact_notes",
    "deal_notes",
    "configuration",
)
_NEXT_ID = sql.SQL("select setval(pg_get_serial_sequence({name}, 'id'), (select max(id) from {table}))")
_NOT_COLUMNS = frozenset({"legacy", "email_text", "phone_text", "phone_kind", "second_phone_only"})
Conn = psycopg.Connection[Any]


def create(dsn: str, era: Era) -> None:
    """Makes the tables of that era in an empty database."""
    with psycopg.connect(dsn) as conn:
        conn.execute(eras.ddl(era).encode())


def load(dsn: str, era: Era, tables: Mapping[str, Sequence[Row]], now: datetime) -> None:
    """Loads by COPY in one transaction. Users make no second sale, notes move no last_seen, and contacts of older eras
    go in with the triggers off, as they once did."""
    with psycopg.connect(dsn) as conn:
        conn.execute("set search_path = public, extensions")
        conn.execute("alter table auth.users disable trigger user")
        _copy(conn, sql.Identifier("auth", "users"), [_user(sale, now) for sale in tables["sales"]])
        conn.execute("alter table auth.users enable trigger user")
        for name, rows in tables.items():
            table = sql.Identifier("public", eras.table(era, name))
            if name == "configuration":
                conn.execute("delete from public.configuration")
            quiet = [row for row in rows if row.get("legacy") or name == "contact_notes"]
            if quiet:
                conn.execute(sql.SQL("alter table {} disable trigger user").format(table))
                _copy(conn, table, quiet)
                conn.execute(sql.SQL("alter table {} enable trigger user").format(table))
            _copy(conn, table, [row for row in rows if not (row.get("legacy") or name == "contact_notes")])
            if name != "configuration":
                quoted = sql.Literal(table.as_string(conn))
                conn.execute(_NEXT_ID.format(name=quoted, table=table))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("analyze")


def _user(sale: Row, now: datetime) -> Row:
    """The log-in of a sale; those still called 'Pending' came without a name."""
    names = {"first_name": sale["first_name"], "last_name": sale["last_name"]}
    return {
        "id": sale["user_id"],
        "email": sale["email"],
        "raw_user_meta_data": Jsonb({} if sale["first_name"] == "Pending" else names),
        "created_at": now,
    }


def _copy(conn: Conn, table: sql.Identifier, rows: Sequence[Row]) -> None:
    if not rows:
        return
    columns = [name for name in rows[0] if name not in _NOT_COLUMNS]
    statement = sql.SQL("copy {} ({}) from stdin").format(table, sql.SQL(", ").join(map(sql.Identifier, columns)))
    with conn.cursor() as cur, cur.copy(statement) as copy:
        for row in rows:
            copy.write_row([row[name] for name in columns])
