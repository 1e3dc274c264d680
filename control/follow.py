"""`start` in the foreground: shows how the line fills, brings dead workers back, stops them on Ctrl-C."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from control import start, status
from control.context import Context
from infra import processes
from infra.clock import boottime
from schemas.errors import LockgateError

LOOK_S = 1.0
#: A worker that ends more often than this in a minute has a bug or a wall before it: stop and say so.
MOST_RESTARTS = 5


class Keeper:
    """Brings dead workers back, within reason."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._restarts: dict[str, deque[float]] = {}

    def look(self) -> list[str]:
        """Respawns workers that died; returns their names. Raises LG-0703 with the log's tail when one keeps dying."""
        back = []
        for worker in start.workers(self._context):
            info = processes.info(self._context.run_dir, worker.name)
            if info.state is not processes.State.RUNNING:
                self._allow(worker.name, info.tail)
                start.spawn(self._context, worker)
                back.append(worker.name)
        return back

    def _allow(self, name: str, tail: str) -> None:
        times = self._restarts.setdefault(name, deque(maxlen=MOST_RESTARTS))
        if len(times) == MOST_RESTARTS and boottime() - times[0] < 60:
            raise LockgateError(
                "LG-0703", f"{name} ended {MOST_RESTARTS} times in a minute.", details=tail.splitlines()
            )
        times.append(boottime())


def follow(context: Context, tell: Callable[[Mapping[str, Any], list[str]], None]) -> None:
    """Until interrupted. `tell(status, restarted)` draws; the workers are stopped at the end, capture goes on."""
    keeper = Keeper(context)
    try:
        while True:
            back = keeper.look()
            tell(status.status(context), back)
            time.sleep(LOOK_S)
    finally:
        start.stop(context)
