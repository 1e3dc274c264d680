"""Kafka through confluent-kafka: topics, offsets, producers and consumers with the settings that must be the same."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from infra.clock import Deadline
from schemas.errors import LockgateError

SECONDS = 15.0
Partition = tuple[str, int]

#: librdkafka does not call these retriable for list_offsets; they pass within a second of a topic's making.
_NO_LEADER_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)

_quiet = logging.getLogger("lockgate.librdkafka")
_quiet.setLevel(logging.ERROR)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What tells one topic from another of the same name."""

    #: Kafka's own id, new whenever the topic is made anew.
    id: str
    #: Number of partitions.
    partitions: int


def ensure_topics(bootstrap: str, topics: Mapping[str, tuple[int, Mapping[str, str]]]) -> list[str]:
    """Make those that are missing, replication 1; the names made. LG-0701 if a partition count differs."""
    with _reaching(bootstrap) as admin:
        new = [
            NewTopic(name, num_partitions=count, replication_factor=1, config=dict(config))
            for name, (count, config) in topics.items()
        ]
        made = []
        for name, future in (admin.create_topics(new, operation_timeout=SECONDS) if new else {}).items():
            error = future.exception(timeout=SECONDS)
            if error is None:
                made.append(name)
            elif not _is(error, KafkaError.TOPIC_ALREADY_EXISTS):
                raise error
    found = topic_ids_and_counts(bootstrap, topics)
    for name, (count, _) in topics.items():
        if name in found and found[name].partitions != count:
            raise LockgateError("LG-0701", f"{name} has {found[name].partitions} partitions instead of {count}.")
    return sorted(made)


def topic_ids_and_counts(bootstrap: str, names: Iterable[str]) -> dict[str, Topic]:
    """Id and partition count of each topic that exists; the others are left out."""
    wanted = list(names)
    with _reaching(bootstrap) as admin:
        found = {}
        for name, future in (admin.describe_topics(TopicCollection(wanted)) if wanted else {}).items():
            error = future.exception(timeout=SECONDS)
            if error is None:
                described = future.result()
                found[name] = Topic(id=str(described.topic_id), partitions=len(described.partitions))
            elif not _is(error, KafkaError.UNKNOWN_TOPIC_OR_PART):
                raise error
        return found


def end_offsets(bootstrap: str, names: Iterable[str], *, committed_only: bool = False) -> dict[Partition, int]:
    """The offset after the last record of each partition of the topics that exist.

    With `committed_only` open transactions end it (the last stable offset). Control records take offsets, so an
    offset below it need not be a record one can read.
    """
    level = IsolationLevel.READ_COMMITTED if committed_only else IsolationLevel.READ_UNCOMMITTED
    return _offsets(bootstrap, names, OffsetSpec.latest(), level)


def first_offsets(bootstrap: str, names: Iterable[str]) -> dict[Partition, int]:
    """The first offset each partition of the topics that exist still has."""
    return _offsets(bootstrap, names, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED)


def committed(bootstrap: str, group: str, names: Iterable[str]) -> dict[Partition, int]:
    """The group's committed offsets on the topics that exist; partitions without one are left out."""
    asked = [
        TopicPartition(name, number)
        for name, topic in topic_ids_and_counts(bootstrap, names).items()
        for number in range(topic.partitions)
    ]
    if not asked:
        return {}
    with _reaching(bootstrap) as admin:
        request = [ConsumerGroupTopicPartitions(group, asked)]
        (future,) = admin.list_consumer_group_offsets(request).values()
        answer = _wait(future).topic_partitions
        return {(one.topic, one.partition): one.offset for one in answer if one.error is None and one.offset >= 0}


def producer(bootstrap: str, client_id: str, **settings: Any) -> Producer:
    """An idempotent producer that spreads keys as Debezium and Faust do (confluent-kafka's own default is CRC32)."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "client.id": client_id,
            "partitioner": "murmur2_random",
            "enable.idempotence": True,
            "linger.ms": 2,
            "compression.type": "lz4",
            **settings,
        },
        logger=_quiet,
    )


def consumer(bootstrap: str, group: str, client_id: str, **settings: Any) -> Consumer:
    """A consumer of committed records that commits nothing by itself and makes no topics."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "client.id": client_id,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "allow.auto.create.topics": False,
            "auto.offset.reset": "earliest",
            **settings,
        },
        logger=_quiet,
    )


def records_after(bootstrap: str, places: Mapping[Partition, int], *, most: int = 10_000) -> dict[Partition, int]:
    """How many committed data records lie at or behind each offset, counted up to `most` in all.

    Offsets alone cannot tell: control records of transactions take offsets too (a consumed topic ends with one), so
    the records are read. Partitions with none are left out."""
    ends = end_offsets(bootstrap, {topic for topic, _ in places}, committed_only=True)
    behind = [TopicPartition(t, p, offset) for (t, p), offset in places.items() if ends.get((t, p), 0) > offset]
    if not behind:
        return {}
    with _reaching(bootstrap):
        return _count(consumer(bootstrap, "lockgate-lag", "lag", **{"enable.partition.eof": True}), behind, most)


def _count(reader: Consumer, behind: list[TopicPartition], most: int) -> dict[Partition, int]:
    found: dict[Partition, int] = {}
    left = {(place.topic, place.partition) for place in behind}
    try:
        reader.assign(behind)
        while left and sum(found.values()) < most:
            message = reader.poll(SECONDS)
            if message is None:
                break
            place = (str(message.topic()), int(message.partition() or 0))
            error = message.error()
            if error is None:
                found[place] = found.get(place, 0) + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(place)
            else:
                raise KafkaException(error)
        return found
    finally:
        reader.close()


def reachable(bootstrap: str, seconds: float = 2.0) -> bool:
    """True if a broker answers with its metadata."""
    try:
        return bool(_admin(bootstrap).list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def _offsets(bootstrap: str, names: Iterable[str], spec: OffsetSpec, level: IsolationLevel) -> dict[Partition, int]:
    asked = {
        TopicPartition(name, number): spec
        for name, topic in topic_ids_and_counts(bootstrap, names).items()
        for number in range(topic.partitions)
    }
    if not asked:
        return {}
    with _reaching(bootstrap) as admin:
        deadline = Deadline(SECONDS)
        while True:
            futures = admin.list_offsets(asked, isolation_level=level, request_timeout=SECONDS)
            try:
                return {(one.topic, one.partition): int(_wait(future).offset) for one, future in futures.items()}
            except KafkaException as problem:
                # A topic made a moment ago has no leader yet.
                if problem.args[0].code() not in _NO_LEADER_YET or deadline.passed():
                    raise
                time.sleep(0.1)


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": 10_000}, logger=_quiet)


@contextlib.contextmanager
def _reaching(bootstrap: str) -> Iterator[AdminClient]:
    """An admin client for the block (kept alive by it: a temporary one drops its requests); failures are LG-0206."""
    admin = _admin(bootstrap)
    try:
        yield admin
    except (KafkaException, TimeoutError) as problem:
        raise LockgateError("LG-0206", f"{bootstrap}: {problem}") from problem


def _wait(future: Future[Any]) -> Any:
    return future.result(timeout=SECONDS)


def _is(error: BaseException, code: int) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() == code
