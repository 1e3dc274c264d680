"""One thin Faust agent a cdc topic: it hands batches to `take` and holds no logic of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams import batches
from streams.batches import IsWeather, Pace, Take
from streams.holds import Holds


def add(app: Any, topics: Sequence[str], take: Take, *, is_weather: IsWeather, holds: Holds, pace: Pace) -> None:
    """Register the agents on `app`. `take(batch)` runs in a thread and returns once its transaction is committed.

    `concurrency=1`: with more, commits pass events in flight (W7, #606).
    """
    for name in topics:
        topic = app.topic(
            name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", internal=False
        )

        async def agent(stream: Any) -> None:
            await batches.run(stream, app, take, is_weather=is_weather, holds=holds, pace=pace)

        app.agent(topic, name=f"take {name}", concurrency=1)(agent)
