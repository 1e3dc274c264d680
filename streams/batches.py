"""Batches out of a Faust stream's queue, acknowledged by hand after their ledger transaction (engine.md 9).

Measured there: 10,600 events/s, a single event 13 ms p50; every pattern that Faust offers by itself either is slower
or acknowledges early. Delivery is at least once: a batch may come again after a crash or a rebalance, in order.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra import logs
from streams import faust_repairs, halting
from streams.holds import Holds, Why

log = logs.get("streams")

POLL_S = 0.003
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 5.0


class Weather(Exception):  # noqa: N818 (a name of the domain)
    """What may pass: the ledger or the broker is away. The batch is tried again, for ever, in place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One record of a cdc topic, as it lies there."""

    topic: str  #: e.g. `acme.cdc.public.companies`
    partition: int  #: of the topic
    offset: int  #: within the partition; with the epoch it is the row's version (law 1)
    key: bytes | None  #: as Debezium wrote it
    value: bytes | None  #: None is a tombstone
    timestamp: float  #: the record's own time, seconds since 1970


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Events of one topic in the order of their partitions; never empty."""

    topic: str  #: all events are of this topic
    events: tuple[Event, ...]  #: at most `Pace.most`

    def highest(self) -> dict[int, int]:
        """Partition → highest offset in the batch: what the ledger notes in the same transaction."""
        return {event.partition: event.offset for event in self.events}


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How large batches grow and how long they wait."""

    most: int = 500  #: events a batch
    linger_s: float = 0.03  #: two or more events wait this long for company; a lone one goes at once


Take = Callable[[Batch], None]
IsWeather = Callable[[BaseException], bool]


async def run(stream: Any, app: Any, take: Take, *, is_weather: IsWeather, holds: Holds, pace: Pace) -> None:
    """The body of an agent: batch, `take` in a thread, acknowledge; until the stream ends.

    Raises only what ends an agent properly (CancelledError, StopAsyncIteration); any other exception that is not
    weather ends the process with nothing acknowledged (W5: Faust would acknowledge the event and go on).
    """
    faust_repairs.never_block_the_drain(stream.channel.queue)
    stream.enable_acks = False  # before the first iteration: the iterator reads it ahead of each event
    async for first in stream.events():
        try:
            await _one(first, stream, app, take, is_weather=is_weather, holds=holds, pace=pace)
        except (asyncio.CancelledError, StopAsyncIteration):
            raise
        except BaseException as exc:
            halting.halt("LG-0703", f"while taking {first.message.topic}", exc)


async def _one(
    first: Any, stream: Any, app: Any, take: Take, *, is_weather: IsWeather, holds: Holds, pace: Pace
) -> None:
    topic = first.message.topic
    await holds.wait_open(topic)
    events = await _fill(first, stream.channel.queue, app, pace)
    if not events:
        return
    batch = Batch(topic=topic, events=tuple(_plain(event.message) for event in events))
    generation = events[0].message.generation_id
    if await _persist(batch, take, is_weather, holds, fresh=lambda: _fresh(app, generation)):
        _acknowledge(events, app)


async def _fill(first: Any, queue: Any, app: Any, pace: Pace) -> list[Any]:
    """`first` and what follows it in the queue; events of an older generation are left out, they will come again."""
    events = [first]
    deadline = time.monotonic() + pace.linger_s
    while len(events) < pace.most and not queue._errors:
        if queue._queue:
            events.append(queue.get_nowait())
        elif len(events) == 1 or time.monotonic() >= deadline:
            break
        else:
            await asyncio.sleep(POLL_S)
    return [event for event in events if _fresh(app, event.message.generation_id)]


def _fresh(app: Any, generation: int) -> bool:
    return bool(app.flow_control.is_active()) and generation == app.consumer_generation_id


def _plain(message: Any) -> Event:
    return Event(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        timestamp=message.timestamp,
    )


async def _persist(batch: Batch, take: Take, is_weather: IsWeather, holds: Holds, *, fresh: Callable[[], bool]) -> bool:
    """Call `take` until it returns (True), or until the partitions are gone (False: it will come again).

    While it waits it holds its own topic, so that its full queue does not block the other agents (W10).
    """
    delay = FIRST_RETRY_S
    try:
        while True:
            try:
                await asyncio.to_thread(take, batch)
                return True
            except Exception as exc:
                if isinstance(exc, StopAsyncIteration) or not is_weather(exc):
                    raise
                log.warning("wait", topic=batch.topic, seconds=round(delay, 1), cause=type(exc).__name__)
            holds.hold(batch.topic, Why.WEATHER)
            await asyncio.sleep(delay * random.uniform(0.7, 1.3))
            delay = min(delay * 2, LONGEST_RETRY_S)
            if not fresh():
                return False
    finally:
        if holds.held(batch.topic):
            holds.release(batch.topic, Why.WEATHER)


def _acknowledge(events: Sequence[Any], app: Any) -> None:
    """In order, and only what this generation was given: a later owner reads the rest again."""
    for event in events:
        if _fresh(app, event.message.generation_id):
            event.ack()
