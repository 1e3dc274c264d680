"""Named points where a test may kill, break or hold a process. Nothing happens unless LOCKGATE_FAILPOINTS is set.

`LOCKGATE_FAILPOINTS="sink.before-receipt=kill@3,take.after-ledger=raise,x=wait:/tmp/go"`: at the third hit of the
first SIGKILL to ourselves; at the first hit of the second an exception; at the third a note `/tmp/go.reached` and a
wait until `/tmp/go` exists. A point acts once, at its Nth hit (1 if not said).
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from infra.clock import Deadline

VARIABLE = "LOCKGATE_FAILPOINTS"
WAIT_SECONDS = 120.0

_hits: dict[str, int] = {}
_lock = threading.Lock()


class FailpointError(RuntimeError):
    """Raised where a test asked for it."""


@dataclass(frozen=True, kw_only=True)
class Failpoint:
    """What to do at one point."""

    #: kill, raise or wait.
    action: str
    #: The file to wait for.
    path: str
    #: The hit at which to act, from 1.
    at: int


def hit(name: str) -> None:
    """Count a pass through the point and act if this is the one asked for. A wait blocks the calling thread."""
    spec = os.environ.get(VARIABLE)
    if not spec:
        return
    point = parse(spec).get(name)
    if point is None:
        return
    with _lock:
        _hits[name] = _hits.get(name, 0) + 1
        count = _hits[name]
    if count == point.at:
        _act(name, point)


@functools.lru_cache(maxsize=8)
def parse(spec: str) -> dict[str, Failpoint]:
    """The points of a specification; ValueError names the part that is not one."""
    points: dict[str, Failpoint] = {}
    for part in filter(None, (piece.strip() for piece in spec.split(","))):
        name, equals, rest = part.partition("=")
        action, at, count = rest.rpartition("@")
        if not at or not count.isdecimal():
            action, count = rest, "1"
        action, _, path = action.partition(":")
        if not equals or action not in {"kill", "raise", "wait"} or (action == "wait") != bool(path):
            raise ValueError(f"{VARIABLE}: not a failpoint: {part}")
        points[name] = Failpoint(action=action, path=path, at=int(count))
    return points


def _act(name: str, point: Failpoint) -> None:
    if point.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if point.action == "raise":
        raise FailpointError(name)
    Path(f"{point.path}.reached").touch()
    deadline = Deadline(WAIT_SECONDS)
    while not Path(point.path).exists():
        if deadline.passed():
            raise FailpointError(f"{name}: {point.path} did not appear in {WAIT_SECONDS:.0f} s")
        time.sleep(0.01)
