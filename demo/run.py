"""The rehearsal told: fill, move while the team edits, let the line drain, compare every field."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
from rich.console import Console
from rich.text import Text

from control import approve, propose, provision, start, status
from control.context import GENERATION, Context
from demo import compare
from demo import watch as watching
from demo.compare import FLAGS, Comparison, Difference
from demo.scene import DSN_ENV, Scene, Wish
from demo.watch import Watch
from infra.clock import boottime
from ledger import journal, states
from sandbox.atomic_crm import planted
from sandbox.atomic_crm.planted import Counted
from schemas.errors import LockgateError

#: The team goes on this long once everything that was there at first has moved.
FOLLOW_S = 10.0
LOAD_AT_MOST_S = 3 * 3600.0
DRAIN_AT_MOST_S = 900.0


@dataclass(kw_only=True)
class Times:
    """Seconds of each part."""

    setup: float = 0.0
    load: float = 0.0
    drain: float = 0.0
    verify: float = 0.0
    first_record: float = 0.0  #: from the start of `lockgate start` to the first delivered record
    at: float = field(default_factory=boottime)

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = boottime()
        taken, self.at = now - self.at, now
        return round(taken, 2)


def run(wish: Wish, console: Console) -> dict[str, Any]:
    """Plays the rehearsal; the answer is what `.lockgate/demo.json` holds. Raises LG-0801 when one field differs."""
    scene, times = Scene(wish, console), Times()
    try:
        context = scene.set_up()
        _prepare(context, console)
        times.setup = times.lap()
        began = datetime.now(UTC)
        start.start(context)
        scene.team()
        watch = Watch(context, console)
        watch.until(watching.moved(), LOAD_AT_MOST_S)
        watch.until(watching.after(FOLLOW_S), LOAD_AT_MOST_S)
        times.load = times.lap()
        edits = scene.team_stops()
        console.print(Text(f"the team stops after {edits['changes']} changes; the line drains"))
        watch.drain(DRAIN_AT_MOST_S)
        times.drain, times.first_record = times.lap(), watch.first_record_s
        plan = approve.approved(context).plan
        with context.ledger("demo") as conn:
            listed = states.listed(conn, GENERATION, ["dead", "asked", "filtered"])
            latencies = journal.latencies(conn, GENERATION, began)
        found = compare.compare(context, plan, ())
        oddities = _oddities(found)
        times.verify = times.lap()
        answer = _answer(wish, context, found, times, latencies)
        _write(wish, answer)
        _tell(console, answer, listed, found, oddities)
        context.close()
    finally:
        if not wish.keep:
            scene.take_down_unhurried()
    if answer["differences"]:
        raise LockgateError("LG-0801", f"{len(answer['differences'])} differences, listed in .lockgate/demo.json.")
    return answer


def _oddities(found: Comparison) -> list[Counted]:
    """What the source holds that does not simply move, counted there now; it must be what the destination flags."""
    with psycopg.connect(os.environ[DSN_ENV]) as conn:
        counted = [c for c in planted.count(conn) if c.end in (planted.End.FLAGGED, planted.End.DANGLING)]
    for one in counted:
        carried = found.flags.get((one.object, one.reason), set())
        for key in sorted(set(one.keys) ^ carried):
            there = one.reason if key in carried else None
            found.differences.append(
                Difference(object=one.object, key=key, field=FLAGS, expected=one.reason, found=there)
            )
    return [one for one in counted if one.rows]


def _prepare(context: Context, console: Console) -> None:
    """What an operator does before the first record: propose, sign, provision."""
    proposal = propose.propose(context)
    approve.approve(context, proposal.revision, "the rehearsal")
    made = provision.provision(context)
    console.print(Text(f"plan {proposal.revision[:12]} approved; {len(made)} fields made in the destination"))


def _answer(wish: Wish, context: Context, found: Comparison, times: Times, latencies: list[float]) -> dict[str, Any]:
    now = status.status(context)
    return {
        "seed": wish.seed,
        "scale": wish.scale,
        "limit": wish.limit,
        "objects": {name: _object(name, one, now["calls"]) for name, one in now["objects"].items()},
        "compared": {"records": found.records, "fields": found.fields},
        "differences": [asdict(d) for d in found.differences],
        "latency_ms": _percentiles(latencies),
        "seconds": {name: getattr(times, name) for name in ("setup", "load", "drain", "verify", "first_record")},
        "endpoints": now["endpoints"],
    }


def _object(name: str, one: Mapping[str, Any], calls: list[Mapping[str, Any]]) -> dict[str, Any]:
    own = [c for c in calls if c["kind"] == name]
    made = sum(c["calls"] for c in own)
    states_ = ("filtered", "queued", "parked", "asked", "dead", "delivered", "removed")
    return {
        "source": one["source"],
        "states": {state: one[state] for state in states_},
        "calls": made,
        "records_per_call": round(sum(c["records"] for c in own) / made, 1) if made else 0.0,
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    if len(values) < 2:
        return {"p50": round(values[0], 1) if values else 0.0, "p99": round(values[0], 1) if values else 0.0}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


def _write(wish: Wish, answer: Mapping[str, Any]) -> None:
    path = wish.root.resolve().parent / "demo.json"
    path.write_bytes(orjson.dumps(answer, option=orjson.OPT_INDENT_2, default=str))


def _tell(
    console: Console,
    answer: Mapping[str, Any],
    listed: Sequence[Mapping[str, Any]],
    found: Comparison,
    oddities: Sequence[Counted],
) -> None:
    for one in oddities:
        console.print(Text(f"{one.rows} {one.object} {one.end.value}: {one.reason}"))
    for record in listed:
        told = f"{record['kind']} {record['key']} {record['state']}: {record['code']} {record['reason']}"
        console.print(Text(told))
    for d in answer["differences"][:20]:
        console.print(Text(f"{d['object']} {d['key']} {d['field']}: {d['expected']!r} ≠ {d['found']!r}", style="red"))
    records = ", ".join(f"{count} {name}" for name, count in found.records.items())
    latency, seconds = answer["latency_ms"], answer["seconds"]
    console.print(Text(f"compared {found.fields} fields of {records}: {len(answer['differences'])} differences"))
    console.print(Text(f"live latency p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms at this limit"))
    console.print(Text(", ".join(f"{name} {value} s" for name, value in seconds.items())))
    for name, value in answer["endpoints"].items():
        console.print(Text(f"{name}: {value}"), soft_wrap=True)
