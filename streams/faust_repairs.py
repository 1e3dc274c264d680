"""Repairs of Faust 0.15.3's consumer, each with the hazard's number of engine.md 6 and 9 and a test that fails without.

They are set on the one consumer of the one app, before it starts; no class of Faust is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import metadata
from typing import Any

from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from schemas.errors import LockgateError
from streams import halting
from streams.holds import Holds

#: What was read line by line. Another version may have moved what we mend.
PINNED = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}


def check_engine() -> None:
    """Refuse to start (LG-0703) on a Faust that was not read, or without its Cython stream iterator.

    W11: the pure-Python iterator acknowledges events of an older generation; the Cython one does not.
    """
    for package, wanted in PINNED.items():
        found = metadata.version(package)
        if found != wanted:
            raise LockgateError("LG-0703", f"The repairs were written for {package} {wanted}; installed is {found}.")
    from faust import streams as faust_streams  # noqa: PLC0415 (nothing happens at import)

    if getattr(faust_streams, "_CStreamIterator", None) is None:
        raise LockgateError("LG-0703", "Faust's Cython stream iterator is not loaded (NO_CYTHON set, or no wheel).")


def half_open_gaps(consumer: Any, holds: Holds) -> None:
    """W2: on topics written in transactions the committed offset falls behind; a restart replays nearly all.

    `_add_gap` counts the message *after* the hole into the gap. It is acknowledged before it was taken, stands twice in
    the list of acknowledged offsets, and ends a commit's run of numbers there: one transaction per commit, whatever
    was done. It also starts at committed + 1 and so drops a control record at the head. The hole is
    [from, message), from the committed offset on. After offset 0 no hole is noted at all (0 counts as nothing read),
    which would stop a young partition's commits: that one is noted when the message is delivered.
    """
    deliver = consumer.callback

    async def add_gap(tp: Any, offset_from: int, offset_to: int) -> None:
        committed = consumer._committed_offset[tp]
        begin = offset_from if committed is None else max(offset_from, committed)
        if begin < offset_to:
            gaps = consumer._gap[tp]
            gaps.addi(begin, offset_to)
            gaps.merge_overlaps(strict=False)

    async def note_and_deliver(message: Any) -> None:
        if message.offset > 1 and consumer._read_offset[message.tp] == 0:
            await add_gap(message.tp, 1, message.offset)
        await deliver(message)

    consumer._add_gap = add_gap
    consumer.callback = note_and_deliver


def read_committed(consumer: Any, holds: Holds) -> None:
    """W3: at least once means `read_uncommitted`, hard-coded; rows of aborted transactions would be taken."""
    thread = consumer._thread
    create = thread._create_worker_consumer

    def create_committed(transport: Any) -> Any:
        kafka = create(transport)
        if not hasattr(kafka, "_isolation_level"):
            raise LockgateError("LG-0703", "aiokafka's consumer has no isolation level to set.")
        kafka._isolation_level = "read_committed"
        return kafka

    thread._create_worker_consumer = create_committed


def deliver_fetched(consumer: Any, holds: Holds) -> None:
    """W8: records fetched for a partition paused meanwhile are dropped, and the hole is committed as done.

    `getmany` drops what is not of an active partition; told of no active partitions it delivers everything it
    fetched. Revoked partitions do not pass: flow and generation are checked for every record.
    """
    wait_next = consumer._wait_next_records

    async def wait_next_records(timeout: float) -> tuple[Any, None]:
        records, _active = await wait_next(timeout)
        return records, None

    consumer._wait_next_records = wait_next_records


def keep_holds(consumer: Any, holds: Holds) -> None:
    """W8, second half: a rebalance and a draining buffer resume paused partitions; a hold must outlive both.

    Where a hold ends while the buffer is still full, the partition stays out of the fetch until the buffer drains.
    """
    resume, drop = consumer.resume_partitions, consumer.on_buffer_drop

    def resume_partitions(tps: Iterable[Any]) -> None:
        resume({tp for tp in tps if not holds.held(tp.topic)})

    def on_buffer_drop(tp: Any) -> None:
        if holds.held(tp.topic):
            consumer._buffered_partitions.discard(tp)
        else:
            drop(tp)

    consumer.resume_partitions = resume_partitions
    consumer.on_buffer_drop = on_buffer_drop
    holds.attach(consumer)


def never_block_the_drain(queue: Any) -> None:
    """W10: one full queue stops the single drain, and with it every other topic.

    A queue under pressure has already taken its partition out of the fetch; what was fetched before (at most one
    fetch a partition) goes in beyond `stream_buffer_maxsize` instead of waiting. Set on each stream's queue.
    """
    queue.full = lambda: False


def seek_to_start_too(consumer: Any, holds: Holds) -> None:
    """W13 (ours, read): after a rebalance aiokafka's `seek_to_committed` leaves a partition committed at 0 alone.

    What was fetched while the flow stood still is thrown away, counting on that seek: the first records of a young
    topic would be skipped and then committed. Every committed offset is sought; a partition without one halts.
    """
    thread = consumer._thread

    async def seek_all() -> dict[Any, int]:
        kafka = thread._ensure_consumer()
        committed = {}
        for tp in kafka.assignment():
            offset = await kafka.committed(tp)
            if offset is None:
                raise NoOffsetForPartitionError(tp)
            kafka.seek(tp, offset)
            committed[tp] = offset
        return committed

    async def seek_to_committed() -> Any:
        try:
            return await thread.call_thread(seek_all)
        except NoOffsetForPartitionError as exc:
            halting.halt("LG-0702", f"{exc}", exc)

    thread.seek_to_committed = seek_to_committed


def halt_on_lost_offset(consumer: Any, holds: Holds) -> None:
    """A committed offset that is gone halts (LG-0702); Faust would restart its fetcher for ever, or jump."""
    drain = consumer._drain_messages

    async def drain_messages(fetcher: Any) -> None:
        try:
            await drain(fetcher)
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as exc:
            halting.halt("LG-0702", f"{exc}", exc)
        except Exception as exc:
            if not consumer.app.should_stop:
                halting.halt("LG-0703", "while fetching", exc)
            raise

    consumer._drain_messages = drain_messages


Repair = Callable[[Any, Holds], None]

#: In the order they are set.
REPAIRS: dict[str, Repair] = {
    "W2": half_open_gaps,
    "W3": read_committed,
    "W8": deliver_fetched,
    "W8-holds": keep_holds,
    "W13": seek_to_start_too,
    "LG-0702": halt_on_lost_offset,
}


def mend(app: Any, holds: Holds) -> None:
    """Have every repair set on the consumer that `app` will make when it starts."""
    check_engine()
    transport = app.transport
    make = type(transport).Consumer

    def consumer(*args: Any, **kwargs: Any) -> Any:
        made = make(*args, **kwargs)
        for repair in REPAIRS.values():
            repair(made, holds)
        return made

    transport.Consumer = consumer


def committed(app: Any) -> dict[tuple[str, int], int]:
    """(topic, partition) → the offset that this worker's consumer has committed, or was given, for what it has now."""
    return {(tp.topic, tp.partition): offset or 0 for tp, offset in app.consumer._committed_offset.items()}
