"""Debezium's PostgreSQL connector through Kafka Connect's REST API.

`config` is pure and says everything that the defaults get wrong (Debezium 3.7.0.Final, `engine.md` 3); the rest talks
to Connect. Names and addresses are arguments. Errors: LG-0207 (Connect unreachable or refusing), LG-0304 (it failed).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from connectors import kafka_connect
from schemas import naming
from schemas.catalog import Table
from schemas.errors import LockgateError

CLASS = "io.debezium.connector.postgresql.PostgresConnector"
FAILED_SECONDS = 2.0  #: a restart is asynchronous: a state read right after it may be the one before
MAX_ROW_BYTES = 16 * 1024 * 1024  #: one change event; a row of megabytes of text must not end the connector
DAY_MS = 86_400_000

#: Settings of a topic that holds rows: nothing is lost before `close`. Kept for ever and not compacted: a TRUNCATE's
#: event has no key, a compacted topic refuses it, and the connector dies of that (ADR-0003, tests/stack/test_capture).
ROW_TOPIC = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(MAX_ROW_BYTES),
}
#: Settings of markers, transactions and heartbeats.
SIDE_TOPIC = {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the connector reads; the password stays in a file that Connect's FileConfigProvider opens."""

    host: str  #: as Connect's machine sees it
    port: int
    database: str
    user: str
    secret_file: Path  #: properties file with the line `password=…`, see `write_secret`
    sslmode: str = "prefer"  #: libpq's word; Debezium knows the same ones


@dataclass(frozen=True, kw_only=True)
class Status:
    """What Connect says of a connector."""

    state: str  #: RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED, or MISSING
    tasks: tuple[str, ...] = ()  #: the tasks' states, same words
    trace: str = ""  #: why it failed: the messages of the exception and its causes


@dataclass(frozen=True, kw_only=True)
class Offset:
    """Connect's stored source offset: what has been handed to Kafka and will not be read again."""

    lsn: int | None  #: of the last event; None before the first
    snapshot: bool  #: the initial snapshot is not finished, or has not begun
    raw: Mapping[str, Any]


def marker_prefix(migration: str) -> str:
    """Prefix of logical messages that are carried to Kafka."""
    return naming.slot(migration)


def message_topic(migration: str) -> str:
    """Where markers arrive, key `{"prefix": …}`, op `m`, content base64."""
    return f"{naming.topic_prefix(migration)}.message"


def transaction_topic(migration: str) -> str:
    """BEGIN and END of transactions."""
    return f"{naming.topic_prefix(migration)}.transaction"


def heartbeat_topic(migration: str) -> str:
    """Debezium's heartbeats: `<heartbeat prefix>.<topic prefix>`."""
    return f"{migration}.heartbeat.{naming.topic_prefix(migration)}"


def row_topics(migration: str, tables: Sequence[Table]) -> tuple[str, ...]:
    """The cdc topics of these tables; to be made beforehand with `ROW_TOPIC` and the usual partitions."""
    return tuple(naming.cdc_topic(migration, table.name) for table in tables)


def side_topics(migration: str) -> tuple[str, ...]:
    """Markers, transactions, heartbeats: one partition each, with `SIDE_TOPIC`."""
    return (message_topic(migration), transaction_topic(migration), heartbeat_topic(migration))


def write_secret(path: Path, password: str) -> None:
    """Writes the properties file that `${file:…:password}` names, readable by its owner only, in one step."""
    escaped = "".join(f"\\u{unit:04x}" for unit in _utf16(password))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_text(f"password={escaped}\n", encoding="ascii")
    fresh.replace(path)


def _utf16(text: str) -> Sequence[int]:
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


def config(
    migration: str,
    source: Source,
    tables: Sequence[Table],
    *,
    heartbeat_ms: int = 1000,
    partitions: int = naming.PARTITIONS,
    replication: int = -1,
) -> dict[str, str]:
    """The whole connector configuration, without `name`; `replication` -1 = the broker's default."""
    return {
        **_reading(migration, source, tables),
        **_encoding(),
        **_weather(),
        **_messages(migration, heartbeat_ms),
        **_topics(migration, tables, partitions, replication),
    }


