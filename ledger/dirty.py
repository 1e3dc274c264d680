"""`dirty`: destination records to project again; `fan_outs`: rows that others read, to be followed to their readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger import rows
from ledger.connection import Connection, columns
from ledger.sql import query

#: Dependants marked in one transaction (DESIGN 2); the cursor remembers where to go on.
FAN_OUT_STEP = 500
#: A first snapshot makes one small fan-out a row that others may read; many are followed together.
FAN_OUTS_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An order to project one record again."""

    kind: str
    key: str
    lane: str  #: `live` for the row's own change, `backfill` for snapshots and fan-outs
    cause: str
    mark: int = 0  #: rises with every marking; a projection clears only the mark it read


def mark(conn: Connection, marks: Iterable[Mark]) -> None:
    """Marks records in every active generation."""
    flat = [(m.kind, m.key, m.lane, m.cause) for m in marks]
    if flat:
        kinds, keys, lanes, causes = columns(flat)
        conn.execute(query("dirty", "mark"), {"kinds": kinds, "keys": keys, "lanes": lanes, "causes": causes})


def lock(conn: Connection, generation: int, most: int) -> list[Mark]:
    """The next marks, live first, locked until the transaction ends; skips those another worker has."""
    found = conn.execute(query("dirty", "lock"), {"generation": generation, "most": most})
    return sorted((Mark(**r) for r in found), key=lambda m: (m.kind, m.key))


def clear(conn: Connection, generation: int, marks: Sequence[Mark]) -> None:
    """Clears the marks that have not moved."""
    if marks:
        kinds, keys, numbers = columns([(m.kind, m.key, m.mark) for m in marks])
        conn.execute(
            query("dirty", "clear"), {"generation": generation, "kinds": kinds, "keys": keys, "marks": numbers}
        )


def count(conn: Connection, generation: int) -> int:
    """Marks not worked off, and fan-outs not finished."""
    total = 0
    for name in ("count", "fan_outs"):
        row = conn.execute(query("dirty", name), {"generation": generation}).fetchone()
        total += row["n"] if row else 0
    return total


def fan_out(conn: Connection, row: rows.RowKey, cause: str) -> None:
    """Notes that every record which reads `row` must be projected again; a later transaction looks for them.

    Never in the transaction that stores the row: a link that another take is storing at the same moment would be
    missed by us, and our row by the projection of that link (ADR-0004)."""
    conn.execute(query("dirty", "fan_out"), {"object": row[0], "key": row[1], "cause": cause})


def advance(conn: Connection, generation: int, readers: Mapping[str, Sequence[str]]) -> bool:
    """Works off one step of the oldest fan-outs, about 500 marks together; False when there is none."""
    jobs = conn.execute(
        query("dirty", "next_fan_outs"), {"generation": generation, "most": FAN_OUTS_AT_ONCE}
    ).fetchall()
    if not jobs:
        return False
    names = ("ids", "objects", "keys", "cursor_objects", "cursor_keys")
    values = columns([(j["id"], j["object"], j["key"], j["cursor_object"], j["cursor_key"]) for j in jobs])
    args = {"most": FAN_OUT_STEP, **dict(zip(names, values, strict=True))}
    found: dict[int, list[rows.RowKey]] = {j["id"]: [] for j in jobs}
    for r in conn.execute(query("dirty", "followed"), args):
        found[r["id"]].append((r["object"], r["key"]))
    marks: list[Mark] = []
    finished: list[int] = []
    for job in jobs:
        reached = found[job["id"]]
        wanted = readers.get(job["object"], ())
        marks += [Mark(kind=o, key=k, lane="backfill", cause=job["cause"]) for o, k in reached if o in wanted]
        if len(reached) < FAN_OUT_STEP:
            finished.append(job["id"])
        else:
            last = reached[-1]
            conn.execute(query("dirty", "advance"), {"id": job["id"], "object": last[0], "key": last[1]})
        if len(marks) >= FAN_OUT_STEP:
            break
    mark(conn, marks)
    conn.execute(query("dirty", "finish"), {"ids": finished})
    return True
