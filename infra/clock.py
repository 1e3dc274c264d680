"""A clock for deadlines: seconds since boot, running on while the machine is suspended."""

from __future__ import annotations

import time


def boottime() -> float:
    """Seconds of CLOCK_BOOTTIME; where the system has none (macOS), the monotonic clock.

    Leases use it: `time.monotonic` stands still on Linux while a laptop sleeps, and a lease must not.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Deadline:
    """A point in time some seconds away."""

    def __init__(self, seconds: float) -> None:
        self._end = boottime() + seconds

    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - boottime())

    def passed(self) -> bool:
        """True once the time is up."""
        return self.left() <= 0.0