def _reading(migration: str, source: Source, tables: Sequence[Table]) -> dict[str, str]:
    generated = [f"{t.name}.{c.name}" for t in tables for c in t.columns.values() if c.generated]
    settings = {
        "connector.class": CLASS,
        "tasks.max": "1",
        "plugin.name": "pgoutput",  # default decoderbufs
        "database.hostname": source.host,
        "database.port": str(source.port),
        "database.dbname": source.database,
        "database.user": source.user,
        "database.password": f"${{file:{source.secret_file}:password}}",
        "database.sslmode": source.sslmode,
        "topic.prefix": naming.topic_prefix(migration),
        "slot.name": naming.slot(migration),
        "slot.drop.on.stop": "false",
        "publication.name": naming.slot(migration),
        "publication.autocreate.mode": "disabled",  # default all_tables; ours is an explicit FOR TABLE list
        "table.include.list": ",".join(re.escape(t.name) for t in tables),
        "snapshot.mode": "initial",
        "snapshot.locking.mode": "none",
        "snapshot.isolation.mode": "repeatable_read",  # default serializable
        "snapshot.fetch.size": "10000",
    }
    if generated:  # in the snapshot, absent from streamed events: a field that comes and goes would look like a change
        settings["column.exclude.list"] = ",".join(re.escape(name) for name in generated)
    return settings


def _encoding() -> dict[str, str]:
    return {
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        # Default true: a NULL in a column with a default (`date default now()`) would arrive as that default, 1970.
        "value.converter.replace.null.with.default": "false",
        "decimal.handling.mode": "string",  # default precise: base64 of unscaled bytes in JSON
        "time.precision.mode": "adaptive_time_microseconds",
        "binary.handling.mode": "base64",
        "interval.handling.mode": "string",  # default numeric: a month becomes so many microseconds
        "hstore.handling.mode": "json",
        "include.unknown.datatypes": "true",  # default: the column is missing from the event
        "tombstones.on.delete": "true",
        "skipped.operations": "none",  # default t: truncates are dropped
        "unavailable.value.placeholder": "__debezium_unavailable_value",
        "provide.transaction.metadata": "true",
    }


def _weather() -> dict[str, str]:
    return {
        "exactly.once.support": "required",
        "transaction.boundary": "poll",
        "poll.interval.ms": "5",  # default 500: p50 339 ms
        "max.batch.size": "8192",
        "max.queue.size": "32768",
        "max.queue.size.in.bytes": str(128 * 1024 * 1024),
        "signal.poll.interval.ms": "200",
        "status.update.interval.ms": "1000",
        "slot.max.retries": "60",
        "slot.retry.delay.ms": "500",
        "retriable.restart.connector.wait.ms": "1000",
        "errors.max.retries": "-1",  # weather waits (law 4)
        "errors.tolerance": "none",
        "errors.log.enable": "true",
        "errors.log.include.messages": "false",  # rows are personal
        "producer.override.compression.type": "lz4",
        "producer.override.linger.ms": "0",
        "producer.override.batch.size": "262144",
        "producer.override.max.request.size": str(MAX_ROW_BYTES),
    }


def _messages(migration: str, heartbeat_ms: int) -> dict[str, str]:
    prefix = marker_prefix(migration)
    return {
        "heartbeat.interval.ms": str(heartbeat_ms),  # default 0: off, and an idle slot pins WAL until it is lost
        # Transactional: a plain message may lie unflushed in WAL buffers of an idle server. It needs no table.
        "heartbeat.action.query": f"SELECT pg_logical_emit_message(true, '{prefix}_heartbeat', '')",
        "topic.heartbeat.prefix": f"{migration}.heartbeat",
        "message.prefix.include.list": prefix,  # messages are database-wide: ours only, and no heartbeats
    }


def _topics(migration: str, tables: Sequence[Table], partitions: int, replication: int) -> dict[str, str]:
    """Topics are made beforehand; these settings hold if one was not."""
    rows = {f"topic.creation.rows.{name}": value for name, value in ROW_TOPIC.items()}
    side = {f"topic.creation.default.{name}": value for name, value in SIDE_TOPIC.items()}
    return {
        "topic.creation.groups": "rows",
        "topic.creation.rows.include": "|".join(re.escape(t) for t in row_topics(migration, tables)),
        "topic.creation.rows.partitions": str(partitions),
        "topic.creation.rows.replication.factor": str(replication),
        **rows,
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": str(replication),
        **side,
    }


def validate(connect_url: str, config_: Mapping[str, str], *, name: str = "lockgate") -> list[str]:
    """What Connect and Debezium find wrong, `option: message`; empty = fine. Logs in to the source."""
    path = f"/connector-plugins/{quote(config_['connector.class'])}/config/validate"
    answer = kafka_connect.call("PUT", connect_url, path, json={**config_, "name": name})
    return [
        f"{field['value']['name']}: {message}" for field in answer["configs"] for message in field["value"]["errors"]
    ]


