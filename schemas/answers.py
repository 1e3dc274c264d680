"""What a destination answered, per record: law 4's classes as values, never exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What became of one record of a call."""

    WRITTEN = "written"  #: the destination holds it, under the id in `remote_id`
    REMOVED = "removed"  #: the destination no longer holds it
    MISSING = "missing"  #: an update or delete met no such row
    REJECTED = "rejected"  #: the destination will never take it; `reason` has its words
    TAKEN = "taken"  #: a create met a row that was there before us (unique value or id in use)
    PARENT = "parent"  #: the destination misses the parent that the record points to
    UNKNOWN = "unknown"  #: sent, no trustworthy answer: read before anyone writes
    UNSETTLED = "unsettled"  #: the call was refused, yet part of it may be applied: read, then send in smaller calls
    NOT_SENT = (
        "not_sent"  #: this record was not applied and not refused for its own sake (an all-or-nothing batch fell)
    )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The destination's answer about one record."""

    verdict: Verdict
    remote_id: str | None = None
    reason: str = ""
    before: Mapping[str, Any] | None = None  #: the row as read before the write, for rollback


@dataclass(frozen=True, kw_only=True)
class Weather:
    """The whole call met weather (429, 5xx before anything was applied, network refused): nothing was applied, wait."""

    wait_s: float
    reason: str
    limited: bool = False  #: a rate limit spoke: the budget must learn from it
    limit_calls: int | None = None  #: the limit in the answer's own words, e.g. 100
    window_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A row of the destination as read by id, deleted ones included."""

    remote_id: str
    deleted: bool
    row: Mapping[str, Any]
    edited_by_person: bool = False


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of a destination's rows."""

    rows: Mapping[str, Found]  #: by remote id
    after: str | None  #: cursor of the next page; None = this was the last
