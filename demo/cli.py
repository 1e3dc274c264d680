"""`lockgate demo`: the rehearsal as a command; found by the console script as an entry point."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from control import output
from control.output import Format
from demo import run
from demo.scene import Wish
from schemas.errors import LockgateError


def demo(
    scale: Annotated[float, typer.Option(min=0.01, max=100, help="1 = 1,000 companies, 5,000 contacts.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same data and edits.")] = 7,
    rate: Annotated[float, typer.Option(min=0, max=1000, help="Row changes a second by the team.")] = 10.0,
    limit: Annotated[int, typer.Option(min=0, help="Calls per 60 s of the Twenty sandbox; 0 = none.")] = 100,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running.")] = False,
    twenty_url: Annotated[str | None, typer.Option(help="A real Twenty server instead of the sandbox.")] = None,
    twenty_key: Annotated[str | None, typer.Option(help="Its key; better in LOCKGATE_DEMO_TWENTY_KEY.")] = None,
) -> None:
    """Rehearse: an Atomic CRM moves into Twenty while a team edits; every field is compared."""
    console = Console(highlight=False)
    wish = Wish(
        scale=scale,
        seed=seed,
        rate=rate,
        limit=limit,
        keep=keep,
        twenty_url=twenty_url,
        twenty_key=twenty_key,
        root=Path(".lockgate/demo"),
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_interrupt)
    try:
        run.run(wish, console)
    except LockgateError as error:
        output.error(console, Format.TABLE, error)
        raise typer.Exit(int(error.kind.exit)) from None
    except KeyboardInterrupt:
        left = "everything is left running; `lockgate down` stops it" if keep else "everything of it is stopped"
        console.print(f"interrupted; {left}")
        raise typer.Exit(1) from None


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
