"""`journal`: who did what; `calls`: what each object cost; `deliveries`: the trail of receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from ledger.connection import Connection, columns
from ledger.sql import query


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One receipt, for the trail."""

    kind: str
    key: str
    seq: int
    verb: str
    lane: str
    cause: str
    source_at: datetime | None


def note(
    conn: Connection,
    actor: str,
    action: str,
    *,
    object_: str | None = None,
    key: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Writes one line: who, what, on which record; keys and ids only, nothing personal (law 8)."""
    text = orjson.dumps(detail or {}).decode()
    args = {"actor": actor, "action": action, "object": object_, "key": key, "detail": text}
    conn.execute(query("journal", "note"), args)


def count_call(conn: Connection, generation: int, kind: str, verb: str, lane: str, records: int) -> None:
    """Counts one call to the destination and the records it carried."""
    args = {"generation": generation, "kind": kind, "verb": verb, "lane": lane, "records": records}
    conn.execute(query("journal", "count_call"), args)


def calls(conn: Connection, generation: int) -> list[dict[str, Any]]:
    """Calls and records per kind, verb and lane."""
    return [dict(r) for r in conn.execute(query("journal", "calls"), {"generation": generation})]


def deliver(conn: Connection, generation: int, deliveries: Sequence[Delivery]) -> None:
    """Appends receipts to the trail."""
    if not deliveries:
        return
    names = ("kinds", "keys", "seqs", "verbs", "lanes", "causes", "source_at")
    values = columns([(d.kind, d.key, d.seq, d.verb, d.lane, d.cause, d.source_at) for d in deliveries])
    conn.execute(query("journal", "deliver"), {"generation": generation, **dict(zip(names, values, strict=True))})


def latencies(conn: Connection, generation: int, since: datetime) -> list[float]:
    """Milliseconds from the source's commit to the receipt, for live deliveries since then."""
    rows = conn.execute(query("journal", "latencies"), {"generation": generation, "since": since})
    return [r["ms"] for r in rows]


def trail(conn: Connection, kind: str, key: str, most: int = 50) -> list[dict[str, Any]]:
    """The last receipts of one record, newest first."""
    return [dict(r) for r in conn.execute(query("journal", "trail"), {"kind": kind, "key": key, "most": most})]
