"""`snapshots`: which objects have been read to the end, so that a row that is not there will not come (dangling).

Debezium marks the last row of a table and of the whole snapshot; the rows before it lie in other partitions and may be
taken a little later, so an object counts as complete some seconds after its mark. Deciding too early costs one more
write and nothing else: the row's arrival is followed to its readers, and a parent's landing completes its children.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger import desired
from ledger.connection import Connection
from ledger.desired import RecordKey
from ledger.sql import query

CALM_S = 5.0
#: Debezium 3.7's words in `source.snapshot`.
LAST_OF_TABLE, LAST_OF_ALL = "last_in_data_collection", "last"


def seen(conn: Connection, objects: Iterable[str]) -> None:
    """Notes that the last row of these objects was taken."""
    names = sorted(set(objects))
    if names:
        conn.execute(query("snapshots", "seen"), {"objects": names})


def complete(conn: Connection) -> frozenset[str]:
    """Objects that have been read to the end."""
    return frozenset(r["object"] for r in conn.execute(query("snapshots", "complete"), {"calm_s": CALM_S}))


def dangling(conn: Connection, keys: Iterable[RecordKey]) -> set[RecordKey]:
    """Those that are no row of the source and will not become one by the snapshot."""
    named = desired.pairs(keys)
    if not named["keys"]:
        return set()
    rows = conn.execute(query("snapshots", "dangling"), {"calm_s": CALM_S, **named})
    return {(r["kind"], r["key"]) for r in rows}


def awaited(conn: Connection, generation: int, most: int = 1000) -> set[RecordKey]:
    """Records parked for a row they read, which is there by now or cannot come any more: to be projected again."""
    args = {"generation": generation, "calm_s": CALM_S, "most": most}
    return {(r["kind"], r["key"]) for r in conn.execute(query("snapshots", "awaited"), args)}


def pointless(conn: Connection, generation: int, shards: Sequence[int], most: int = 1000) -> set[RecordKey]:
    """Records parked behind a parent that is no row of the source: to be delivered without it."""
    args = {"generation": generation, "calm_s": CALM_S, "shards": list(shards), "most": most}
    return {(r["kind"], r["key"]) for r in conn.execute(query("snapshots", "pointless"), args)}
