"""The line as people see it: bars within 80 columns on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import re
from typing import Any

from rich.console import Console

from control.screen import Board, Screen

LIMIT = {"calls": 100, "window_ms": 60_000, "tokens": 0, "paused_ms": 0.0}


def object_(source: int, delivered: int, *, parked: int = 0, dead: int = 0, late_ms: float = 0.0) -> dict[str, Any]:
    """An object of which all the rest is queued."""
    queued = source - delivered - parked - dead
    states = {"filtered": 0, "queued": queued, "parked": parked, "asked": 0, "dead": dead, "delivered": delivered}
    lag = {"capture_ms": 12.0, "streams_records": 0, "oldest_live_ms": late_ms}
    return {"source": source, "rows": source, **states, "lag": lag, "lanes": {"live": 0, "backfill": queued}}


def answer(delivered: int) -> dict[str, Any]:
    """A status as at full scale, with every object."""
    sizes = {"sale": 12, "tag": 40, "company": 1000, "contact": 5000, "deal": 1500, "task": 2500}
    objects = {name: object_(size, size) for name, size in sizes.items()}
    objects |= {
        "contact_note": object_(123_456, delivered, parked=120, dead=3, late_ms=12_345.0),
        "deal_note": object_(2000, 0),
        "configuration": object_(0, 0),
    }
    calls = [{"kind": "contact_note", "verb": "create", "lane": "backfill", "calls": delivered // 30, "records": 1}]
    return {"objects": objects, "calls": calls, "limit": LIMIT}


def drawn(board: Board) -> list[str]:
    """The board as 80 columns of text."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(board)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_the_board_fits_80_columns() -> None:
    """An object a line with bar, rows, rate, calls and lag; what waits; how much longer: nothing is cut off."""
    board = Board()
    assert drawn(board) == [""]
    board.see(answer(90_000), 0.0)
    board.see(answer(93_000), 30.0)
    lines = drawn(board)
    assert max(len(line) for line in lines) <= 80
    note = next(line for line in lines if line.startswith("contact_note"))
    assert re.split("[━╸╺]", note)[-1].split() == ["93000/123456", "100.0/s", "3100", "calls", "lag", "12.3", "s"]
    assert [line.split()[0] for line in lines[:9]] == list(answer(0)["objects"])
    assert lines[-3:] == [
        "parked: 120 contact_note",
        "dead: 3 contact_note",
        # (30,333 queued + 120 parked + 2,000 notes of deals) / 30 a call = 1,082 calls
        "about 11 min left at 100 calls/min",
    ]


def test_an_object_without_rows_is_full() -> None:
    """Nothing to do is done."""
    board = Board()
    board.see(answer(90_000), 0.0)
    lines = drawn(board)
    empty = next(line for line in lines if line.startswith("configuration"))
    assert empty.count("━") == 18
    assert "0/0" in empty


def test_without_a_terminal_a_line_is_printed_when_it_changes() -> None:
    """For logs and pipes: no control characters, no repetition; the reason of a wait is told once."""
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    with Screen(console, lambda text, look: f"> {text} · {len(look['calls'])}") as screen:
        screen.see(answer(90_000), 0.0)
        screen.see(answer(90_000), 1.0)
        screen.say("waiting: LG-0208")
        screen.say("waiting: LG-0208")
        screen.see(answer(90_000), 2.0)
    assert isinstance(console.file, io.StringIO)
    first, second, third = console.file.getvalue().splitlines()
    assert first == third
    assert first.startswith("> sale 12/12 lag 0.0s · tag 40/40")
    assert first.endswith("· about 12 min left at 100 calls/min · 1")
    assert second == "waiting: LG-0208"
    assert "\x1b" not in first


def test_on_a_terminal_the_board_is_redrawn_in_place() -> None:
    """Live: the last frame stays, and says what the last look said; a block can be entered again."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None, legacy_windows=False)
    screen = Screen(console)
    for _ in range(2):
        with screen:
            screen.say("waiting: LG-0208")
            screen.see(answer(90_000), 0.0)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "\x1b[2K" in text
    assert text.rstrip("\n\x1b[?25h").endswith("about 12 min left at 100 calls/min")
