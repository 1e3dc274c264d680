"""`lockgate down`: stop the workers and the local stack; the data stays, the copies of source passwords go."""

from __future__ import annotations

from pathlib import Path

from control.start import FOR_CONNECT
from infra import processes, stack


def down(root: Path) -> list[str]:
    """Stops every worker and service of this folder, and of a rehearsal kept in it, by pid; those that ran."""
    stopped = []
    for place in (root / ".lockgate" / "demo", root):
        for folder in _folders(place):
            stopped += [name for name in processes.names(folder) if processes.stop(folder, name, seconds=20.0)]
        stopped += stack.down(place)
        for secret in (place / ".lockgate" / "secrets").glob(f"{FOR_CONNECT}*"):
            secret.unlink(missing_ok=True)
    return stopped


def _folders(place: Path) -> list[Path]:
    """Workers of every migration first, then what stands beside them (sandbox, team)."""
    return [*sorted((place / ".lockgate" / "run").glob("*")), place / ".lockgate" / "side"]