def apply(connect_url: str, name: str, config_: Mapping[str, str]) -> bool:
    """Makes the connector be exactly this, and lets it run; True if the configuration changed. Idempotent."""
    path = f"/connectors/{quote(name)}"
    current = kafka_connect.call("GET", connect_url, f"{path}/config", missing=True)
    wanted = {**config_, "name": name}
    if current != wanted:
        kafka_connect.call("PUT", connect_url, f"{path}/config", json=wanted)
        return True
    now = status(connect_url, name)
    if now.state in ("PAUSED", "STOPPED"):
        kafka_connect.call("PUT", connect_url, f"{path}/resume")
    elif "FAILED" in (now.state, *now.tasks):
        kafka_connect.call("POST", connect_url, f"{path}/restart?includeTasks=true&onlyFailed=true")
    return False


def status(connect_url: str, name: str) -> Status:
    """The connector's state; MISSING if Connect does not know it (yet: a PUT takes a moment to be read back)."""
    body = kafka_connect.call("GET", connect_url, f"/connectors/{quote(name)}/status", missing=True)
    if body is None:
        return Status(state="MISSING")
    traces = [part["trace"] for part in (body["connector"], *body["tasks"]) if part.get("trace")]
    return Status(
        state=body["connector"]["state"],
        tasks=tuple(task["state"] for task in body["tasks"]),
        trace=_reasons(traces[0]) if traces else "",
    )


def wait_running(connect_url: str, name: str, *, seconds: float = 60.0) -> Status:
    """Waits until connector and task run; LG-0304 with the trace if it fails, or does not within the time."""
    deadline = time.monotonic() + seconds
    now, failing = Status(state="MISSING"), 0.0
    while time.monotonic() < deadline:
        now = status(connect_url, name)
        if now.state == "RUNNING" and now.tasks and set(now.tasks) == {"RUNNING"}:
            return now
        if "FAILED" not in (now.state, *now.tasks):
            failing = 0.0
        elif failing and time.monotonic() - failing > FAILED_SECONDS:
            raise LockgateError("LG-0304", f"{name} failed.", details=now.trace.splitlines())
        else:
            failing = failing or time.monotonic()
        time.sleep(0.1)
    raise LockgateError("LG-0304", f"{name} is {now.state}, tasks {list(now.tasks)}, after {seconds:.0f} s.")


def offsets(connect_url: str, name: str) -> Offset:
    """The stored source offset; `lsn` None before anything was committed."""
    answer = kafka_connect.call("GET", connect_url, f"/connectors/{quote(name)}/offsets", missing=True)
    stored = [] if answer is None else answer["offsets"]
    raw: Mapping[str, Any] = next((entry["offset"] for entry in stored if entry["offset"]), {})
    return Offset(lsn=raw.get("lsn"), snapshot=_in_snapshot(raw), raw=raw)


def _in_snapshot(raw: Mapping[str, Any]) -> bool:
    """Measured on 3.7: `snapshot: INITIAL, snapshot_completed: false` until it is over; then streaming drops both."""
    return not raw or (bool(raw.get("snapshot")) and not raw.get("snapshot_completed", False))


def stop(connect_url: str, name: str, *, seconds: float = 30.0) -> None:
    """Stops the connector and waits until it has let go of the slot's connection; a missing one is stopped."""
    answer = kafka_connect.call("PUT", connect_url, f"/connectors/{quote(name)}/stop", missing=True)
    if answer is not None:
        _wait(lambda: (s := status(connect_url, name)).state in ("STOPPED", "MISSING") and not s.tasks, name, seconds)


def delete(connect_url: str, name: str, *, seconds: float = 30.0) -> None:
    """Stops it, forgets its offsets, removes it. A kept offset would make a later connector of this name skip rows."""
    stop(connect_url, name, seconds=seconds)
    path = f"/connectors/{quote(name)}"
    if kafka_connect.call("GET", connect_url, path, missing=True) is None:
        return
    kafka_connect.call("DELETE", connect_url, f"{path}/offsets")
    kafka_connect.call("DELETE", connect_url, path, missing=True)
    _wait(lambda: status(connect_url, name).state == "MISSING", name, seconds)


def _wait(done: Callable[[], bool], name: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise LockgateError("LG-0207", f"{name} did not stop within {seconds:.0f} s.")
        time.sleep(0.05)


def _reasons(trace: str) -> str:
    """The messages of a Java stack trace without its frames."""
    frames = ("at ", "... ")
    return kafka_connect.short("\n".join(line for line in trace.splitlines() if not line.lstrip().startswith(frames)))
