"""The commands for single records: `trail`, `dead …`, `parked …`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from control import context as contexts
from control import output, queues, trail
from control.command import DEFAULT_FILE, File, Output, console, run
from control.output import Format

dead = typer.Typer(no_args_is_help=True, help="Records the destination will never take as they are.")
parked = typer.Typer(no_args_is_help=True, help="Records that wait for a parent, a value or a person.")

Object = Annotated[str, typer.Argument(help="company, contact, deal, …")]
Key = Annotated[str, typer.Argument(help="The source key, e.g. 17.")]
By = Annotated[str, typer.Option(help="Who decides.", envvar="USER")]


def trail_command(object_: Object, key: Key, file: File = DEFAULT_FILE, output_format: Output = Format.TABLE) -> None:
    """The path of one record, from its row to its last receipt."""
    found = run(output_format, lambda: trail.trail(contexts.load(file), object_, key))
    output.show(console, output_format, found, _draw_trail)


@dead.command("list")
def dead_list(
    object_: Annotated[str | None, typer.Option("--object", help="Only this object.")] = None,
    file: File = DEFAULT_FILE,
    output_format: Output = Format.TABLE,
) -> None:
    """Dead records with the destination's words."""
    found = run(output_format, lambda: queues.listed(contexts.load(file), queues.DEAD, object_))
    output.show(console, output_format, found, _draw_list)


@dead.command("show")
def dead_show(object_: Object, key: Key, file: File = DEFAULT_FILE, output_format: Output = Format.TABLE) -> None:
    """One record with what would be sent."""
    found = run(output_format, lambda: queues.show(contexts.load(file), object_, key))
    output.show(console, output_format, found, _draw_one)


@dead.command("retry")
def dead_retry(
    object_: Annotated[str | None, typer.Option("--object", help="Only this object.")] = None,
    key: Annotated[list[str] | None, typer.Option("--key", help="Only these keys.")] = None,
    by: By = "operator",
    file: File = DEFAULT_FILE,
    output_format: Output = Format.TABLE,
) -> None:
    """Try dead records again."""

    def work() -> dict[str, Any]:
        context = contexts.load(file)
        names = [(one["kind"], one["key"]) for one in queues.listed(context, queues.DEAD, object_)]
        chosen = [name for name in names if key is None or name[1] in key]
        return {"retried": queues.retry(context, chosen, by), "next_steps": ["lockgate status"]}

    answer = run(output_format, work)
    output.show(console, output_format, answer, lambda c, a: c.print(Text(f"retried: {a['retried']}")))


@dead.command("skip")
def dead_skip(
    object_: Object,
    key: Key,
    why: Annotated[str, typer.Option(help="The reason, kept with the record.")],
    by: By = "operator",
    file: File = DEFAULT_FILE,
) -> None:
    """Leave a dead record behind."""
    run(Format.TABLE, lambda: queues.skip(contexts.load(file), object_, key, by, why))
    console.print(Text(f"{object_} {key} stays behind"))


@parked.command("list")
def parked_list(
    object_: Annotated[str | None, typer.Option("--object", help="Only this object.")] = None,
    file: File = DEFAULT_FILE,
    output_format: Output = Format.TABLE,
) -> None:
    """Waiting records, with whom or what they wait for."""
    found = run(output_format, lambda: queues.listed(contexts.load(file), queues.WAITING, object_))
    output.show(console, output_format, found, _draw_list)


@parked.command("decide")
def parked_decide(
    object_: Object,
    key: Key,
    decision: Annotated[str, typer.Option("--as", help="adopt, skip or retry.")],
    why: Annotated[str, typer.Option(help="The reason of a skip.")] = "decided",
    by: By = "operator",
    file: File = DEFAULT_FILE,
) -> None:
    """Decide about a record that waits for a person: take over the row that was there, leave ours, or try again."""
    context = run(Format.TABLE, lambda: contexts.load(file))
    if decision == "adopt":
        remote = run(Format.TABLE, lambda: queues.adopt(context, object_, key, by))
        console.print(Text(f"{object_} {key} takes over {remote}"))
    elif decision == "skip":
        run(Format.TABLE, lambda: queues.skip(context, object_, key, by, why))
        console.print(Text(f"{object_} {key} stays behind"))
    elif decision == "retry":
        run(Format.TABLE, lambda: queues.retry(context, [(object_, key)], by))
        console.print(Text(f"{object_} {key} is tried again"))
    else:
        raise typer.BadParameter("adopt, skip or retry", param_hint="--as")


def _draw_list(shown: Console, found: Sequence[Mapping[str, Any]]) -> None:
    for one in found:
        waits = ", ".join(wait["on"] for wait in one["waits"])
        shown.print(
            Text(f"{one['kind']} {one['key']} {one['state']}: {one['code']} {one['reason'] or ''} {waits}".rstrip()),
            soft_wrap=True,
        )
    shown.print(Text(f"{len(found)} in all"))


def _draw_one(shown: Console, found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        shown.print(Text(f"{name}: {value}"), soft_wrap=True)


def _draw_trail(shown: Console, found: Mapping[str, Any]) -> None:
    for line in trail.lines(found):
        shown.print(Text(line), soft_wrap=True)
