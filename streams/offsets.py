"""Where the group stands: its first offsets, and the guard that it never stands ahead of the ledger (W12)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from schemas.errors import LockgateError

#: (topic, partition) → the highest offset this group has taken, as the ledger has it. Absent: nothing taken yet.
LedgerOffsets = Callable[[], Mapping[tuple[str, int], int]]
Place = tuple[str, int]

TIMEOUT_S = 10.0
SEED_TRIES_S = 15.0


class Offsets:
    """One group's committed offsets, asked from the broker. Blocking: call from a thread."""

    def __init__(self, brokers: str, group: str, topics: Sequence[str], *, ahead: int = 0) -> None:
        self._admin = AdminClient({"bootstrap.servers": brokers, "log_level": 2})
        self._group = group
        self._topics = tuple(topics)
        self._ahead = ahead

    def places(self) -> list[Place]:
        """Every partition of the topics. LG-0206: no broker. LG-0701: a topic is not there."""
        try:
            known = self._admin.list_topics(timeout=TIMEOUT_S).topics
        except KafkaException as exc:
            raise LockgateError("LG-0206", f"{exc}") from exc
        missing = [topic for topic in self._topics if topic not in known]
        if missing:
            raise LockgateError("LG-0701", f"Topics that must exist beforehand: {', '.join(missing)}.")
        return [(topic, partition) for topic in self._topics for partition in sorted(known[topic].partitions)]

    def committed(self, places: Sequence[Place]) -> dict[Place, int]:
        """The group's offset (the next to read) for each place that has one."""
        asked = ConsumerGroupTopicPartitions(self._group, [TopicPartition(*place) for place in places])
        answer = _result(self._admin.list_consumer_group_offsets([asked])[self._group])
        return {(found.topic, found.partition): found.offset for found in answer.topic_partitions if found.offset >= 0}

    def beginnings(self, places: Sequence[Place]) -> dict[Place, int]:
        """The first offset the broker still has, for each place."""
        futures = self._admin.list_offsets({TopicPartition(*place): OffsetSpec.earliest() for place in places})
        return {(tp.topic, tp.partition): _result(future).offset for tp, future in futures.items()}

    def seed(self, ledger: LedgerOffsets) -> None:
        """Give the group its first offsets: the beginning, for topics of which it has none. Idempotent.

        After this every partition has an offset, so that one that is missing later was lost: LG-0702, never a jump
        (`auto_offset_reset` is `none`). A place the ledger knows but the group does not was lost as well.
        """
        deadline = time.monotonic() + SEED_TRIES_S
        while True:
            fresh = self._unseeded(ledger)
            if not fresh:
                return
            try:
                self._write(self.beginnings(fresh))
            except LockgateError:
                # Another worker of the group seeded and joined between our two looks: then nothing is left to do.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def check(self, ledger: LedgerOffsets) -> None:
        """LG-0702 where the group stands ahead of what the ledger has taken (W12): something was skipped.

        The group is read first: the ledger moves ahead of it, never behind. Aborted and control records do not count
        as long as a later record was taken, so the allowance (`ahead`) is 0 unless told otherwise.
        """
        places = self.places()
        committed, taken = self.committed(places), ledger()
        beginnings = self.beginnings([place for place in places if place not in taken])
        ahead = [
            f"{topic}/{partition}: group at {offset}, ledger has taken {taken.get((topic, partition), 'nothing')}"
            for (topic, partition), offset in sorted(committed.items())
            if offset > self._allowed((topic, partition), taken, beginnings)
        ]
        if ahead:
            raise LockgateError("LG-0702", "The group is ahead of the ledger.", details=ahead)

    def _allowed(self, place: Place, taken: Mapping[Place, int], beginnings: Mapping[Place, int]) -> int:
        return (taken[place] + 1 if place in taken else beginnings[place]) + self._ahead

    def _unseeded(self, ledger: LedgerOffsets) -> list[Place]:
        places = self.places()
        committed, taken = self.committed(places), ledger()
        begun = {topic for topic, _ in committed}
        missing = [place for place in places if place not in committed]
        lost = [place for place in missing if place[0] in begun or place in taken]
        if lost:
            raise LockgateError("LG-0702", "Partitions without an offset: " + ", ".join(f"{t}/{p}" for t, p in lost))
        return missing

    def _write(self, offsets: Mapping[Place, int]) -> None:
        wanted = [TopicPartition(topic, partition, offset) for (topic, partition), offset in offsets.items()]
        order = ConsumerGroupTopicPartitions(self._group, wanted)
        answer = _result(self._admin.alter_consumer_group_offsets([order])[self._group])
        refused = [str(found.error) for found in answer.topic_partitions if found.error is not None]
        if refused:
            raise LockgateError("LG-0206", f"The group's first offsets were refused: {refused[0]}")


def _result(future: Any) -> Any:
    try:
        return future.result(TIMEOUT_S)
    except KafkaException as exc:
        raise LockgateError("LG-0206", f"{exc}") from exc


async def watch(
    offsets: Offsets, ledger: LedgerOffsets, *, every_s: float, on_broken: Callable[[Exception], None]
) -> None:
    """Check every `every_s` seconds; `on_broken` is called with LG-0702. A broker or ledger away is not a finding."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(offsets.check, ledger)
        except LockgateError as exc:
            if exc.code == "LG-0702":
                on_broken(exc)
