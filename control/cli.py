"""`lockgate`: one verb per file of this room; here they only get their words and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from control import approve as approve_verb
from control import cli_queues, follow, output
from control import context as contexts
from control import down as down_verb
from control import init as init_verb
from control import propose as propose_verb
from control import provision as provision_verb
from control import start as start_verb
from control import status as status_verb
from control import up as up_verb
from control.command import DEFAULT_FILE, File, Output, console, run
from control.output import Format
from control.screen import Screen
from infra import logs
from infra.clock import boottime
from schemas.errors import Exit, LockgateError

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, help=__doc__)
app.command(name="trail")(cli_queues.trail_command)
app.add_typer(cli_queues.dead, name="dead")
app.add_typer(cli_queues.parked, name="parked")


@app.command()
def init(
    url: Annotated[str, typer.Option(help="Base address of the Twenty server.")],
    migration: Annotated[str, typer.Option(help="Name: [a-z][a-z0-9]{0,30}.")] = "acme",
    dsn_env: Annotated[str, typer.Option(help="Variable with the source's DSN.")] = "LOCKGATE_SOURCE_DSN",
    key_env: Annotated[str, typer.Option(help="Variable with the API key.")] = "LOCKGATE_TWENTY_KEY",
    file: File = DEFAULT_FILE,
) -> None:
    """Write a commented migration file."""
    made = run(
        Format.TABLE,
        lambda: init_verb.init(file, migration=migration, url=url, dsn_env=dsn_env, key_env=key_env),
    )
    console.print(Text(f"{made} written. Next: lockgate up; lockgate propose"))


@app.command()
def up() -> None:
    """Start the local stack: PostgreSQL, Kafka, Connect with Debezium."""
    run(Format.TABLE, lambda: up_verb.up(Path.cwd(), console))


@app.command()
def down() -> None:
    """Stop the local stack; its data stays."""
    stopped = run(Format.TABLE, lambda: down_verb.down(Path.cwd()))
    console.print(Text(f"stopped: {', '.join(stopped) or 'nothing ran'}"))


@app.command()
def propose(file: File = DEFAULT_FILE, output_format: Output = Format.TABLE) -> None:
    """Make the plan from mapping files, catalog and owners, and show its revision."""
    found = run(output_format, lambda: propose_verb.propose(contexts.load(file)))
    output.show(console, output_format, _proposal(found), _draw_proposal)


@app.command()
def approve(
    revision: Annotated[str, typer.Option(help="What `propose` printed; 12 characters are enough.")],
    by: Annotated[str, typer.Option(help="Who signs.")],
    file: File = DEFAULT_FILE,
    output_format: Output = Format.TABLE,
) -> None:
    """Sign the plan as it stands now. Nothing is written to the destination without it."""
    found = run(output_format, lambda: approve_verb.approve(contexts.load(file), revision, by))
    answer = {"revision": found.revision, "by": by, "next_steps": ["lockgate provision", "lockgate start"]}
    output.show(
        console, output_format, answer, lambda c, a: c.print(Text(f"approved {a['revision'][:12]} by {a['by']}"))
    )


@app.command()
def provision(file: File = DEFAULT_FILE, output_format: Output = Format.TABLE) -> None:
    """Make the fields that the approved plan needs in the destination."""
    made = run(output_format, lambda: provision_verb.provision(contexts.load(file)))
    answer = {"made": [f"{f.object}.{f.name}" for f in made], "next_steps": ["lockgate start"]}
    output.show(
        console,
        output_format,
        answer,
        lambda c, a: c.print(Text("\n".join(a["made"]) or "everything is there already")),
    )


@app.command()
def start(
    file: File = DEFAULT_FILE,
    detach: Annotated[bool, typer.Option("--detach", help="Return once the workers run.")] = False,
    output_format: Output = Format.TABLE,
) -> None:
    """Check, connect, spawn the workers, follow. Ctrl-C stops the workers; capture goes on."""
    context = run(output_format, lambda: contexts.load(file))
    started = run(output_format, lambda: start_verb.start(context))
    for one in started.checked.held:
        console.print(Text(f"owner {one.key} has no member: its records go without owner"))
    if started.checked.edited:
        console.print(Text("the files differ from the approved revision, which is obeyed", style="yellow"))
    if detach:
        answer = {"spawned": list(started.spawned), "next_steps": ["lockgate status"]}
        output.show(
            console,
            output_format,
            answer,
            lambda c, a: c.print(Text(f"running: {', '.join(a['spawned']) or 'already'}")),
        )
        return
    run(output_format, lambda: _follow(context))


@app.command()
def stop(file: File = DEFAULT_FILE) -> None:
    """Stop the workers; capture goes on into Kafka and nothing is lost."""
    stopped = run(Format.TABLE, lambda: start_verb.stop(contexts.load(file)))
    console.print(Text(f"stopped: {', '.join(stopped) or 'nothing ran'}"))


@app.command()
def status(file: File = DEFAULT_FILE, output_format: Output = Format.TABLE) -> None:
    """Every row in exactly one state, how far behind the line is, who runs."""
    answer = run(output_format, lambda: status_verb.status(contexts.load(file)))
    output.show(console, output_format, answer, output.status_table)


def _follow(context: contexts.Context) -> None:
    with Screen(console) as screen:

        def tell(answer: Mapping[str, Any] | LockgateError, back: list[str]) -> None:
            for name in back:
                console.print(Text(f"{name} had died and was started again", style="yellow"))
            if isinstance(answer, LockgateError):
                screen.say(f"waiting: {answer.message()}")
            else:
                screen.see(answer, boottime())

        try:
            follow.follow(context, tell)
        except KeyboardInterrupt:
            console.print(Text("stopping the workers; capture goes on, `lockgate start` continues"))


def _proposal(found: propose_verb.Proposal) -> dict[str, Any]:
    return {
        "revision": found.revision,
        "objects": [
            {
                "object": o.object,
                "destination": o.destination,
                "fields": [{"to": r.to, "from": list(r.from_), "convert": r.convert} for r in o.fields],
                "not_moved": dict(o.not_moved),
                "shapes": [s.name for s in o.shapes],
            }
            for o in found.plan.objects
        ],
        "owners": {"matched": len(found.plan.owners), "unmatched": [u.key for u in found.unmatched]},
        "next_steps": [f"lockgate approve --revision {found.revision[:12]} --by NAME"],
    }


def _draw_proposal(shown: Console, answer: Any) -> None:
    for o in answer["objects"]:
        shown.print(Text(f"{o['object']} → {o['destination'] or 'feeds the others'}", style="bold"))
        for rule in o["fields"]:
            shown.print(Text(f"  {', '.join(rule['from']) or '·'} → {rule['to']} ({rule['convert']})"))
        for column, why in o["not_moved"].items():
            shown.print(Text(f"  {column} stays: {why}", style="dim"))
    owners = answer["owners"]
    shown.print(Text(f"owners: {owners['matched']} matched, {len(owners['unmatched'])} without a member"))
    shown.print(Text(f"revision {answer['revision']}"), Text(f"→ {answer['next_steps'][0]}"), sep="\n")


def whole() -> typer.Typer:
    """Every verb: ours, and those that come as entry points (`demo`), so that this room need not know them."""
    here = {command.name for command in app.registered_commands}
    for point in entry_points(group="lockgate.commands"):
        if point.name not in here:
            app.command(name=point.name)(point.load())
    return app


def main() -> None:
    """The console script."""
    logs.configure("lockgate")
    try:
        whole()()
    except KeyboardInterrupt:
        sys.exit(int(Exit.REFUSED))
