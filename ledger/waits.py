"""`waits`: who is parked behind whom, and which links were left out until their parent lands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ledger import desired
from ledger.connection import Connection, columns
from ledger.desired import RecordKey
from ledger.sql import query
from schemas import naming

#: Cause of a record that is written without a value, so that a ring of waiting records opens (H-25).
RING = "ring of values"


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


def rings(conn: Connection, generation: int, most: int = 1000) -> set[RecordKey]:
    """The smallest record of each ring of records that are parked behind each other's values (H-25)."""
    found = conn.execute(query("waits", "behind"), {"generation": generation, "most": most})
    return smallest_of_rings({(r["kind"], r["key"]): (r["kind"], r["on_key"]) for r in found})


def smallest_of_rings(behind: Mapping[RecordKey, RecordKey]) -> set[RecordKey]:
    """Pure: who waits behind whom → the smallest source key of each ring."""
    found: set[RecordKey] = set()
    seen: set[RecordKey] = set()
    for start in behind:
        path: list[RecordKey] = []
        at: RecordKey | None = start
        while at is not None and at not in seen:
            seen.add(at)
            path.append(at)
            at = behind.get(at)
        if at in path:
            found.add(min(path[path.index(at) :], key=lambda one: naming.key_order(one[1])))
    return found


def overdue(conn: Connection, generation: int, shards: Sequence[int], most: int = 1000) -> set[RecordKey]:
    """Records whose wake was lost (the sweep of H-18)."""
    args = {"generation": generation, "shards": list(shards), "most": most}
    return {(r["kind"], r["key"]) for r in conn.execute(query("waits", "overdue"), args)}
