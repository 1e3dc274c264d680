"""Hints to Kafka: they wake, they decide nothing, so one that is lost only costs a sweep (DESIGN 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra import logs
from streams.holds import Holds

log = logs.get("streams")

SEND_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Hint:
    """One hint on its way. Its partition is murmur2 of the key, like Debezium's and `schemas.murmur2.partition`."""

    topic: str  #: e.g. `acme.g1.load.live`
    key: str  #: `schemas.naming.hint_key(kind, key)`
    value: bytes  #: JSON {object, key, seq, cause, trace}


class Hints:
    """What a background loop is given: a producer of hints, and the holds of the line's topics."""

    def __init__(self, app: Any, holds: Holds) -> None:
        self._app = app
        self.holds = holds  #: pause and resume cdc topics; call on the event loop

    async def send(self, hints: Sequence[Hint]) -> int:
        """Send, wait for the broker; how many arrived. Never raises for a broker away: the sweep finds the work."""
        try:
            producer = await self._app.maybe_start_producer()
            async with asyncio.timeout(SEND_TIMEOUT_S):
                pending = [
                    await producer.send(hint.topic, hint.key.encode(), hint.value, None, None, None) for hint in hints
                ]
                answers = await asyncio.gather(*pending, return_exceptions=True)
        except Exception as exc:
            log.warning("hints not sent", count=len(hints), cause=type(exc).__name__)
            return 0
        lost = [answer for answer in answers if isinstance(answer, BaseException)]
        if lost:
            log.warning("hints not sent", count=len(lost), cause=type(lost[0]).__name__)
        return len(answers) - len(lost)
