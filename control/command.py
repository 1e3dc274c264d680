"""What every command shares: the file, the format, and one way to run a verb."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from control import output
from control.output import Format
from schemas.errors import LockgateError

T = TypeVar("T")
console = Console(highlight=False)

File = Annotated[Path, typer.Option("--file", "-f", help="The migration file.")]
Output = Annotated[Format, typer.Option("--output", help="A table for people, json for programs.")]
DEFAULT_FILE = Path("migration.yaml")


def run(output_format: Format, work: Callable[[], T]) -> T:
    """Runs a verb; an error is printed once, with its code, and becomes the exit code."""
    try:
        return work()
    except LockgateError as error:
        output.error(console, output_format, error)
        raise typer.Exit(int(error.kind.exit)) from None
