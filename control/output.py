"""What every verb prints: a table for people, JSON for programs, one error with its code and remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from enum import StrEnum
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from control import eta
from control.eta import Left
from schemas.errors import LockgateError


class Format(StrEnum):
    """`--output`."""

    TABLE = "table"
    JSON = "json"


def show(console: Console, output: Format, data: Any, table: Callable[[Console, Any], None]) -> None:
    """Prints `data` as JSON on one document, or as `table` draws it."""
    if output is Format.JSON:
        print_json(data)
    else:
        table(console, data)


def print_json(data: Any) -> None:
    """One JSON document on standard output, for programs."""
    plain = asdict(data) if is_dataclass(data) and not isinstance(data, type) else data
    print(orjson.dumps(plain, option=orjson.OPT_INDENT_2, default=str).decode())  # noqa: T201


def error(console: Console, output: Format, found: LockgateError) -> None:
    """Code, meaning, what was found, what to do next."""
    if output is Format.JSON:
        print_json(
            {
                "error": {
                    "code": found.code,
                    "meaning": found.kind.meaning,
                    "found": found.found,
                    "details": list(found.details),
                    "action": found.kind.action,
                }
            }
        )
        return
    console.print(Text.assemble((found.code, "bold red"), f" {found.kind.meaning} {found.found}".rstrip()))
    for line in found.details:
        console.print(Text(f"  {line}"), soft_wrap=True)
    console.print(Text(f"→ {found.kind.action}", style="bold"))


def status_table(console: Console, answer: Mapping[str, Any]) -> None:
    """`lockgate status` for people, 80 columns: a line an object, the six states adding up to its rows."""
    states = ("filtered", "queued", "parked", "asked", "dead", "delivered")
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for name in ("object", "source", "rows", *states, "removed"):
        table.add_column(name, justify="left" if name == "object" else "right", no_wrap=True)
    for name, one in answer["objects"].items():
        table.add_row(name, *(str(one[column]) for column in ("source", "rows", *states, "removed")))
    console.print(Text(f"{answer['migration']} · generation {answer['generation']} · {answer['state']}", style="bold"))
    console.print(table)
    for name, one in answer["objects"].items():
        lag = one["lag"]
        if lag["oldest_live_ms"] or lag["streams_records"]:
            late = f"oldest live change {lag['oldest_live_ms'] / 1000:.1f} s"
            console.print(Text(f"{name}: {late}, {lag['streams_records']} records not taken from Kafka"))
    for process in answer["processes"]:
        console.print(Text(f"{process['name']}: {process['state']}, pid {process['pid']}"))
    for one in answer["listed"]:
        console.print(Text(f"{one['kind']} {one['key']} {one['state']}: {one['code']} {one['reason']}"), soft_wrap=True)
    for step in answer["next_steps"]:
        console.print(Text(f"→ {step}"), soft_wrap=True)


def line(answer: Mapping[str, Any], left: Left | None = None) -> Text:
    """The line in one sentence: what is delivered of what, what waits, how late live changes are, how much longer."""
    parts = []
    for name, one in answer["objects"].items():
        text = f"{name} {one['delivered'] + one['filtered']}/{one['rows']}"
        waiting = {state: one[state] for state in ("parked", "asked", "dead") if one[state]}
        text += "".join(f" {state} {count}" for state, count in waiting.items())
        parts.append(f"{text} lag {one['lag']['oldest_live_ms'] / 1000:.1f}s")
    return Text(" · ".join([*parts, eta.words(left)] if left else parts))
