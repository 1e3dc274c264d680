"""Kafka's part in a sink worker: hints wake it, partitions say which shards are its own, `landed` wakes others."""

from __future__ import annotations

from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, TopicPartition

from infra import kafka, logs
from schemas import hint, naming
from schemas.run_file import RunFile
from sinks.steps import Ready

_log = logs.get("sinks")


class Wakes:
    """Consumes hints of both lanes; the range assignor gives one worker the same partitions of both."""

    def __init__(self, run: RunFile, name: str) -> None:
        self._lanes = [naming.load_topic(run.migration, run.generation, lane) for lane in naming.LANES]
        self._landed = naming.landed_topic(run.migration, run.generation)
        self.shards: list[int] = []
        settings = {
            "auto.offset.reset": "latest",
            "partition.assignment.strategy": "range",
            "session.timeout.ms": 6000,  # a killed worker's shards move within seconds
            "heartbeat.interval.ms": 1000,
        }
        group = naming.sink_group(run.migration, run.generation)
        self._hints: Consumer = kafka.consumer(run.kafka, group, name, **settings)
        self._hints.subscribe(self._lanes, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        self._others: Consumer = kafka.consumer(run.kafka, f"{group}.{name}", name, **settings)
        self._others.assign([TopicPartition(self._landed, p, -1) for p in range(naming.PARTITIONS)])
        self._producer = kafka.producer(run.kafka, name)

    def wait(self, seconds: float) -> bool:
        """Waits at most `seconds` for a hint; drains what is there. True when anything came."""
        came = self._drain(self._hints, self._hints.poll(seconds))
        return self._drain(self._others, self._others.poll(0)) or came

    def tell_landed(self, landed: list[Ready]) -> None:
        """Wakes workers whose records waited for these. Only a hint: the ledger has queued them already."""
        for one in landed:
            kind, key = one.name
            value = orjson.dumps(hint.landed(kind=kind, key=key, seq=one.desired.seq))
            try:
                self._producer.produce(self._landed, key=naming.hint_key(kind, key).encode(), value=value)
            except BufferError:
                break  # the broker is away: sweeps find the work
        self._producer.poll(0)

    def close(self) -> None:
        """Leaves the group at once, so that its shards move without a timeout."""
        self._producer.flush(2)
        self._hints.close()
        self._others.close()

    def _drain(self, consumer: Consumer, first: Any) -> bool:
        came, message = False, first
        while message is not None:
            error: KafkaError | None = message.error()
            if error is None:
                came = True
            elif error.fatal():
                raise RuntimeError(f"the consumer cannot go on: {error.name()}")
            message = consumer.poll(0)
        return came

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Eager assignment: the whole set each time."""
        self.shards = sorted({p.partition for p in partitions if p.topic == self._lanes[0]})
        _log.info("assigned", shards=self.shards)

    def _revoked(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.shards = []
