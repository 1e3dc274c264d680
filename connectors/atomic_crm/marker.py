"""A marker in the source's WAL: `pg_logical_emit_message`, transactional, so it arrives in order with the rows."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from connectors import debezium
from infra.postgres import Connection


def emit(conn: Connection, migration: str, content: str) -> int:
    """Writes a marker into the current transaction (its own in autocommit); the LSN of the message.

    It arrives once the transaction commits, on `debezium.message_topic`, exactly once with Connect's exactly-once
    (`engine.md` 3 and 7). It touches no table.
    """
    query = "select pg_logical_emit_message(true, %s, %s)::text"
    row = conn.execute(query, [debezium.marker_prefix(migration), content]).fetchone()
    assert row is not None
    return lsn(row[0])


def lsn(text: str) -> int:
    """`16/B374D848` as the number Debezium writes."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def content_of(event: Mapping[str, Any], migration: str) -> str | None:
    """The content of a marker event (a value of the message topic); None if it is not one of ours."""
    message = event.get("message") or {}
    if event.get("op") != "m" or message.get("prefix") != debezium.marker_prefix(migration):
        return None
    return base64.b64decode(message["content"]).decode()
