"""The line as it fills: bars that move on a terminal, one line when something changes for logs and pipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from control import eta, output
from control.eta import Left, Look

BAR_WIDTH = 18
#: So that columns stay where they are while numbers grow: rows, rate, calls, lag.
WIDTHS = (9, 7, 10, 10)


class Board:
    """The line on a terminal, 80 columns: a bar an object, what waits, how much longer."""

    def __init__(self) -> None:
        self._looks: tuple[Look, ...] = ()

    def see(self, answer: Mapping[str, Any], at: float) -> Left | None:
        """Take a look in; how much longer it will take, as far as that can be told."""
        self._looks = eta.recent(self._looks, Look(at=at, answer=answer))
        return eta.left(self._looks)

    def __rich__(self) -> RenderableType:
        if not self._looks:
            return Text("")
        answer, left = self._looks[-1].answer, eta.left(self._looks)
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        for width in WIDTHS:
            table.add_column(justify="right", no_wrap=True, min_width=width)
        for name, one in answer["objects"].items():
            table.add_row(*self._row(name, one))
        lines = [_held(answer, state) for state in ("parked", "asked", "dead")] + [eta.words(left) if left else ""]
        return Group(table, *(Text(text) for text in lines if text))

    def _row(self, name: str, one: Mapping[str, Any]) -> tuple[RenderableType, ...]:
        done, rows = one["delivered"] + one["filtered"], max(one["rows"], one["source"] or 0)
        rate, calls = eta.rate(self._looks, name), eta.calls(self._looks[-1].answer, name)
        return (
            Text(name),
            ProgressBar(total=max(rows, 1), completed=done if rows else 1, width=BAR_WIDTH),
            Text(f"{done}/{rows}"),
            Text("" if rate is None else f"{rate:.1f}/s"),
            Text(f"{calls} call{'' if calls == 1 else 's'}"),
            Text(f"lag {one['lag']['oldest_live_ms'] / 1000:.1f} s"),
        )


def _held(answer: Mapping[str, Any], state: str) -> str:
    """`parked: 29 contact, 17 task`."""
    found = [f"{one[state]} {name}" for name, one in answer["objects"].items() if one[state]]
    return f"{state}: {', '.join(found)}" if found else ""


class Screen:
    """Where `start` and the rehearsal show the line; used in a `with` block."""

    def __init__(self, console: Console, plain: Callable[[str, Mapping[str, Any]], str] = lambda text, _: text) -> None:
        self._console = console
        self._plain = plain
        self._board = Board()
        self._last = ""
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        if self._console.is_terminal:
            self._live = Live(self._board, console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def see(self, answer: Mapping[str, Any], at: float) -> None:
        """Draws a look at the line; `at` is the second of a steady clock."""
        left = self._board.see(answer, at)
        if self._live is not None:
            self._live.update(self._board, refresh=True)
            return
        text = output.line(answer, left).plain
        if text != self._last:
            self._last = text
            self._console.print(Text(self._plain(text, answer)), soft_wrap=True)

    def say(self, text: str) -> None:
        """Instead of the line, until the next look: why there is none."""
        if self._live is not None:
            self._live.update(Text(text), refresh=True)
        elif text != self._last:
            self._last = text
            self._console.print(Text(text), soft_wrap=True)
