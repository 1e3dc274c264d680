"""`lockgate start`: checks, topics, connector, workers. What runs already is left alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors import debezium
from connectors.atomic_crm import capture
from connectors.atomic_crm import settings as source_settings
from control import checks
from control.checks import Checked
from control.context import GENERATION, Context
from infra import kafka, processes
from ledger import budget, journal, offsets, plans
from schemas import naming
from schemas.catalog import Table
from schemas.errors import LockgateError

#: Of the files that hold a source's password for the local Connect; no name of a migration can make it another file.
FOR_CONNECT = "connect-"
#: Hints are read within seconds; the ledger is the truth.
HINT_TOPIC = {"cleanup.policy": "delete", "retention.ms": str(24 * 3600 * 1000)}


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A process of the line."""

    name: str
    module: str


@dataclass(frozen=True, kw_only=True)
class Started:
    """What `start` did."""

    checked: Checked
    spawned: tuple[str, ...]  #: workers that did not run before


def start(context: Context) -> Started:
    """Starts the line or repairs it. Raises what the checks raise, LG-0207, LG-0304; then nothing was spawned."""
    checked = checks.before_start(context)
    _same_destination(context)
    topics = _topics(context, checked.tables)
    changed = _ledger(context, checked, topics)
    _connector(context, checked.tables)
    run_file = context.run_file(topics)
    if changed or not run_file.is_saved(_run_path(context)):
        stop(context)  # they know other topics and shapes; what they were at is read again
    run_file.save(_run_path(context))
    return Started(checked=checked, spawned=tuple(spawn_missing(context)))


def workers(context: Context) -> tuple[Worker, ...]:
    """The line's processes, one of each in this version."""
    return (
        Worker(name="streams-1", module="streams.worker"),
        Worker(name=f"sink-{context.file.destination.kind}-1", module="sinks.worker"),
    )


def spawn_missing(context: Context) -> list[str]:
    """Spawns workers that do not live, by module name; returns their names."""
    spawned = []
    for worker in workers(context):
        if not processes.alive(context.run_dir, worker.name):
            spawn(context, worker)
            spawned.append(worker.name)
    return spawned


def spawn(context: Context, worker: Worker) -> int:
    """One worker, in a session of its own, with our environment (its secrets are in it)."""
    command = [sys.executable, "-m", worker.module, "--run", str(_run_path(context)), "--name", worker.name]
    return processes.spawn(context.run_dir, worker.name, command, env=dict(os.environ), cwd=context.root)


def stop(context: Context) -> list[str]:
    """Stops the workers, sinks first; capture goes on into Kafka, so nothing is lost."""
    return [w.name for w in reversed(workers(context)) if processes.stop(context.run_dir, w.name, seconds=20.0)]


def _run_path(context: Context) -> Path:
    return context.run_dir / "run.json"


def _topics(context: Context, tables: Sequence[Table]) -> tuple[str, ...]:
    """Every topic is made beforehand, all with the same number of partitions."""
    m, rows = context.file.migration, checks.row_topics(context, tables)
    hints = [naming.load_topic(m, GENERATION, lane) for lane in naming.LANES] + [naming.landed_topic(m, GENERATION)]
    kafka.ensure_topics(
        context.kafka,
        {
            **dict.fromkeys(rows, (naming.PARTITIONS, debezium.ROW_TOPIC)),
            **dict.fromkeys(debezium.side_topics(m), (1, debezium.SIDE_TOPIC)),
            **dict.fromkeys(hints, (naming.PARTITIONS, HINT_TOPIC)),
        },
    )
    return rows


def _same_destination(context: Context) -> None:
    """A ledger says what is in one destination; in another it would take every absent record for a person's deletion.

    Raises LG-0411."""
    with context.ledger("start", create=True) as conn:
        filled = {g.destination for g in plans.generations(conn) if g.generation == GENERATION}
    if filled - {context.file.destination.url}:
        raise LockgateError("LG-0411", f"Filled so far: {', '.join(sorted(filled))}.")


def _ledger(context: Context, checked: Checked, topics: Sequence[str]) -> bool:
    """Notes topics, revision and limits; True when the generation is new or obeys another revision now."""
    there = kafka.topic_ids_and_counts(context.kafka, topics)
    ends = kafka.end_offsets(context.kafka, topics)
    limits = context.file.destination.limits
    with context.ledger("start", create=True) as conn:
        checks.topics(conn, there, ends)
        for name, topic in there.items():
            offsets.register(conn, name, topic.id, topic.partitions)
        kinds = [o.object for o in checked.approval.plan.objects if o.destination is not None]
        changed = plans.open_generation(
            conn, GENERATION, checked.approval.revision, kinds, context.file.destination.url
        )
        budget.open_window(conn, context.file.destination.kind, limits.calls, limits.window_ms)
        journal.note(conn, "start", "started", detail={"revision": checked.approval.revision})
    return changed


def _connector(context: Context, tables: Sequence[Table]) -> None:
    """Publication, then the connector; both as they are when they are right already."""
    m = context.file.migration
    with source_settings.connect(context.source, purpose="start") as conn:
        capture.publish(conn, m, tables)
        source = source_settings.debezium_source(context.source, conn, _secret_file(context))
        if context.local:
            source_settings.keep_password(conn, source.secret_file)
    config = debezium.config(m, source, tables)
    if context.engine and context.engine.source_password:
        config["database.password"] = context.engine.source_password
    debezium.apply(context.connect, context.connector, config)
    debezium.wait_running(context.connect, context.connector)


def _secret_file(context: Context) -> Path:
    """Where the local Connect may read the source's password; removed by `down`, written again here (ADR-0007)."""
    folder = Path(context.local.secrets_dir) if context.local else context.run_dir
    return folder / f"{FOR_CONNECT}{context.file.migration}.properties"
