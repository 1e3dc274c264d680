"""Captures a test database and reads its topics to the end; shared by the tests of capture."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from connectors import debezium
from connectors.atomic_crm import capture, marker
from connectors.atomic_crm import settings as source_settings
from connectors.atomic_crm.settings import Settings
from infra import kafka
from infra.postgres import Connection
from schemas import change_event, column_types, naming
from schemas.catalog import Table
from schemas.change_event import Op

SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Captured:
    """A database under capture."""

    migration: str
    kafka: str
    connect: str
    source: Settings
    conn: Connection
    tables: Sequence[Table]
    config: Mapping[str, str]
    secret_file: Path

    def settled(self) -> list[tuple[str, bytes | None, bytes | None]]:
        """Every record of the row topics, once all that was committed in the source until now has arrived."""
        content = f"settled {time.monotonic_ns()}"
        marker.emit(self.conn, self.migration, content)
        deadline = time.monotonic() + SECONDS
        while content not in self.markers():
            assert time.monotonic() < deadline, f"the marker {content} did not arrive"
        return records(self.kafka, debezium.row_topics(self.migration, self.tables))

    def markers(self) -> list[str | None]:
        """The contents of all messages that arrived, ours or not (None)."""
        topic = debezium.message_topic(self.migration)
        return [
            marker.content_of(json.loads(value), self.migration)
            for _, _, value in records(self.kafka, [topic])
            if value is not None
        ]

    def newest(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Table → source key → decoded row, as the topics say it once settled."""
        found: dict[str, dict[str, dict[str, Any]]] = {table.name: {} for table in self.tables}
        by_name = {table.name: table for table in self.tables}
        for topic, key, value in self.settled():
            event = change_event.decode(topic, key, value)
            if event is None:
                continue
            rows, table = found[event.table], by_name[event.table]
            at = change_event.source_key(event.key, table.key)
            if event.op is Op.DELETE:
                rows.pop(at, None)
            elif event.image is not None:
                types = {name: column.type for name, column in table.columns.items()}
                rows[at], missing = change_event.fill(column_types.decode_row(event.image, types), rows.get(at))
                assert missing == ()
        return found


@contextmanager
def capturing(
    *, migration: str, dsn: str, names: Sequence[str], endpoints: Any, tables: Mapping[str, Table] | None = None
) -> Iterator[Captured]:
    """Publishes, configures, starts; at the end nothing of it is left in Connect and in the source."""
    from connectors.atomic_crm import catalog

    source = Settings(dsn=dsn)
    with source_settings.connect(source, purpose="test") as conn:
        found = tables or catalog.tables(conn)
        wanted = tuple(found[name] for name in names)
        capture.publish(conn, migration, wanted)
        secret_file = Path(endpoints.secrets_dir) / f"{migration}.properties"
        source_settings.keep_password(conn, secret_file)
        topics = dict.fromkeys(debezium.row_topics(migration, wanted), (naming.PARTITIONS, debezium.ROW_TOPIC))
        topics |= dict.fromkeys(debezium.side_topics(migration), (1, debezium.SIDE_TOPIC))
        kafka.ensure_topics(endpoints.kafka, topics)
        config = debezium.config(migration, source_settings.debezium_source(source, conn, secret_file), wanted)
        try:
            assert debezium.validate(endpoints.connect, config) == []
            assert debezium.apply(endpoints.connect, migration, config) is True
            debezium.wait_running(endpoints.connect, migration)
            yield Captured(
                migration=migration,
                kafka=endpoints.kafka,
                connect=endpoints.connect,
                source=source,
                conn=conn,
                tables=wanted,
                config=config,
                secret_file=secret_file,
            )
        finally:
            debezium.delete(endpoints.connect, migration)
            capture.drop(conn, migration)


def records(bootstrap: str, topics: Sequence[str]) -> list[tuple[str, bytes | None, bytes | None]]:
    """Every committed record of the topics, each partition in order, up to what is written now."""
    ends = kafka.end_offsets(bootstrap, topics)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "never-committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
        }
    )
    found: list[tuple[str, bytes | None, bytes | None]] = []
    open_ = {partition for partition, end in ends.items() if end > 0}
    consumer.assign([TopicPartition(topic, number, 0) for topic, number in open_])
    deadline = time.monotonic() + SECONDS
    try:
        while open_:
            assert time.monotonic() < deadline, f"not read to the end: {sorted(open_)}"
            message = consumer.poll(0.2)
            if message is None:
                continue
            error, at = message.error(), (message.topic(), message.partition())
            if error is None:
                found.append((message.topic(), message.key(), message.value()))
            elif error.code() != KafkaError._PARTITION_EOF:
                raise AssertionError(error)
            elif message.offset() >= ends[at]:
                open_.discard(at)
    finally:
        consumer.close()
    return found
