"""Time as the stand-in sees it, so that tests can hold it still."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two readings of time."""

    def stamp(self) -> str:
        """Now, as Twenty prints instants: ISO 8601, milliseconds, Z."""
        ...

    def ms(self) -> float:
        """Milliseconds that never run backwards."""
        ...


class SystemClock:
    """The machine's clocks."""

    def stamp(self) -> str:
        """Now, as Twenty prints instants."""
        return iso(datetime.now(UTC))

    def ms(self) -> float:
        """Monotonic milliseconds."""
        return time.monotonic() * 1000


def iso(moment: datetime) -> str:
    """An instant with milliseconds and Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
