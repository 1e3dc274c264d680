"""`lockgate status`: every row in exactly one state, how far behind the line is, who runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.atomic_crm import catalog, read
from connectors.atomic_crm import settings as source_settings
from control import start
from control.context import GENERATION, Context
from infra import kafka, processes
from ledger import budget, journal, offsets, plans, states, wishes
from ledger.connection import Connection
from ledger.states import LIVE_STATES, Sums
from schemas import naming
from schemas.errors import LockgateError
from schemas.plan import Plan


def status(context: Context, counts: Mapping[str, int] | None = None) -> dict[str, Any]:
    """The answer of DESIGN 3 as plain data; `counts` are rows in the source, counted now when not given.

    Raises LG-0407 when nothing was started, LG-02xx, LG-0301."""
    with context.ledger("status") as conn:
        approval = plans.approved(conn)
        if approval is None or not plans.generations(conn):
            raise LockgateError("LG-0407", f"Migration {context.file.migration}.")
        revision, plan = plans.obeyed(conn, GENERATION)
        answer = _from_ledger(context, conn, plan, counts or source_counts(context, plan))
    answer["plan_revision"] = revision
    answer["approved_revision"] = approval.revision
    answer["endpoints"] = endpoints(context)
    answer["next_steps"] = _next_steps(context, answer)
    return answer


def _from_ledger(context: Context, conn: Connection, plan: Plan, counts: Mapping[str, int]) -> dict[str, Any]:
    feeders = [o.object for o in plan.objects if o.destination is None]
    sums = states.sums(conn, GENERATION, feeders)
    taken = offsets.read(conn)
    lag = _streams_lag(context, {place: o.next_offset for place, o in taken.items()}, plan)
    around = _Around(
        source=counts,
        sums=sums,
        capture_ms=_capture_ms(taken),
        streams=lag,
        oldest=states.oldest_live_ms(conn, GENERATION),
        lanes=states.lanes(conn, GENERATION),
        wanted=wishes.wanted(conn),
        observed=wishes.observed(conn),
    )
    pending = states.pending(conn, GENERATION)
    listed = states.listed(conn, GENERATION, ["asked", "dead"])
    return {
        "migration": context.file.migration,
        "generation": GENERATION,
        "state": "following" if pending.quiet() and not sum(lag.values()) else "loading",
        "objects": {o.object: around.one(o.object, o.table) for o in plan.objects},
        "processes": _processes(context, conn),
        "calls": journal.calls(conn, GENERATION),
        "limit": _limit(budget.read(conn, context.file.destination.kind)),
        "listed": [{name: one[name] for name in ("kind", "key", "state", "code", "reason")} for one in listed],
    }


class _Around:
    """Everything `one` puts together for one object."""

    def __init__(self, **parts: Any) -> None:
        self._parts = parts

    def one(self, name: str, table: str) -> dict[str, Any]:
        parts = self._parts
        sums: Sums = parts["sums"].get(name, Sums())
        lanes = {lane: parts["lanes"].get(name, {}).get(lane, 0) for lane in naming.LANES}
        return {
            "source": parts["source"].get(name),
            "rows": sums.rows,
            **{state: sums.live[state] for state in LIVE_STATES},
            "removed": sums.deleted.get("removed", 0),
            "deleted": dict(sums.deleted),
            "lag": {
                "capture_ms": parts["capture_ms"].get(table),
                "streams_records": parts["streams"].get(table, 0),
                "oldest_live_ms": parts["oldest"].get(name, 0.0),
            },
            "lanes": lanes,
            "phase": "open",
            "wanted": _switches(name, parts["wanted"], lambda w: w["state"]),
            "observed": _switches(name, parts["observed"], lambda s: "/".join(sorted(s))),
        }


def _limit(bucket: budget.Bucket | None) -> dict[str, float]:
    """Calls per window of the destination (0: no limit), how many could leave at once, and how long none may."""
    if bucket is None:
        return {"calls": 0, "window_ms": 0, "tokens": 0, "paused_ms": 0.0}
    return {
        "calls": bucket.limit_calls,
        "window_ms": bucket.window_ms,
        "tokens": budget.available(bucket),
        "paused_ms": round(bucket.paused_ms, 1),
    }


def _switches(name: str, found: Mapping[tuple[str, str, str], Any], says: Any) -> dict[str, dict[str, str]]:
    told: dict[str, dict[str, str]] = {}
    for (object_, stage, lane), value in sorted(found.items()):
        if object_ == name:
            told.setdefault(stage, {})[lane] = says(value)
    return told


def source_counts(context: Context, plan: Plan) -> dict[str, int]:
    """Rows in the source itself, counted now."""
    with source_settings.connect(context.source, purpose="status") as conn:
        found = catalog.tables(conn, context.file.source.schema_name)
        counted = read.counts(conn, [found[o.table] for o in plan.objects])
    return {o.object: counted[o.table] for o in plan.objects}


def _capture_ms(taken: Mapping[tuple[str, int], offsets.Offset]) -> dict[str, float]:
    """Per table: how long the newest record was under way from the source's commit into the ledger."""
    newest: dict[str, offsets.Offset] = {}
    for (topic, _), offset in taken.items():
        table = _table(topic)
        if offset.source_at and (
            table not in newest or (newest[table].source_at or offset.source_at) < offset.source_at
        ):
            newest[table] = offset
    return {
        table: round((o.taken_at - o.source_at).total_seconds() * 1000, 1)
        for table, o in newest.items()
        if o.taken_at and o.source_at
    }


