"""Connections to PostgreSQL: one way in, its failures in our words, never with a password."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import conninfo

from schemas.errors import LockgateError

Connection = psycopg.Connection[tuple[Any, ...]]
CONNECT_SECONDS = 5


def connect(
    dsn: str, *, application: str, error: str, autocommit: bool = True, seconds: int = CONNECT_SECONDS
) -> Connection:
    """A connection, named `application` in pg_stat_activity; a failure is LockgateError of the code `error`."""
    settings = settings_of(dsn, error=error)
    settings.setdefault("connect_timeout", str(seconds))
    settings["application_name"] = application
    try:
        return psycopg.connect(autocommit=autocommit, **settings)
    except psycopg.OperationalError as problem:
        said = " ".join(scrubbed(str(problem), settings).split())
    raise LockgateError(error, f"{address(dsn)}: {said}")


def settings_of(dsn: str, *, error: str) -> dict[str, Any]:
    """The DSN's parts; one that cannot be read is LockgateError of that code, without quoting it."""
    try:
        return dict(conninfo.conninfo_to_dict(dsn))
    except psycopg.ProgrammingError:
        pass
    raise LockgateError(error, "The address is not a PostgreSQL connection string.")


def address(dsn: str) -> str:
    """host:port/database, all that may be printed of a DSN."""
    try:
        parts = conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "?"
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def scrubbed(text: str, settings: dict[str, Any]) -> str:
    """The text without the settings' password."""
    password = settings.get("password")
    return text.replace(str(password), "***") if password else text
