"""Law 3 in numbers: the one state of every row, and what is still under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.connection import Connection
from ledger.sql import query

LIVE_STATES = ("filtered", "queued", "parked", "asked", "dead", "delivered")


@dataclass(kw_only=True)
class Sums:
    """One object's rows by state; the six live states add up to `rows`."""

    rows: int = 0  #: live source rows the ledger knows
    live: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LIVE_STATES, 0))
    deleted: dict[str, int] = field(default_factory=dict)  #: deleted rows: queued, dead or removed


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What is still under way; all zero = the line is quiet."""

    unprojected: int  #: dirty marks and fan-outs
    queued: int
    parked: int
    open: int  #: leases and records with an unanswered call
    looks: int  #: second looks that are still to come

    def quiet(self) -> bool:
        """True when nothing moves any more; parked records may remain."""
        return not (self.unprojected or self.queued or self.open)


def sums(conn: Connection, generation: int, feeders: Sequence[str]) -> dict[str, Sums]:
    """Rows by object and state, read in one statement."""
    found: dict[str, Sums] = {}
    for r in conn.execute(query("states", "sums"), {"generation": generation, "feeders": list(feeders)}):
        one = found.setdefault(r["object"], Sums())
        side = one.deleted if r["deleted"] else one.live
        state = "removed" if r["deleted"] and r["state"] == "filtered" else r["state"]
        side[state] = side.get(state, 0) + r["n"]
        one.rows += 0 if r["deleted"] else r["n"]
    return found


def listed(conn: Connection, generation: int, states: Sequence[str], most: int = 1000) -> list[dict[str, Any]]:
    """Parked, asked or dead records with code and reason."""
    args = {"generation": generation, "states": list(states), "most": most}
    return [dict(r) for r in conn.execute(query("states", "listed"), args)]


def pending(conn: Connection, generation: int) -> Pending:
    """What is still under way."""
    row = conn.execute(query("states", "pending"), {"generation": generation}).fetchone()
    assert row is not None
    return Pending(**row)


def oldest_live_ms(conn: Connection, generation: int) -> dict[str, float]:
    """Age of the oldest live change that is not delivered, per object."""
    rows = conn.execute(query("states", "oldest_live"), {"generation": generation})
    return {r["object"]: r["ms"] for r in rows if r["ms"] is not None}


def lanes(conn: Connection, generation: int) -> dict[str, dict[str, int]]:
    """Queued records per object and lane."""
    found: dict[str, dict[str, int]] = {}
    for r in conn.execute(query("states", "lanes"), {"generation": generation}):
        found.setdefault(r["object"], {})[r["lane"]] = r["n"]
    return found
