"""Batches out of a stream's queue: size, company, order of acknowledgement, weather and bugs (engine.md 9)."""

from __future__ import annotations

import asyncio
import time
import types
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from streams import batches, halting
from streams.batches import Batch, Pace, Weather
from streams.holds import Holds

TOPIC = "acme.cdc.public.companies"


class FakeEvent:
    """A Faust event that notes its acknowledgement."""

    def __init__(self, line: Line, offset: int, generation: int = 1) -> None:
        self.line = line
        self.message = types.SimpleNamespace(
            topic=TOPIC,
            partition=offset % 2,
            offset=offset,
            key=b'{"id":1}',
            value=None if offset % 3 == 0 else b"{}",
            timestamp=1.5,
            generation_id=generation,
        )

    def ack(self) -> None:
        self.line.acknowledged.append(self.message.offset)


class Line:
    """A stream with its queue and the app's generation."""

    def __init__(self) -> None:
        self.flow = FlowControlEvent(initially_suspended=False)
        self.app = types.SimpleNamespace(flow_control=self.flow, consumer_generation_id=1)
        self.queue: Any = ThrowableQueue(100, flow_control=self.flow)
        self.channel = types.SimpleNamespace(queue=self.queue)
        self.enable_acks = True
        self.acknowledged: list[int] = []
        self.holds = Holds()

    def put(self, *offsets: int, generation: int = 1) -> None:
        for offset in offsets:
            self.queue.put_nowait(FakeEvent(self, offset, generation))

    async def events(self) -> AsyncIterator[FakeEvent]:
        while not self.queue.empty():
            yield self.queue.get_nowait()

    def run(self, take: Callable[[Batch], None], pace: Pace | None = None) -> None:
        asyncio.run(self.running(take, pace))

    async def running(self, take: Callable[[Batch], None], pace: Pace | None = None) -> None:
        weather = lambda exc: isinstance(exc, Weather)  # noqa: E731
        await batches.run(self, self.app, take, is_weather=weather, holds=self.holds, pace=pace or Pace(linger_s=0.0))


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """A line whose retries do not wait."""
    monkeypatch.setattr(batches, "FIRST_RETRY_S", 0.0)
    return Line()


def test_batches_hold_at_most_what_they_may_and_are_acknowledged_afterwards_in_order(line: Line) -> None:
    """Five events at two a batch: three batches, each acknowledged after its `take` returned."""
    line.put(0, 1, 2, 3, 4)
    seen: list[tuple[list[int], list[int]]] = []
    line.run(lambda b: seen.append(([e.offset for e in b.events], list(line.acknowledged))), Pace(most=2, linger_s=0))
    assert seen == [([0, 1], []), ([2, 3], [0, 1]), ([4], [0, 1, 2, 3])]
    assert line.acknowledged == [0, 1, 2, 3, 4]
    assert line.enable_acks is False


def test_events_come_as_they_lie_in_the_topic(line: Line) -> None:
    """Key and value are bytes, a tombstone's value is None, and the batch knows its highest offsets."""
    line.put(3, 4, 6)
    seen: list[Batch] = []
    line.run(seen.append)
    (batch,) = seen
    assert (batch.topic, batch.highest()) == (TOPIC, {0: 6, 1: 3})
    assert (
        batches.Event(topic=TOPIC, partition=1, offset=3, key=b'{"id":1}', value=None, timestamp=1.5) == batch.events[0]
    )
    assert batch.events[1].value == b"{}"


def test_a_lone_event_goes_at_once_and_two_wait_for_company(line: Line) -> None:
    """Linger is for batches that have already begun: a single change is not delayed by it (13 ms p50 measured)."""
    seen: list[int] = []

    async def story() -> None:
        line.put(1)
        begun = time.monotonic()
        await line.running(lambda b: seen.append(len(b.events)), Pace(linger_s=30))
        assert time.monotonic() - begun < 15
        line.put(2, 3)
        running = asyncio.ensure_future(line.running(lambda b: seen.append(len(b.events)), Pace(most=4, linger_s=30)))
        while line.queue.qsize():
            await asyncio.sleep(0)
        line.put(4, 5)
        await running

    asyncio.run(story())
    assert seen == [1, 4]


