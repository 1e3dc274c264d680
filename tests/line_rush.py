"""The same line at full speed: every worker in a thread of its own, so that transactions really meet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from baton import Actor
from line_actors import Line
from memory_sink import MemorySink

from infra.clock import Deadline

QUIET_SECONDS = 30.0
TURN_SECONDS = 30.0


class Runner(Actor):
    """Steps without handing over, until told to end."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self.over = threading.Event()
        super().__init__(name, work)

    def start(self) -> None:
        """Not yet: `rush` starts it."""

    def run(self) -> None:
        """Step after step; an error ends it and is kept."""
        try:
            while not self.over.is_set():
                self._work()
        except Exception as error:
            self.error = error

    def stand(self, point: str) -> None:
        """Goes on."""

    def resume(self, order: str = "go") -> None:
        """One step in the caller's thread, once it has ended."""
        self._work()

    def end(self) -> None:
        """After the step under way."""
        self.over.set()
        if self.is_alive():
            self.join(TURN_SECONDS)


def one_at_a_time(sink: MemorySink) -> None:
    """The destination answers one call after the other."""
    lock = threading.RLock()

    def held(call: Callable[..., Any]) -> Callable[..., Any]:
        def locked(*args: Any) -> Any:
            with lock:
                return call(*args)

        return locked

    for name in ("create", "update", "read", "remove", "come_true", "between_calls"):
        setattr(sink, name, held(getattr(sink, name)))


def rush(line: Line, changes: int) -> None:
    """Everybody runs; the team edits; at the end the workers stop where they are, and the rest is played in turns."""
    one_at_a_time(line.sink)
    line.start("take", 2)
    line.start("project", 2)
    line.source.begin()
    for actor in line.actors:
        threading.Thread.start(actor)
    for _ in range(changes):
        line.source.change()
        line.time_passes()
    line.source.complete()
    line.sink.calm()
    deadline = Deadline(QUIET_SECONDS)
    while not (line.quiet() or deadline.passed() or any(actor.error for actor in line.actors)):
        line.time_passes()
    for actor in line.actors:
        actor.end()
    errors = [actor.error for actor in line.actors if actor.error]
    assert errors == []
