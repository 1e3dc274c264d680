"""docs/reference and the schema of the migration file, made from the code by `make reference`.

A unit test fails when a file is not what this module would write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from control import cli
from schemas import errors, migration_file
from schemas.errors import Exit

ROOT = Path(__file__).resolve().parents[1]
_MADE = "<!-- Made by `make reference`; do not edit. -->"
_EXITS = {
    Exit.DONE: "done",
    Exit.REFUSED: "refused by state, or a check failed",
    Exit.USAGE: "wrong usage, or a file that cannot be obeyed",
    Exit.OUTSIDE: "an outside system failed",
}


def files() -> dict[str, str]:
    """Path from the root of the checkout → what must stand in it."""
    return {
        "docs/reference/errors.md": errors_page(),
        "docs/reference/cli.md": cli_page(cli.whole()),
        "schemas/json/migration.schema.json": _json(migration_file.json_schema()),
    }


def errors_page() -> str:
    """Every code with its meaning and action; each has an anchor, `errors.md#lg-0401`."""
    lines = ["# Errors", "", _MADE, "", "A code never changes its meaning. Exit codes of the verbs:", ""]
    lines += [f"- {exit_.value}: {words}" for exit_, words in _EXITS.items()]
    for prefix, title in errors.GROUPS.items():
        lines += ["", f"## {prefix}xx: {title}"]
        for code, kind in errors.REGISTRY.items():
            if code.startswith(prefix):
                lines += ["", f"### {code}", "", f"{kind.meaning} Exit {kind.exit.value}.", "", f"→ {kind.action}"]
    return "\n".join(lines) + "\n"


def cli_page(app: typer.Typer) -> str:
    """Every verb with its options, in the order of `lockgate --help`."""
    group: Any = typer.main.get_command(app)
    lines = ["# Verbs of `lockgate`", "", _MADE, "", "`lockgate VERB --help` says the same."]
    for name, command in group.commands.items():
        lines += ["", f"## lockgate {name}", "", str(command.help).strip()]
        rows = list(_options(command.params))
        if rows:
            lines += ["", "| option | default | meaning |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def verbs() -> tuple[str, ...]:
    """The names of all verbs."""
    group: Any = typer.main.get_command(cli.whole())
    return tuple(group.commands)


def write() -> list[str]:
    """Writes what differs; the paths written."""
    written = []
    for name, text in files().items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(name)
    return written


def _options(params: Iterable[Any]) -> Iterator[str]:
    for param in params:
        if param.name != "help":
            names = ", ".join(f"`{name}`" for name in param.opts)
            yield f"| {names} | {_default(param)} | {str(param.help or '').strip()} |"


def _default(param: Any) -> str:
    if param.required:
        return "required"
    if param.is_flag or param.default is None:
        return ""
    return f"`{param.default.value if isinstance(param.default, Enum) else param.default}`"


def _json(schema: Any) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in write():
        print(name)  # noqa: T201
