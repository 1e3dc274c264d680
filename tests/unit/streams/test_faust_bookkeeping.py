"""The repairs' bookkeeping without a broker, each beside Faust as it comes."""

from __future__ import annotations

import asyncio
import types
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoOffsetForPartitionError
from faust import streams as faust_streams
from faust.transport.consumer import Consumer
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from intervaltree import IntervalTree
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from schemas.errors import LockgateError
from streams import faust_repairs, halting
from streams.holds import Holds, Why

TP0 = TP("acme.cdc.public.companies", 0)
OTHER = TP("acme.cdc.public.contacts", 0)


class Books:
    """The part of Faust's consumer that knows what may be committed, fed with a log of data and control records."""

    _new_offset = Consumer._new_offset

    def __init__(self, committed: int | None) -> None:
        self._gap: dict[TP, IntervalTree] = defaultdict(IntervalTree)
        self._acked: dict[TP, list[int]] = defaultdict(list)
        self._acked_index: dict[TP, set[int]] = defaultdict(set)
        self._committed_offset: dict[TP, int | None] = defaultdict(lambda: None, {TP0: committed})
        self._read_offset: dict[TP, int | None] = {TP0: committed}

    async def callback(self, _: Any) -> None:
        """The message goes to its stream."""

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        await Consumer._add_gap(self, tp, offset_from, offset_to)  # type: ignore[arg-type]

    def deliver(self, offset: int) -> None:
        """As `_drain_messages` does."""
        asyncio.run(self._deliver(offset))

    async def _deliver(self, offset: int) -> None:
        read = self._read_offset[TP0]
        if read and offset - read > 1:
            await self._add_gap(TP0, read + 1, offset)
        await self.callback(types.SimpleNamespace(tp=TP0, offset=offset))
        self._read_offset[TP0] = offset

    def take(self, offset: int) -> None:
        self._acked_index[TP0].add(offset)
        self._acked[TP0].append(offset)

    def commit(self) -> int | None:
        offset = self._new_offset(TP0)  # type: ignore[misc]
        if offset is not None and offset > (self._committed_offset[TP0] or 0):
            self._committed_offset[TP0] = offset
        return self._committed_offset[TP0]


def books(committed: int | None, *, mended: bool) -> Books:
    made = Books(committed)
    if mended:
        faust_repairs.half_open_gaps(made, Holds())
    return made


def one_transaction_after_another(made: Books, start: int, sizes: list[int]) -> int:
    """Deliver and take transactions of these sizes, a control record after each; the last data offset."""
    last, offset = start - 1, start
    for size in sizes:
        for at in range(offset, offset + size):
            made.deliver(at)
            made.take(at)
            last = at
        offset += size + 1
    return last


