"""The rehearsal told: fill, move while the team edits, let the line drain, compare every field."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.console import Console
from rich.text import Text

from connectors.atomic_crm import marker
from connectors.atomic_crm import settings as source_settings
from control import approve, output, propose, provision, start, status
from control.context import GENERATION, Context
from control.follow import Keeper
from demo import compare
from demo.compare import Comparison
from demo.scene import Scene, Wish
from infra.clock import Deadline, boottime
from ledger import journal, states
from schemas.errors import LockgateError

LOOK_S = 0.5
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
        watch = _Watch(context, console, times)
        watch.until(_moved(), LOAD_AT_MOST_S)
        watch.until(_after(FOLLOW_S), LOAD_AT_MOST_S)
        times.load = times.lap()
        edits = scene.team_stops()
        console.print(Text(f"the team stops after {edits['changes']} changes; the line drains"))
        _drain(context, watch)
        times.drain = times.lap()
        plan = approve.approved(context).plan
        with context.ledger("demo") as conn:
            listed = states.listed(conn, GENERATION, ["dead", "asked", "filtered"])
            latencies = journal.latencies(conn, GENERATION, began)
        found = compare.compare(context, plan, [(r["kind"], r["key"]) for r in listed])
        times.verify = times.lap()
        answer = _answer(wish, context, found, times, latencies)
        _write(wish, answer)
        _tell(console, answer, listed, found)
    finally:
        if not wish.keep:
            scene.take_down()
    if answer["differences"]:
        raise LockgateError("LG-0801", f"{len(answer['differences'])} differences, listed in .lockgate/demo.json.")
    return answer


def _prepare(context: Context, console: Console) -> None:
    """What an operator does before the first record: propose, sign, provision."""
    proposal = propose.propose(context)
    approve.approve(context, proposal.revision, "the rehearsal")
    made = provision.provision(context)
    console.print(Text(f"plan {proposal.revision[:12]} approved; {len(made)} fields made in the destination"))


Done = Callable[[Mapping[str, Any]], bool]


class _Watch:
    """Draws the line about twice a second, keeps the workers alive, waits for a condition."""

    def __init__(self, context: Context, console: Console, times: Times) -> None:
        self._context = context
        self._console = console
        self._times = times
        self._keeper = Keeper(context)
        self._last = ""
        self._began = boottime()

    def until(self, done: Done, at_most_s: float) -> None:
        """Raises LG-0802 when the time is up."""
        deadline = Deadline(at_most_s)
        while True:
            for name in self._keeper.look():
                self._console.print(Text(f"{name} had died and was started again"))
            answer = status.status(self._context)
            self._draw(answer)
            if done(answer):
                return
            if deadline.passed():
                raise LockgateError("LG-0802", f"Waited {at_most_s:.0f} s.")
            time.sleep(LOOK_S)

    def _draw(self, answer: Mapping[str, Any]) -> None:
        if not self._times.first_record and any(one["delivered"] for one in answer["objects"].values()):
            self._times.first_record = round(boottime() - self._began, 2)
        text = output.line(answer).plain
        if text != self._last:
            self._last = text
            calls = sum(c["calls"] for c in answer["calls"])
            self._console.print(Text(f"{boottime() - self._began:6.1f} s  {text} · {calls} calls"), soft_wrap=True)


def _moved() -> Done:
    """Everything the first snapshot brought is delivered, filtered or listed; live edits may be under way."""

    def done(answer: Mapping[str, Any]) -> bool:
        objects = answer["objects"].values()
        complete = all(one["rows"] and one["rows"] >= one["source"] * 0.99 for one in objects)
        return complete and not any(one["lanes"]["backfill"] or one["parked"] for one in objects)

    return done


def _after(seconds: float) -> Done:
    deadline = Deadline(seconds)
    return lambda _answer: deadline.passed()


def _drain(context: Context, watch: _Watch) -> None:
    """A marker in the source, then: nothing in Kafka that is not taken, nothing dirty, queued or leased; twice."""
    with source_settings.connect(context.source, purpose="demo") as conn:
        marker.emit(conn, context.file.migration, "the team has stopped")
    quiet = 0

    def done(answer: Mapping[str, Any]) -> bool:
        nonlocal quiet
        objects = answer["objects"].values()
        same = all(one["rows"] == one["source"] for one in objects)
        still = same and answer["state"] == "following" and not any(one["queued"] or one["parked"] for one in objects)
        quiet = quiet + 1 if still else 0
        return quiet >= 2

    watch.until(done, DRAIN_AT_MOST_S)


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


def _tell(console: Console, answer: Mapping[str, Any], listed: Sequence[Mapping[str, Any]], found: Comparison) -> None:
    for one in listed:
        console.print(Text(f"{one['kind']} {one['key']} {one['state']}: {one['code']} {one['reason']}"))
    for d in answer["differences"][:20]:
        console.print(Text(f"{d['object']} {d['key']} {d['field']}: {d['expected']!r} ≠ {d['found']!r}", style="red"))
    records = ", ".join(f"{count} {name}" for name, count in found.records.items())
    latency, seconds = answer["latency_ms"], answer["seconds"]
    console.print(Text(f"compared {found.fields} fields of {records}: {len(answer['differences'])} differences"))
    console.print(Text(f"live latency p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms at this limit"))
    console.print(Text(", ".join(f"{name} {value} s" for name, value in seconds.items())))
    for name, value in answer["endpoints"].items():
        console.print(Text(f"{name}: {value}"), soft_wrap=True)
