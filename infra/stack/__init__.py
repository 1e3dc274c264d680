"""The local stack without Docker: PostgreSQL (source, ledger), Kafka, Kafka Connect with Debezium.

`up` is idempotent and repairs; `down` stops everything by pid; a root (a checkout, or a test's folder) has one stack,
and several stacks run side by side.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from infra import ports, processes
from infra.clock import boottime
from infra.processes import ProcessInfo, State
from infra.stack import engines, layout, machine, secrets, services, start
from infra.stack.layout import Layout
from infra.stack.start import OnProgress, Progress
from schemas.errors import LockgateError

__all__ = ["Endpoints", "OnProgress", "Progress", "check", "down", "endpoints", "status", "up", "wipe"]


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where the running stack answers; no field holds a password."""

    #: Bootstrap server of Kafka, host:port.
    kafka: str
    #: Base URL of Kafka Connect's REST API, without a slash at the end.
    connect: str
    #: DSN of the source database `atomic`, as its superuser.
    source_dsn: str
    #: DSN of the ledger database, as its owner.
    ledger_dsn: str
    #: Folder of the password files: `source.properties` holds `user` and `password` for ${file:…:password}.
    secrets_dir: str


def _silent(_name: str, _state: Progress, _seconds: float) -> None:
    """Tell nobody."""


def up(root: Path, on_progress: OnProgress = _silent, *, jvm: Sequence[str] = services.JVM) -> Endpoints:
    """Start what does not run, wait until all is ready; the endpoints.

    LG-0201 without Maven, LG-0205 without Java or PostgreSQL, LG-0202 with the log's tail for a service that does not
    start. On failure and on Ctrl-C what this call started is stopped again.
    """
    place = layout.of(root)
    place.state.mkdir(parents=True, exist_ok=True)
    with engines.locked(place.lock):
        began = boottime()
        layout.make(place)
        secrets.make(place.secrets)
        on_progress("engines", Progress.FETCHING, 0.0)
        found = engines.find(place.data, place.account)
        on_progress("engines", Progress.READY, boottime() - began)
        chosen = _ports(place)
        start.Starter(machine.Machine(layout=place, ports=chosen, engines=found, jvm=tuple(jvm)), on_progress).run()
        answers = _endpoints(place, chosen)
        fresh = place.endpoints.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(answers), indent=2) + "\n", encoding="utf-8")
        fresh.replace(place.endpoints)
        return answers


def down(root: Path) -> list[str]:
    """Stop what runs, dependants first; the names of those that ran. The data stays for the next `up`."""
    place = layout.of(root)
    if not place.state.exists():
        return []
    with engines.locked(place.lock):
        place.endpoints.unlink(missing_ok=True)
        return [service.name for service in services.stop_order() if start.stop(place.state, service)]


def wipe(root: Path) -> None:
    """Stop everything and throw away data, passwords and logs of the stack."""
    down(root)
    place = layout.of(root)
    for folder in (place.data, place.secrets, place.state):
        shutil.rmtree(folder, ignore_errors=True)


def status(root: Path) -> list[ProcessInfo]:
    """Each service as it is now; a dead one with the tail of its log."""
    state = layout.of(root).state
    return [processes.info(state, service.name) for service in services.SERVICES]


def check(root: Path) -> None:
    """LG-0204 if the stack is not up, LG-0203 with the log's tail if a part of it has died."""
    endpoints(root)
    for one in status(root):
        if one.state is not State.RUNNING:
            raise LockgateError("LG-0203", f"{one.name} is gone.", details=one.tail.splitlines())


def endpoints(root: Path) -> Endpoints:
    """Where the running stack answers; LG-0204 if it is not up."""
    place = layout.of(root)
    running = any(one.state is State.RUNNING for one in status(root))
    try:
        found = json.loads(place.endpoints.read_text(encoding="utf-8")) if running else None
        if found is not None:
            return Endpoints(**found)
    except (OSError, ValueError, TypeError):
        pass
    raise LockgateError("LG-0204", f"Root: {place.root}.")


def _ports(place: Layout) -> dict[str, int]:
    """The ports of this run: those of running services stay, unless one they need has to move: then they restart."""
    running = [service for service in services.SERVICES if processes.alive(place.state, service.name)]
    remembered = ports.read(place.ports)
    chosen = ports.assign(services.port_names(), remembered, keep=[port for one in running for port in one.ports])
    for service in reversed(running):
        needed = [port for need in service.needs for port in services.BY_NAME[need].ports]
        if any(chosen[port] != remembered.get(port) for port in needed):
            start.stop(place.state, service)
    ports.write(place.ports, chosen)
    return chosen


def _endpoints(place: Layout, chosen: dict[str, int]) -> Endpoints:
    dsns = {
        service.name: machine.dsn(place, chosen[service.ports[0]], service.database)
        for service in services.SERVICES
        if service.database
    }
    return Endpoints(
        kafka=f"{ports.HOST}:{chosen['kafka']}",
        connect=f"http://{ports.HOST}:{chosen['connect']}",
        source_dsn=dsns["postgres-source"],
        ledger_dsn=dsns["postgres-ledger"],
        secrets_dir=str(place.secrets),
    )