def test_an_older_generation_is_neither_taken_nor_acknowledged(line: Line) -> None:
    """Events fetched before a rebalance will come again to whoever has the partition now."""
    line.put(1)
    line.put(2, 3, generation=0)
    line.put(4)
    seen: list[int] = []
    line.run(lambda b: seen.extend(e.offset for e in b.events))
    assert seen == line.acknowledged == [1, 4]


def test_a_rebalance_while_taking_acknowledges_nothing(line: Line) -> None:
    """The ledger has the batch, its owner reads it again: at least once."""
    line.put(1, 2)
    line.run(lambda _: setattr(line.app, "consumer_generation_id", 2))
    assert line.acknowledged == []


def test_weather_is_tried_again_in_place_and_holds_the_topic(line: Line) -> None:
    """Law 4: what may pass waits; nothing is acknowledged meanwhile, and the hold ends with it."""
    line.put(1, 2)
    held: list[bool] = []

    def take(_: Batch) -> None:
        assert line.acknowledged == []
        held.append(line.holds.held(TOPIC))
        if len(held) < 4:
            raise Weather

    line.run(take)
    assert held == [False, True, True, True]
    assert line.acknowledged == [1, 2]
    assert not line.holds.held(TOPIC)


def test_weather_ends_when_the_partitions_are_gone(line: Line) -> None:
    """After a rebalance the batch belongs to another: it is dropped unacknowledged, not written late."""
    line.put(1)
    tries: list[int] = []

    def take(_: Batch) -> None:
        tries.append(1)
        line.app.consumer_generation_id = 2
        raise Weather

    line.run(take)
    assert (tries, line.acknowledged) == ([1], [])


@pytest.mark.parametrize("bug", [ValueError, KeyError, SystemExit])
def test_anything_else_ends_the_process(line: Line, monkeypatch: pytest.MonkeyPatch, bug: type[BaseException]) -> None:
    """W5: an exception that is no weather halts with LG-0703, its batch unacknowledged, the next one untouched."""
    halted: list[str] = []

    class Ended(BaseException):
        pass

    def halt(code: str, found: str, exc: BaseException) -> None:
        halted.append(f"{code} {type(exc).__name__}")
        raise Ended

    monkeypatch.setattr(halting, "halt", halt)
    line.put(1, 2)

    def take(_: Batch) -> None:
        raise bug

    with pytest.raises(Ended):
        line.run(take, Pace(most=1))
    assert halted == [f"LG-0703 {bug.__name__}"]
    assert line.acknowledged == []
    assert line.queue.qsize() == 1


def test_being_cancelled_passes(line: Line) -> None:
    """Faust cancels an agent when it stops: no halt, nothing acknowledged."""

    async def story() -> None:
        line.holds.hold(TOPIC)
        line.put(1)
        running = asyncio.ensure_future(line.running(lambda _: None))
        while line.queue.qsize():
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(story())
    assert line.acknowledged == []


def test_a_pause_is_obeyed_at_the_next_batch(line: Line) -> None:
    """Paused, the agent takes nothing; resumed, it goes on with the event it stood at."""
    seen: list[int] = []

    async def story() -> None:
        line.holds.hold(TOPIC)
        line.put(1, 2)
        running = asyncio.ensure_future(line.running(lambda b: seen.extend(e.offset for e in b.events)))
        while line.queue.qsize() > 1:
            await asyncio.sleep(0)
        assert seen == []
        line.holds.release(TOPIC)
        await running

    asyncio.run(story())
    assert seen == line.acknowledged == [1, 2]
