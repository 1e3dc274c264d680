"""Threads that run one at a time, handing over at failpoints: any interleaving of the real code, replayable by seed."""

from __future__ import annotations

import threading
from collections.abc import Callable

TURN_SECONDS = 30.0


class Crash(BaseException):
    """The process is gone at this point."""


class Actor(threading.Thread):
    """One worker of the line. `resume` lets it run to its next failpoint or to the end of one step of its work."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self.at: str | None = None  #: the failpoint it stands at; None = between two steps
        self.error: BaseException | None = None
        self.crashed = False
        self._work = work
        self._go = threading.Semaphore(0)
        self._stands = threading.Semaphore(0)
        self._order = "go"
        self.start()

    def run(self) -> None:
        """Steps, until told to end."""
        while True:
            self._go.acquire()
            if self._order == "end":
                return
            try:
                self._work()
            except Crash:
                self.crashed = True
            except BaseException as error:
                self.error = error
            self.at = None
            self._stands.release()

    def stand(self, point: str) -> None:
        """Called in its thread: stop here until resumed."""
        self.at = point
        self._stands.release()
        self._go.acquire()
        if self._order != "go":
            raise Crash(point)

    def resume(self, order: str = "go") -> None:
        """Runs it to its next stop; `crash` ends the step where it stands."""
        self._order = order
        self._go.release()
        if not self._stands.acquire(timeout=TURN_SECONDS):
            raise AssertionError(f"{self.name} stands still after {self.at}")
        if self.error is not None:
            raise self.error

    def end(self) -> None:
        """The thread ends, wherever it stands."""
        if not self.is_alive():
            return
        if self.at is not None:
            self.resume("crash")
        self._order = "end"
        self._go.release()
        self.join(TURN_SECONDS)


def hit(point: str) -> None:
    """Takes the place of `infra.failpoints.hit`."""
    actor = threading.current_thread()
    if isinstance(actor, Actor):
        actor.stand(point)
