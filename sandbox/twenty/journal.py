"""What the stand-in was asked: counts by method and path family, and a bounded log of writes."""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import Any

MAX_WRITES = 20_000
_UUID = re.compile(r"/[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")


class Journal:
    """Counts and writes since the start or the last reset."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.writes: deque[dict[str, Any]] = deque(maxlen=MAX_WRITES)
        self._number = 0

    def call(self, method: str, path: str) -> str:
        """Counts one call; returns its family, e.g. `PATCH /rest/people/{id}`."""
        family = f"{method} {_UUID.sub('/{id}', path)}"
        self.counts[family] += 1
        return family

    def answered(self, status: int) -> None:
        """Counts one answer."""
        self.statuses[str(status)] += 1

    def wrote(self, at: str, by: str, action: str, name: str, ids: list[str]) -> None:
        """One committed write; `by` is api or control."""
        self._number += 1
        self.writes.append({"n": self._number, "at": at, "by": by, "action": action, "object": name, "ids": ids})

    def shown(self) -> dict[str, Any]:
        """As GET /calls answers."""
        return {
            "total": sum(self.counts.values()),
            "counts": dict(self.counts),
            "statuses": dict(self.statuses),
            "writes": list(self.writes),
        }

    def reset(self) -> None:
        """Counts from zero; write numbers go on."""
        self.counts.clear()
        self.statuses.clear()
        self.writes.clear()
