"""`lockgate up`: start the local stack and show each service as it comes."""

from __future__ import annotations

import os
import shlex
import threading
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra import stack
from infra.clock import boottime
from infra.stack import Endpoints, Progress, services

JVM_VARIABLE = "LOCKGATE_JVM"
SETTLED = (Progress.READY, Progress.RUNNING, Progress.FAILED)
STYLES = {Progress.READY: "green", Progress.RUNNING: "green", Progress.FAILED: "red", Progress.RESTARTING: "yellow"}


def up(root: Path, console: Console) -> Endpoints:
    """Start what does not run, wait until all is ready, print where it answers. Errors as `infra.stack.up`.

    LOCKGATE_JVM replaces the JVM flags of broker and Connect (`-XX:+UseSerialGC -Xmx2g` for long runs).
    """
    told = os.environ.get(JVM_VARIABLE)
    flags = shlex.split(told) if told else services.JVM
    board = _Board()
    if console.is_terminal:
        with Live(board, console=console, refresh_per_second=8):
            endpoints = stack.up(root, board.tell, jvm=flags)
    else:
        endpoints = stack.up(root, lambda name, state, seconds: _line(console, name, state, seconds), jvm=flags)
    print_endpoints(endpoints, console)
    return endpoints


def print_endpoints(endpoints: Endpoints, console: Console) -> None:
    """Where the stack answers; the DSNs name their password file."""
    rows = {
        "Kafka": endpoints.kafka,
        "Connect": endpoints.connect,
        "source": endpoints.source_dsn,
        "ledger": endpoints.ledger_dsn,
    }
    for name, value in rows.items():
        console.print(Text(f"{name:<8} {value}"), soft_wrap=True)


def _line(console: Console, name: str, state: Progress, seconds: float) -> None:
    """One plain line a change, for logs and pipes."""
    if state is not Progress.WAITING:
        took = f" {seconds:.1f} s" if state in SETTLED else ""
        console.print(Text(f"{name}: {state.value}{took}"), soft_wrap=True)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A service on the board."""

    #: Its last state.
    state: Progress
    #: Seconds its turn had taken then.
    seconds: float
    #: When it was told.
    at: float

    def taken(self) -> float:
        """Seconds up to now, or up to its end."""
        return self.seconds if self.state in SETTLED else self.seconds + boottime() - self.at


class _Board:
    """The live table: a line a service, drawn anew by Rich whenever it refreshes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}

    def tell(self, name: str, state: Progress, seconds: float) -> None:
        """Note a change; called from the threads that start services."""
        with self._lock:
            self._rows[name] = _Row(state=state, seconds=seconds, at=boottime())

    def __rich__(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            rows = dict(self._rows)
        for name in ("engines", *(service.name for service in services.SERVICES)):
            row = rows.get(name)
            if row is not None:
                style = STYLES.get(row.state, "cyan")
                seconds = "" if row.state is Progress.WAITING else f"{row.taken():.1f} s"
                table.add_row(name, Text(row.state.value, style=style), Text(seconds, style="dim"))
        return table
