"""Watches the line: draws it, keeps its workers alive, waits until it has moved everything or is quiet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from connectors.atomic_crm import marker
from connectors.atomic_crm import settings as source_settings
from control import eta, status
from control.context import Context
from control.follow import Keeper
from control.screen import Screen
from infra.clock import Deadline, boottime
from schemas.errors import Exit, LockgateError

LOOK_S = 0.5

Done = Callable[[Mapping[str, Any]], bool]


class Watch:
    """Draws the line about twice a second, keeps the workers alive, waits for a condition."""

    def __init__(self, context: Context, console: Console) -> None:
        self._context = context
        self._console = console
        self._keeper = Keeper(context)
        self._screen = Screen(console, self._plain)
        self.first_record_s = 0.0
        self._began = boottime()

    def until(self, done: Done, at_most_s: float) -> None:
        """Raises LG-0802 when the time is up."""
        with self._screen:
            self._until(done, Deadline(at_most_s), at_most_s)

    def _until(self, done: Done, deadline: Deadline, at_most_s: float) -> None:
        while True:
            for name in self._keeper.look():
                self._console.print(Text(f"{name} had died and was started again"))
            answer = self._look()
            if answer is not None and done(answer):
                return
            if deadline.passed():
                raise LockgateError("LG-0802", f"Waited {at_most_s:.0f} s.")
            time.sleep(LOOK_S)

    def _look(self) -> Mapping[str, Any] | None:
        """The status, drawn; None while an outside system is away."""
        try:
            answer = status.status(self._context)
        except LockgateError as error:
            if error.kind.exit is not Exit.OUTSIDE:
                raise
            self._screen.say(f"waiting: {error.message()}")
            return None
        self._draw(answer)
        return answer

    def drain(self, at_most_s: float, *, parked_may_stay: bool = False) -> None:
        """A marker in the source, then: Kafka all taken, nothing dirty, queued, parked or leased; looked at twice."""
        with source_settings.connect(self._context.source, purpose="demo") as conn:
            marker.emit(conn, self._context.file.migration, "the team has stopped")
        quiet = 0

        def done(answer: Mapping[str, Any]) -> bool:
            nonlocal quiet
            objects = answer["objects"].values()
            same = all(one["rows"] == one["source"] for one in objects)
            still = same and answer["state"] == "following" and not any(o["queued"] for o in objects)
            still = still and (parked_may_stay or not any(o["parked"] for o in objects))
            quiet = quiet + 1 if still else 0
            return quiet >= 2

        self.until(done, at_most_s)

    def _draw(self, answer: Mapping[str, Any]) -> None:
        if not self.first_record_s and any(one["delivered"] for one in answer["objects"].values()):
            self.first_record_s = round(boottime() - self._began, 2)
        self._screen.see(answer, boottime())

    def _plain(self, text: str, answer: Mapping[str, Any]) -> str:
        return f"{boottime() - self._began:6.1f} s  {text} · {eta.calls(answer)} calls"


def moved() -> Done:
    """Everything the first snapshot brought is delivered, filtered or listed; live edits may be under way."""

    def done(answer: Mapping[str, Any]) -> bool:
        objects = answer["objects"].values()
        complete = all(one["rows"] and one["rows"] >= one["source"] * 0.99 for one in objects)
        return complete and not any(one["lanes"]["backfill"] or one["parked"] for one in objects)

    return done


def after(seconds: float) -> Done:
    deadline = Deadline(seconds)
    return lambda _answer: deadline.passed()
