"""Numbered migrations, each applied once under a lock; never edited after a release."""

from __future__ import annotations

from importlib import resources

from psycopg import sql as psql

from ledger.connection import Connection
from schemas import naming


def migrate(conn: Connection, migration: str) -> list[str]:
    """Brings the migration's schema to the newest shape; returns the names of the files applied now."""
    schema = psql.Identifier(naming.ledger_schema(migration))
    applied: list[str] = []
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtext('lockgate migrate'))")
        conn.execute(psql.SQL("create schema if not exists {}").format(schema))
        conn.execute(
            "create table if not exists schema_migrations"
            " (name text primary key, at timestamptz not null default now())"
        )
        done = {row["name"] for row in conn.execute("select name from schema_migrations")}
        for name in sorted(f.name for f in resources.files("ledger").joinpath("migrations").iterdir()):
            if name.endswith(".sql") and name not in done:
                text = resources.files("ledger").joinpath("migrations", name).read_text()
                conn.execute(text.encode())
                conn.execute("insert into schema_migrations (name) values (%s)", (name,))
                applied.append(name)
    return applied


def exists(conn: Connection, migration: str) -> bool:
    """Whether this migration has a ledger yet."""
    found = conn.execute("select 1 as one from pg_namespace where nspname = %s", (naming.ledger_schema(migration),))
    return found.fetchone() is not None
