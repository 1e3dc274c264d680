"""`offsets`: how far each cdc topic is taken; `topics`: the topic we know, so that another one is noticed (law 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.connection import Connection, columns
from ledger.sql import query


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A cdc topic as the ledger knows it."""

    topic: str
    topic_id: str  #: Kafka's own id: a topic made anew has another one
    partitions: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Offset:
    """How far one partition is taken."""

    next_offset: int  #: one past the last data record; control records behind it do not count (H-32)
    source_at: datetime | None
    taken_at: datetime | None = None


def known(conn: Connection) -> dict[str, Topic]:
    """Topics registered so far."""
    return {r["topic"]: Topic(**r) for r in conn.execute(query("offsets", "known"))}


def register(conn: Connection, topic: str, topic_id: str, partitions: int) -> None:
    """Notes a topic the first time it is seen; a known one stays as it is."""
    conn.execute(query("offsets", "register"), {"topic": topic, "topic_id": topic_id, "partitions": partitions})


def epochs(conn: Connection) -> dict[str, int]:
    """Current epoch of each topic."""
    return {r["topic"]: r["epoch"] for r in conn.execute(query("offsets", "epochs"))}


def advance(conn: Connection, offsets: Mapping[tuple[str, int], Offset]) -> None:
    """Moves offsets forward, never back."""
    if offsets:
        flat = [(t, p, o.next_offset, o.source_at) for (t, p), o in sorted(offsets.items())]
        topics, parts, nexts, source_at = columns(flat)
        args = {"topics": topics, "parts": parts, "nexts": nexts, "source_at": source_at}
        conn.execute(query("offsets", "advance"), args)


def read(conn: Connection) -> dict[tuple[str, int], Offset]:
    """How far every partition is taken."""
    rows = conn.execute(query("offsets", "read"))
    return {
        (r["topic"], r["part"]): Offset(next_offset=r["next_offset"], source_at=r["source_at"], taken_at=r["taken_at"])
        for r in rows
    }
