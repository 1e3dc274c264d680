"""What a person sees and decides about single records: dead, asked, parked; the trail of one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ledger import desired, dirty, journal, waits
from ledger.connection import Connection
from ledger.desired import OWN_LANE, RecordKey
from ledger.dirty import Mark
from ledger.sql import query

_JSON = ("payload", "refs", "claims", "flags")


def listed(
    conn: Connection, generation: int, states: Sequence[str], kind: str | None = None, most: int = 1000
) -> list[dict[str, Any]]:
    """Records of these states, each with code, reason and whom it waits for."""
    args = {"generation": generation, "states": list(states), "kind": kind, "most": most}
    rows = conn.execute(query("decisions", "listed"), args)
    return [{**r, "waits": orjson.loads(r["waits"])} for r in rows]


def one(conn: Connection, generation: int, name: RecordKey) -> dict[str, Any] | None:
    """Desired and record of one name; None when it was never projected."""
    args = {"generation": generation, "kind": name[0], "key": name[1]}
    row = conn.execute(query("decisions", "one"), args).fetchone()
    if row is None:
        return None
    return {**row, **{field: orjson.loads(row[field]) if row[field] else None for field in _JSON}}


def trail(conn: Connection, generation: int, name: RecordKey, most: int = 50) -> dict[str, Any]:
    """The path of one record: its row, what is wanted, what is there, receipts and decisions, newest first."""
    args = {"object": name[0], "key": name[1], "most": most}
    row = conn.execute(query("decisions", "row"), {"object": name[0], "key": name[1]}).fetchone()
    notes = conn.execute(query("decisions", "notes"), args)
    return {
        "row": dict(row) if row else None,
        "record": one(conn, generation, name),
        "waits": [
            w
            for r in listed(conn, generation, ["parked", "delivered"], name[0])
            if r["key"] == name[1]
            for w in r["waits"]
        ],
        "receipts": journal.trail(conn, name[0], name[1], most),
        "decisions": [{**n, "detail": orjson.loads(n["detail"])} for n in notes],
    }


def retry(conn: Connection, generation: int, names: Sequence[RecordKey], by: str) -> int:
    """Dead, asked or parked records are tried again: projected anew, and sent though nothing changed."""
    with conn.transaction():
        desired.requeue(conn, generation, names, "retried", "live")
        waits.free(conn, generation, names, "parent retried", OWN_LANE)
        dirty.mark(conn, [Mark(kind=kind, key=key, lane="live", cause="retried") for kind, key in names])
        for kind, key in names:
            journal.note(conn, by, "retried", object_=kind, key=key)
    return len(names)


def skip(conn: Connection, generation: int, name: RecordKey, by: str, why: str) -> bool:
    """A dead, asked or parked record stays behind, with who and why; those who waited for it go on without."""
    kind, key = name
    with conn.transaction():
        args = {
            "generation": generation,
            "kind": kind,
            "key": key,
            "code": "LG-0610",
            "reason": f"skipped by {by}: {why}",
        }
        found = conn.execute(query("decisions", "skip"), args).fetchone()
        if found is not None:
            waits.replace(conn, generation, [name], [])
            waits.free(conn, generation, [name], "parent ended", OWN_LANE)
            journal.note(conn, by, "skipped", object_=kind, key=key, detail={"why": why})
    return found is not None


def adopt(
    conn: Connection, generation: int, name: RecordKey, remote_id: str, before: Mapping[str, Any], by: str
) -> bool:
    """An asked record takes over the row that was there before us; False while a call on it is under way."""
    kind, key = name
    with conn.transaction():
        image = orjson.dumps(before).decode()
        args = {"kind": kind, "key": key, "remote_id": remote_id, "before": image, "by": by}
        found = conn.execute(query("decisions", "adopt"), args).fetchone()
        if found is not None:
            desired.requeue(conn, generation, [name], "adopted", "live")
            journal.note(conn, by, "adopted", object_=kind, key=key, detail={"remote_id": remote_id})
    return found is not None
