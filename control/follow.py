"""`start` in the foreground: shows how the line fills, brings dead workers back, stops them on Ctrl-C."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from control import approve, start, status
from control.context import Context
from infra import processes
from infra.clock import boottime
from schemas.errors import Exit, LockgateError

LOOK_S = 1.0
#: Counting every table of the source is not done each second.
COUNT_EVERY_S = 30.0
#: A worker that ends more often than this in a minute has a bug or a wall before it: stop and say so.
MOST_RESTARTS = 5


class Keeper:
    """Brings dead workers back, within reason."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._restarts: dict[str, deque[float]] = {}

    def look(self) -> list[str]:
        """Respawns workers that died; returns their names. Raises LG-0703 with the log's tail when one keeps dying.

        A worker that somebody stopped stays stopped."""
        back = []
        for worker in start.workers(self._context):
            info = processes.info(self._context.run_dir, worker.name)
            if info.state is processes.State.DEAD:
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


class Looker:
    """Looks at the line once a second without counting the source's tables each time; weather is waited out."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counts: Mapping[str, int] | None = None
        self._counted_at = 0.0

    def look(self) -> Mapping[str, Any] | LockgateError:
        """The status, or the error of an outside system that is away just now (law 4). Raises any other error."""
        try:
            if self._counts is None or boottime() - self._counted_at > COUNT_EVERY_S:
                plan = approve.approved(self._context).plan
                self._counts, self._counted_at = status.source_counts(self._context, plan), boottime()
            return status.status(self._context, self._counts)
        except LockgateError as error:
            if error.kind.exit is not Exit.OUTSIDE:
                raise
            return error


Tell = Callable[[Mapping[str, Any] | LockgateError, list[str]], None]


def follow(context: Context, tell: Tell) -> None:
    """Until interrupted or until somebody stops the workers. `tell(status, restarted)` draws.

    The workers are stopped at the end; capture goes on."""
    keeper, looker = Keeper(context), Looker(context)
    try:
        while any(processes.info(context.run_dir, w.name).pid is not None for w in start.workers(context)):
            back = keeper.look()
            tell(looker.look(), back)
            time.sleep(LOOK_S)
    finally:
        start.stop(context)
