"""What the record API's calls have in common: id filters, rows of an answer, weather of an outcome. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.answers import Found, Weather
from sinks.twenty import words
from sinks.twenty.client import Lost, NotSent, Outcome, Reply

#: Ids a filter carries: 200 × 37 characters keep the request line below the 8 KiB of a usual reverse proxy
#: (400 ids worked without one, `twenty.md` 1.7; a page holds 200 rows anyway).
IDS_A_CALL = 200
#: Rows a page holds; the server caps `limit` there without a word (1.7).
PAGE = 200
#: Both live and soft-deleted rows: a filter that names deletedAt lifts the server's own (1.7).
WITH_DELETED = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_PATIENCE_S = 1.0


def is_id(value: str) -> bool:
    """Versions 1 to 5 of the RFC's variant, dashed; the server refuses the others (1.2)."""
    return _UUID.fullmatch(value) is not None


def ids_filter(ids: Sequence[str]) -> str:
    """`id[in]:[…]`. Raises ValueError for no id or a value that is none: it would widen the filter."""
    if not ids or not all(is_id(one) for one in ids):
        raise ValueError("a filter needs ids, all of them UUIDs")
    return f"id[in]:[{','.join(one.lower() for one in ids)}]"


def chunks(ids: Sequence[str], size: int = IDS_A_CALL) -> Iterator[Sequence[str]]:
    """The ids without repeats, `size` at a time, in order."""
    once = list(dict.fromkeys(ids))
    for start in range(0, len(once), size):
        yield once[start : start + size]


def rows(body: Any) -> list[Mapping[str, Any]] | None:
    """The rows of an answer: the one value below `data`, whatever its name; None for a shape we do not know (1.1)."""
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping) or len(data) != 1:
        return None
    held = next(iter(data.values()))
    found = held if isinstance(held, list) else [held]
    return found if all(isinstance(row, Mapping) and "id" in row for row in found) else None


def next_cursor(body: Mapping[str, Any]) -> str | None:
    """The cursor of the page after this one (1.7)."""
    page = body.get("pageInfo") or {}
    return page.get("endCursor") if page.get("hasNextPage") else None


def weather(outcome: Outcome) -> Weather | None:
    """The weather in an outcome of a call that changed nothing, or None when it has an answer to look at.

    A rate limit's wait is one token at its own pace (5: calls closer than window / limit earn nothing)."""
    if isinstance(outcome, NotSent | Lost):
        return Weather(wait_s=_PATIENCE_S, reason=outcome.reason)
    if outcome.status < 400:
        return None
    kind = words.kind(outcome.status, outcome.body)
    if kind is words.Kind.LIMITED:
        return limited(outcome)
    if kind is words.Kind.FAULT:
        return Weather(wait_s=outcome.retry_after_s or _PATIENCE_S, reason=f"{outcome.status} {outcome.words()}")
    return None


def limited(reply: Reply) -> Weather:
    """A 429 as the budget wants it."""
    calls, window_ms = words.limit(reply.body) or (None, None)
    pace_s = window_ms / calls / 1000 + 0.01 if calls and window_ms else 5.0
    return Weather(
        wait_s=reply.retry_after_s or pace_s,
        reason=reply.words(),
        limited=True,
        limit_calls=calls,
        window_ms=window_ms,
    )


def found(row: Mapping[str, Any]) -> Found:
    """A row as the contract gives it.

    `updatedBy` cannot be written by API: a person's edit shows MANUAL and the member, what the server itself did shows
    MANUAL and the name System (0.10; captures 09)."""
    by = row.get("updatedBy") or {}
    person = by.get("source") == "MANUAL" and bool(by.get("workspaceMemberId") or by.get("name") != "System")
    return Found(
        remote_id=str(row["id"]), deleted=row.get("deletedAt") is not None, row=row, edited_by_person=bool(person)
    )