@given(st.integers(0, 50), st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_w2_everything_taken_is_committed_at_once(start: int, sizes: list[int]) -> None:
    """Repaired, one commit reaches the last event taken, whatever control and aborted records lie between."""
    made = books(start, mended=True)
    last = one_transaction_after_another(made, start, sizes)
    assert made.commit() == last + 1


def test_w2_unrepaired_falls_behind() -> None:
    """As Faust comes, one commit ends within the first transactions although everything was taken."""
    made = books(10, mended=False)
    last = one_transaction_after_another(made, 10, [3] * 20)
    assert made.commit() != last + 1


@pytest.mark.parametrize("mended", [True, False])
def test_w2_a_hole_right_after_the_first_record(mended: bool) -> None:
    """As Faust comes, offset 0 counts as nothing read: an aborted transaction after it stops the commits for good."""
    made = books(0, mended=mended)
    for offset in (0, 8, 9):
        made.deliver(offset)
        made.take(offset)
        made.commit()
    assert made.commit() == (10 if mended else 1)


@pytest.mark.parametrize("mended", [True, False])
def test_w2_what_is_not_taken_is_not_committed(mended: bool) -> None:
    """As Faust comes, the message after a hole counts as acknowledged before it was taken."""
    made = books(10, mended=mended)
    for offset in (10, 13, 14):
        made.deliver(offset)
    made.take(10)
    made.take(14)
    assert (made.commit() == 13) is mended


class Kafka:
    """An aiokafka consumer with one partition committed at 0."""

    def __init__(self, committed: int | None) -> None:
        self.at, self.sought = committed, []
        self._subscription = types.SimpleNamespace(assigned_partitions=lambda: {TP0})
        self._fetcher = types.SimpleNamespace(seek_to=lambda tp, offset: self.sought.append((tp, offset)))

    def assignment(self) -> set[TP]:
        return {TP0}

    async def committed(self, _: TP) -> int | None:
        return self.at

    def seek(self, tp: TP, offset: int) -> None:
        self.sought.append((tp, offset))

    async def seek_to_committed(self) -> Any:
        return await AIOKafkaConsumer.seek_to_committed(self)  # type: ignore[arg-type]


def thread_of(kafka: Kafka) -> Any:
    async def call_thread(fun: Callable[..., Any], *args: Any) -> Any:
        return await fun(*args)

    return types.SimpleNamespace(
        _ensure_consumer=lambda: kafka, call_thread=call_thread, seek_to_committed=kafka.seek_to_committed
    )


@pytest.mark.parametrize("mended", [True, False])
def test_w13_the_start_of_a_topic_is_sought_too(mended: bool) -> None:
    """As aiokafka comes, a partition committed at 0 keeps the position behind what Faust has thrown away."""
    kafka = Kafka(0)
    consumer = types.SimpleNamespace(_thread=thread_of(kafka))
    if mended:
        faust_repairs.seek_to_start_too(consumer, Holds())
    assert asyncio.run(consumer._thread.seek_to_committed()) == {TP0: 0}
    assert kafka.sought == ([(TP0, 0)] if mended else [])


def test_w13_a_partition_without_an_offset_halts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No offset where every partition was given one is a lost one: LG-0702."""
    halted = record_halts(monkeypatch)
    consumer = types.SimpleNamespace(_thread=thread_of(Kafka(None)))
    faust_repairs.seek_to_start_too(consumer, Holds())
    with pytest.raises(Halted):
        asyncio.run(consumer._thread.seek_to_committed())
    assert halted == ["LG-0702"]


@pytest.mark.parametrize(
    ("raised", "stopping", "ends"),
    [
        (NoOffsetForPartitionError(TP0), False, ["LG-0702"]),
        (NoOffsetForPartitionError(TP0), True, ["LG-0702"]),
        (RuntimeError(), False, ["LG-0703"]),
        (RuntimeError(), True, []),
        (asyncio.CancelledError(), False, []),
    ],
)
def test_a_broken_fetch_halts(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, stopping: bool, ends: list[str]
) -> None:
    """A lost offset halts always, an unknown error unless we are stopping; a cancelled fetch is Faust's own affair."""
    halted = record_halts(monkeypatch)

    async def drain(_: Any) -> None:
        raise raised

    consumer = types.SimpleNamespace(_drain_messages=drain, app=types.SimpleNamespace(should_stop=stopping))
    faust_repairs.halt_on_lost_offset(consumer, Holds())
    with pytest.raises((Halted, type(raised))):
        asyncio.run(consumer._drain_messages(None))
    assert halted == ends


class Halted(BaseException):
    """Stands for the end of the process."""


def record_halts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    codes: list[str] = []

    def halt(code: str, found: str, exc: BaseException | None = None) -> None:
        codes.append(code)
        raise Halted

    monkeypatch.setattr(halting, "halt", halt)
    return codes


class Partitions:
    """The part of Faust's consumer that pauses and resumes."""

    app = types.SimpleNamespace(in_recovery=False)
    pause_partitions = Consumer.pause_partitions
    on_buffer_full = Consumer.on_buffer_full

    def __init__(self) -> None:
        self._active_partitions: set[TP] = {TP0, OTHER}
        self._paused_partitions: set[TP] = set()
        self._buffered_partitions: set[TP] = set()

    def _get_active_partitions(self) -> set[TP]:
        return self._active_partitions

    def resume_partitions(self, tps: set[TP]) -> None:
        Consumer.resume_partitions(self, tps)  # type: ignore[arg-type]

    def on_buffer_drop(self, tp: TP) -> None:
        Consumer.on_buffer_drop(self, tp)  # type: ignore[arg-type]


@pytest.mark.parametrize("mended", [True, False])
def test_w8_a_hold_outlives_a_rebalance_and_a_draining_buffer(mended: bool) -> None:
    """As Faust comes, the end of a rebalance and a buffer that drains fetch a paused partition again."""
    consumer, holds = Partitions(), Holds()
    holds.attach(consumer)
    if mended:
        faust_repairs.keep_holds(consumer, holds)
    holds.hold(TP0.topic)
    consumer.resume_partitions({TP0, OTHER})
    assert (TP0 in consumer._active_partitions) is not mended
    holds.hold(TP0.topic)
    consumer.on_buffer_full(TP0)
    consumer.on_buffer_drop(TP0)
    assert (TP0 in consumer._active_partitions) is not mended
    assert OTHER in consumer._active_partitions


def test_a_full_buffer_outlives_a_hold() -> None:
    """A topic released while its buffer is full is fetched again when the buffer drains, not before."""
    consumer, holds = Partitions(), Holds()
    faust_repairs.keep_holds(consumer, holds)
    consumer.on_buffer_full(TP0)
    holds.hold(TP0.topic, Why.WEATHER)
    holds.hold(TP0.topic, Why.WANTED)
    holds.release(TP0.topic, Why.WEATHER)
    assert holds.paused(TP0.topic)
    holds.release(TP0.topic, Why.WANTED)
    assert not holds.held(TP0.topic)
    assert TP0 not in consumer._active_partitions | consumer._paused_partitions
    consumer.on_buffer_drop(TP0)
    assert TP0 in consumer._active_partitions


@pytest.mark.parametrize("mended", [True, False])
def test_w10_a_full_queue_says_so_unless_repaired(mended: bool) -> None:
    """The drain waits for a queue that calls itself full; the repaired one never does."""

    async def full() -> bool:
        queue: Any = ThrowableQueue(1, flow_control=FlowControlEvent())
        if mended:
            faust_repairs.never_block_the_drain(queue)
        queue.force_put_nowait(1)
        return bool(queue.full())

    assert asyncio.run(full()) is not mended


def test_w3_refuses_an_unknown_consumer() -> None:
    """A consumer without an isolation level would read uncommitted rows: it is refused, not used."""
    thread = types.SimpleNamespace(_create_worker_consumer=lambda _: object())
    faust_repairs.read_committed(types.SimpleNamespace(_thread=thread), Holds())
    with pytest.raises(LockgateError, match="isolation"):
        thread._create_worker_consumer(None)


def test_w11_the_engine_is_the_one_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version, or a Faust without its Cython iterator, is refused with LG-0703."""
    faust_repairs.check_engine()
    with monkeypatch.context() as patch:
        patch.setattr(faust_streams, "_CStreamIterator", None)
        with pytest.raises(LockgateError, match="Cython"):
            faust_repairs.check_engine()
    monkeypatch.setitem(faust_repairs.PINNED, "faust-streaming", "0.15.4")
    with pytest.raises(LockgateError, match=r"0\.15\.4"):
        faust_repairs.check_engine()
