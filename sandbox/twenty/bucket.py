"""The workspace's token bucket: refill is floored and the clock restarts at every granted call (`twenty.md` 5)."""

from __future__ import annotations

from collections.abc import Callable


class TokenBucket:
    """`limit` tokens per `window_ms`; calls closer together than window/limit earn nothing back. 0 = no limit."""

    def __init__(self, limit: int, window_ms: int, clock_ms: Callable[[], float]) -> None:
        self.limit = limit
        self.window_ms = window_ms
        self._clock_ms = clock_ms
        self._tokens = limit
        self._last_ms = clock_ms()

    def take(self) -> bool:
        """One token, or False; a refusal does not move the clock."""
        if self.limit == 0:
            return True
        now = self._clock_ms()
        refill = int((now - self._last_ms) * self.limit // self.window_ms)
        available = min(self.limit, self._tokens + refill)
        if available < 1:
            return False
        self._tokens = available - 1
        self._last_ms = now
        return True

    def configure(self, limit: int, window_ms: int) -> None:
        """A full bucket of a new size."""
        self.limit = limit
        self.window_ms = window_ms
        self._tokens = limit
        self._last_ms = self._clock_ms()
