"""Free ports on the loopback, remembered in a file so that a restart finds its old ones."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

HOST = "127.0.0.1"
#: Below Linux's range for outgoing connections (32768 and up): a client that retries a port of that range
#: while nobody listens can connect to itself and so take the port away from the restarting server.
RANGE = (20_000, 32_000)
TRIES = 200


def is_free(port: int) -> bool:
    """True if a server could listen on the port of the loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int, seconds: float = 0.5) -> bool:
    """True if something accepts connections on the port of the loopback."""
    try:
        with socket.create_connection((HOST, port), timeout=seconds):
            return True
    except OSError:
        return False


def free(*, avoid: Iterable[int] = ()) -> int:
    """One free port, none of `avoid`; of the system's choice when the range is full."""
    taken = set(avoid)
    for _ in range(TRIES):
        port = random.randint(*RANGE)
        if port not in taken and is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def assign(names: Iterable[str], remembered: Mapping[str, int], *, keep: Iterable[str] = ()) -> dict[str, int]:
    """A port for each name: the remembered one while it is free (or its owner, in `keep`, holds it), else a new one."""
    held = set(keep)
    chosen: dict[str, int] = {}
    for name in names:
        old = remembered.get(name)
        usable = old is not None and old not in chosen.values() and (name in held or is_free(old))
        chosen[name] = old if usable and old is not None else free(avoid={*chosen.values(), *remembered.values()})
    return chosen


def read(path: Path) -> dict[str, int]:
    """The remembered ports; none if the file is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): int(port) for name, port in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write(path: Path, ports: Mapping[str, int]) -> None:
    """Remember the ports."""
    path.write_text(json.dumps(dict(ports), indent=2) + "\n", encoding="utf-8")
