"""The worker's side of the budget: a grant is asked before the claim and used call by call."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from infra.clock import boottime
from ledger import budget
from ledger.connection import Connection
from ledger.desired import Verb
from schemas.answers import Weather

#: Calls that belong together: a batch of known records is read before it is written (`twenty.md` 0.2).
CALLS = {Verb.CREATE: 1, Verb.UPDATE: 2, Verb.LOOK: 2, Verb.REMOVE: 1}


#: A slot not used by then is dropped: the destination counts from the call, not from the grant.
STALE_S = 0.1


@dataclass(kw_only=True)
class Slots:
    """Moments at which calls may leave, by the clock that runs while suspended."""

    destination: str
    ahead: deque[float] = field(default_factory=deque)

    def ready(self, conn: Connection, calls: int) -> float:
        """0.0 when the calls of one batch are granted and the first may leave now, else seconds to wait."""
        now = boottime()
        while self.ahead and self.ahead[0] < now - STALE_S:
            self.ahead.popleft()
        if self.ahead:
            return max(0.0, self.ahead[0] - now)
        answer = budget.ask(conn, self.destination, calls)
        if isinstance(answer, budget.Wait):
            return answer.ms / 1000
        now = boottime()
        self.ahead.extend(now + delay / 1000 for delay in answer.delays_ms)
        return 0.0

    def take(self, conn: Connection, until: float) -> bool:
        """Waits for the next slot; False when none comes before `until` (boottime seconds): then nothing is sent."""
        while boottime() < until:
            wait = max(0.0, self.ahead[0] - boottime()) if self.ahead else self.ready(conn, 1)
            if wait <= 0:
                late = boottime() - self.ahead.popleft()
                self.ahead = deque(slot + late for slot in self.ahead)
                return True
            if boottime() + wait >= until:
                return False
            time.sleep(wait)
        return False

    def learn(self, conn: Connection, weather: Weather) -> None:
        """The destination spoke of its limit."""
        self.ahead.clear()
        budget.learn(
            conn,
            self.destination,
            wait_s=weather.wait_s,
            limit=weather.limit_calls,
            window_ms=weather.window_ms,
            words=weather.reason,
        )
