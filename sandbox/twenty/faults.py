"""Faults that a test orders through the control port: the network and the server at their worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong."""

    DROP_AFTER_COMMIT = "drop_after_commit"  # the call is applied, then the connection closes without an answer
    DROP_BEFORE = "drop_before"  # the connection closes and nothing is applied
    APPLY_LATE = "apply_late"  # the connection closes at once, the call is applied `ms` later
    STATUS = "status"  # answered with `status`, nothing applied
    DELAY = "delay"  # served as usual, `ms` late


@dataclass(kw_only=True)
class Fault:
    """One order: the next `times` calls that match."""

    kind: FaultKind
    times: int = 1
    path: str | None = None  #: the exact path, without its query; None = any path
    method: str | None = None
    status: int = 503
    ms: int = 0

    def shown(self) -> dict[str, Any]:
        """As the control port lists it."""
        return {
            "kind": self.kind.value,
            "times": self.times,
            "path": self.path,
            "method": self.method,
            "status": self.status,
            "ms": self.ms,
        }


class Faults:
    """The orders not yet used up, oldest first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def order(self, wanted: Mapping[str, Any]) -> Fault:
        """Adds one. Raises ValueError or TypeError when it is not an order."""
        fault = Fault(**{**wanted, "kind": FaultKind(wanted["kind"])})
        if fault.times < 1:
            raise ValueError("times must be at least 1")
        self.waiting.append(fault)
        return fault

    def strike(self, method: str, path: str) -> Fault | None:
        """The oldest order that matches this call, used once."""
        for fault in self.waiting:
            if fault.path in (None, path) and fault.method in (None, method):
                fault.times -= 1
                if fault.times == 0:
                    self.waiting.remove(fault)
                return fault
        return None
