"""Which topics are held, and why: a wish to pause, or bad weather. A hold keeps the partitions without a rebalance."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from enum import StrEnum
from typing import Any


class Why(StrEnum):
    """Why a topic is held."""

    WANTED = "wanted"  #: an operator's pause
    WEATHER = "weather"  #: its agent retries a batch in place


class Holds:
    """Holds topics of one app. Call it on the event loop only.

    The consumer's own pause is forgotten at every rebalance; the repaired `resume_partitions` asks here instead
    (faust_repairs, W8).
    """

    def __init__(self) -> None:
        self._why: dict[str, set[Why]] = defaultdict(set)
        self._open: dict[str, asyncio.Event] = {}
        self._consumer: Any = None

    def attach(self, consumer: Any) -> None:
        """Name the Faust consumer whose partitions are paused."""
        self._consumer = consumer

    def held(self, topic: str) -> bool:
        """True while anything holds `topic`."""
        return bool(self._why.get(topic))

    def paused(self, topic: str) -> bool:
        """True while an operator's pause holds `topic`; its agent takes no further batch."""
        return Why.WANTED in self._why.get(topic, ())

    def hold(self, topic: str, why: Why = Why.WANTED) -> None:
        """Stop fetching `topic`; with `WANTED` its agent also stops at the next batch boundary. Idempotent."""
        self._why[topic].add(why)
        if why is Why.WANTED:
            self._gate(topic).clear()
        if self._consumer is not None:
            self._consumer.pause_partitions(self._partitions(topic))

    def release(self, topic: str, why: Why = Why.WANTED) -> None:
        """Take one reason away; fetching goes on when none is left. Idempotent."""
        self._why[topic].discard(why)
        if why is Why.WANTED:
            self._gate(topic).set()
        if not self._why[topic] and self._consumer is not None:
            partitions = self._partitions(topic)
            self._consumer._paused_partitions -= partitions
            self._consumer.resume_partitions(partitions - self._consumer._buffered_partitions)

    async def wait_open(self, topic: str) -> None:
        """Return when no operator's pause holds `topic`."""
        await self._gate(topic).wait()

    def _gate(self, topic: str) -> asyncio.Event:
        if topic not in self._open:
            self._open[topic] = asyncio.Event()
            self._open[topic].set()
        return self._open[topic]

    def _partitions(self, topic: str) -> set[Any]:
        active = self._consumer._active_partitions | self._consumer._paused_partitions
        return {tp for tp in active | self._consumer._buffered_partitions if tp.topic == topic}
