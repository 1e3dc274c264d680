"""`waits`: who is parked behind whom, and which links were left out until their parent lands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ledger import desired
from ledger.connection import Connection, columns
from ledger.desired import RecordKey
from ledger.sql import query


class Why(StrEnum):
    """What a record waits for."""

    PARENT = "parent"  #: parked until the parent has landed
    VALUE = "value"  #: parked until the holder gives a unique value up
    LEFT_OUT = "left_out"  #: delivered without the link; written again when the parent lands


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One reason to wait."""

    kind: str
    key: str
    on_kind: str
    on_key: str
    why: Why


def replace(conn: Connection, generation: int, keys: Iterable[RecordKey], waits: Sequence[Wait]) -> None:
    """Forgets what these records waited for and notes what they wait for now."""
    conn.execute(query("waits", "forget"), {"generation": generation, **desired.pairs(keys)})
    if waits:
        names = ("kinds", "keys", "on_kinds", "on_keys", "whys")
        values = columns(sorted((w.kind, w.key, w.on_kind, w.on_key, w.why.value) for w in waits))
        conn.execute(query("waits", "add"), {"generation": generation, **dict(zip(names, values, strict=True))})


def free(conn: Connection, generation: int, keys: Iterable[RecordKey], cause: str, lane: str) -> None:
    """Queues everyone who waited for these records; whoever must wait on parks again at its claim."""
    pairs = desired.pairs(keys)
    if not pairs["keys"]:
        return
    rows = conn.execute(query("waits", "freed"), {"generation": generation, **pairs}).fetchall()
    desired.requeue(conn, generation, {(r["kind"], r["key"]) for r in rows}, cause, lane)


def overdue(conn: Connection, generation: int, shards: Sequence[int], most: int = 1000) -> set[RecordKey]:
    """Parked records whose wake was lost (the sweep of H-18)."""
    args = {"generation": generation, "shards": list(shards), "most": most}
    return {(r["kind"], r["key"]) for r in conn.execute(query("waits", "overdue"), args)}
