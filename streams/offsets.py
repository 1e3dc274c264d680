"""Where the group stands: its first offsets, and the guard that it never stands ahead of the ledger (W12)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from infra import kafka, logs
from schemas.errors import LockgateError

log = logs.get("streams")

#: (topic, partition)
Place = kafka.Partition
#: Place → the highest offset this group has taken, as the ledger has it. Absent: nothing taken yet.
LedgerOffsets = Callable[[], Mapping[Place, int]]

SEED_TRIES_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Offsets:
    """One group's committed offsets, asked from the broker. Its methods block: call them from a thread."""

    brokers: str  #: host:port
    group: str  #: consumer group
    topics: tuple[str, ...]  #: its cdc topics
    ahead: int = 0  #: offsets the group may stand ahead of the ledger

    def seed(self, ledger: LedgerOffsets) -> None:
        """Give the group its first offsets: the beginning, for topics of which it has none. Idempotent.

        After this every partition has an offset, so that one that is missing later was lost: LG-0702, never a jump
        (`auto_offset_reset` is `none`). A place the ledger knows but the group does not was lost as well. LG-0701: a
        topic is missing. LG-0206: no broker.
        """
        deadline = time.monotonic() + SEED_TRIES_S
        while fresh := self._without_offset(ledger()):
            try:
                self._write({place: first for place, first in self._first().items() if place in fresh})
            except LockgateError:
                # Another worker of the group seeded and joined between our two looks: then nothing is left to do.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def check(self, ledger: LedgerOffsets) -> None:
        """LG-0702 where the group stands ahead of what the ledger has taken (W12): something was skipped.

        The group is read first: the ledger moves ahead of it, never behind.
        """
        committed = kafka.committed(self.brokers, self.group, self.topics)
        compare(committed, ledger(), self._first(), self.ahead)

    def _first(self) -> dict[Place, int]:
        return kafka.first_offsets(self.brokers, self.topics)

    def _without_offset(self, taken: Mapping[Place, int]) -> set[Place]:
        known = kafka.topic_ids_and_counts(self.brokers, self.topics)
        if missing := sorted(set(self.topics) - set(known)):
            raise LockgateError("LG-0701", f"Topics that must exist beforehand: {', '.join(missing)}.")
        places = {(name, number) for name, topic in known.items() for number in range(topic.partitions)}
        committed = kafka.committed(self.brokers, self.group, self.topics)
        begun = {topic for topic, _ in committed}
        fresh = places - set(committed)
        if lost := sorted(place for place in fresh if place[0] in begun or place in taken):
            raise LockgateError("LG-0702", "No offset for " + ", ".join(f"{topic}/{number}" for topic, number in lost))
        return fresh

    def _write(self, offsets: Mapping[Place, int]) -> None:
        admin = AdminClient({"bootstrap.servers": self.brokers})
        wanted = [TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()]
        order = ConsumerGroupTopicPartitions(self.group, wanted)
        try:
            answer = admin.alter_consumer_group_offsets([order])[self.group].result(kafka.SECONDS)
        except (KafkaException, TimeoutError) as exc:
            raise LockgateError("LG-0206", f"{self.brokers}: {exc}") from exc
        if refused := [str(one.error) for one in answer.topic_partitions if one.error is not None]:
            raise LockgateError("LG-0206", f"The group's first offsets were refused: {refused[0]}")


def compare(
    committed: Mapping[Place, int], taken: Mapping[Place, int], first: Mapping[Place, int], ahead: int = 0
) -> None:
    """LG-0702 with the places where `committed` (next to read) is ahead of `taken` (highest taken).

    Where nothing was taken the group may stand at `first`. Aborted and control records are passed only together with
    a later record that was taken, so the allowance (`ahead`) is 0 unless told otherwise.
    """
    details = [
        f"{topic}/{number}: group at {offset}, taken {taken.get((topic, number), 'nothing')}"
        for (topic, number), offset in sorted(committed.items())
        if offset > taken.get((topic, number), first.get((topic, number), 0) - 1) + 1 + ahead
    ]
    if details:
        raise LockgateError("LG-0702", f"The group is ahead of the ledger at {', '.join(details)}.", details=details)


async def watch(
    committed: Callable[[], Mapping[Place, int]], ledger: LedgerOffsets, *, every_s: float, ahead: int
) -> NoReturn:
    """Compare every `every_s` seconds, until LG-0702 is raised.

    `committed` is what this worker's own consumer has committed: no request, and so nothing that an absent broker
    could spoil (an AdminClient whose broker went away crashed the process with SIGSEGV, confluent-kafka 2.16.1). A
    ledger that is away is no finding: looked at again.
    """
    start = dict(committed())
    while True:
        await asyncio.sleep(every_s)
        now = dict(committed())
        start = {**now, **start}
        try:
            taken = await asyncio.to_thread(ledger)
        except Exception as exc:
            log.warning("offsets not checked", cause=type(exc).__name__)
            continue
        compare(now, taken, start, ahead)