def _streams_lag(context: Context, taken: Mapping[tuple[str, int], int], plan: Plan) -> dict[str, int]:
    """Per table: committed records in Kafka that the ledger has not taken (control records do not count)."""
    topics = [naming.cdc_topic(context.file.migration, o.table) for o in plan.objects]
    places = {(topic, part): taken.get((topic, part), 0) for topic in topics for part in range(naming.PARTITIONS)}
    lag: dict[str, int] = {}
    for (topic, _), count in kafka.records_after(context.kafka, places).items():
        lag[_table(topic)] = lag.get(_table(topic), 0) + count
    return lag


def _table(topic: str) -> str:
    return ".".join(topic.split(".")[-2:])


def _processes(context: Context, conn: Connection) -> list[dict[str, Any]]:
    beats = {w.worker: w for w in wishes.workers(conn)}
    found = []
    for worker in start.workers(context):
        info = processes.info(context.run_dir, worker.name)
        beat = beats.get(worker.name)
        found.append(
            {
                "name": worker.name,
                "pid": info.pid,
                "state": info.state.value,
                "since": beat.since.isoformat() if beat else None,
                "beat_age_s": round(beat.age_s, 1) if beat else None,
                "revision": beat.revision if beat else None,
                "log": str(info.log),
            }
        )
    return found


def endpoints(context: Context) -> dict[str, str]:
    """Where to look; never a password."""
    return {
        "kafka": context.kafka,
        "connect": context.connect,
        "destination": context.file.destination.url,
        "source": context.source.address(),
        "ledger": context.local.ledger_dsn if context.local else f"the DSN in {context.ledger_dsn_env}",
    }


def _next_steps(context: Context, answer: Mapping[str, Any]) -> list[str]:
    steps = []
    named = f" --file {context.path}"
    if answer["approved_revision"] != answer["plan_revision"]:
        steps.append(
            f"revision {answer['approved_revision'][:12]} is approved and not obeyed yet: `lockgate start{named}`"
        )
    for process in answer["processes"]:
        if process["state"] != "running":
            steps.append(f"{process['name']} does not run: `lockgate start{named}`; its log: {process['log']}")
    for name, one in answer["objects"].items():
        for state in ("asked", "dead"):
            if one[state]:
                steps.append(f"{one[state]} {name} {state}: their reasons stand under `listed`")
    return steps
