"""`wanted` is the operator's wish, `observed` what a worker reports; `workers` says who is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.connection import Connection, columns
from ledger.sql import query

Switch = tuple[str, str, str]  # object, stage, lane


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A process that reports to the ledger."""

    worker: str  #: `sink-twenty-1`
    stage: str  #: streams or sinks
    pid: int
    host: str
    revision: str | None  #: the approved revision it obeys
    since: datetime
    beat_at: datetime
    note: str | None  #: what it waits for, if anything
    age_s: float  #: since its last report, by the ledger's clock


def want(conn: Connection, switch: Switch, state: str, by: str, why: str = "") -> None:
    """Writes a wish down: `running` or `paused` for one object, stage and lane."""
    object_, stage, lane = switch
    args = {"object": object_, "stage": stage, "lane": lane, "state": state, "by": by, "why": why}
    conn.execute(query("wishes", "want"), args)


def wanted(conn: Connection) -> dict[Switch, dict[str, Any]]:
    """Every wish with by whom, why and when; what is not listed is wanted running."""
    return {(r["object"], r["stage"], r["lane"]): dict(r) for r in conn.execute(query("wishes", "wanted"))}


def observe(conn: Connection, worker: str, stage: str, states: Mapping[tuple[str, str], str]) -> None:
    """Reports what a worker does per (object, lane)."""
    if states:
        objects, lanes, values = columns([(o, lane, state) for (o, lane), state in sorted(states.items())])
        args = {"worker": worker, "stage": stage, "objects": objects, "lanes": lanes, "states": values}
        conn.execute(query("wishes", "observe"), args)


def observed(conn: Connection) -> dict[Switch, set[str]]:
    """What all living workers report."""
    found: dict[Switch, set[str]] = {}
    for r in conn.execute(query("wishes", "observed")):
        found.setdefault((r["object"], r["stage"], r["lane"]), set()).add(r["state"])
    return found


def beat(
    conn: Connection, worker: str, stage: str, pid: int, host: str, revision: str | None, note: str | None
) -> None:
    """A worker says that it lives, which revision it obeys and what it waits for."""
    args = {"worker": worker, "stage": stage, "pid": pid, "host": host, "revision": revision, "note": note}
    conn.execute(query("wishes", "beat"), args)


def leave(conn: Connection, worker: str) -> None:
    """A worker says good-bye."""
    conn.execute(query("wishes", "leave"), {"worker": worker})


def workers(conn: Connection) -> list[Worker]:
    """Workers that have reported and not left."""
    return [Worker(**r) for r in conn.execute(query("wishes", "workers"))]
