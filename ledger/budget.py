"""`budget`: the destination's limit, shared by all workers through the ledger and kept by the ledger's clock.

The window is modelled as Twenty 2.21 keeps its own (`twenty.md` 5): a bucket of `limit` tokens that refills
floor(elapsed x limit / window), its clock restarting at each granted call. Calls closer than window / limit therefore
earn nothing, so past the burst calls are paced a little wider than that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ledger.connection import Connection, in_transaction
from ledger.sql import query

#: Added to window / limit: the server floors its refill and its clock is not ours.
PACE_MARGIN_MS = 12.0


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """The state of one window, as read under its lock."""

    limit_calls: int  #: 0: no limit
    window_ms: int
    tokens: int
    since_last_ms: float  #: negative while slots in the future are already taken
    paused_ms: float  #: positive while the destination has told us to wait


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Calls that may leave: the first now, each further one after its delay."""

    delays_ms: tuple[float, ...]
    tokens_left: int
    ahead_ms: float  #: how far in the future the last of them leaves


@dataclass(frozen=True, kw_only=True)
class Wait:
    """No call may leave before `ms` have passed."""

    ms: float


def decide(bucket: Bucket, calls: int) -> Grant | Wait:
    """Pure: grants `calls` calls if the first may leave now, else says how long to wait."""
    if bucket.paused_ms > 0:
        return Wait(ms=bucket.paused_ms)
    if bucket.limit_calls == 0:
        return Grant(delays_ms=(0.0,) * calls, tokens_left=0, ahead_ms=0.0)
    per_call = bucket.window_ms / bucket.limit_calls
    tokens = available(bucket)
    if tokens == 0 or bucket.since_last_ms < 0:
        return Wait(ms=max(1.0, per_call + PACE_MARGIN_MS - bucket.since_last_ms))
    burst = min(tokens, calls)
    paced = calls - burst
    delays = (0.0,) * burst + tuple((i + 1) * (per_call + PACE_MARGIN_MS) for i in range(paced))
    return Grant(delays_ms=delays, tokens_left=tokens - burst, ahead_ms=delays[-1])


def available(bucket: Bucket) -> int:
    """Pure: calls that could leave at once; 0 where there is no limit to count against."""
    if bucket.limit_calls == 0:
        return 0
    per_call = bucket.window_ms / bucket.limit_calls
    refill = math.floor(max(0.0, bucket.since_last_ms - PACE_MARGIN_MS) / per_call)
    return min(bucket.limit_calls, bucket.tokens + refill)


def read(conn: Connection, destination: str, window: str = "burst") -> Bucket | None:
    """The window as it is now, for those who only look; None when nobody opened one."""
    row = conn.execute(query("budget", "read"), {"destination": destination, "window": window}).fetchone()
    return None if row is None else Bucket(**row)


def open_window(conn: Connection, destination: str, limit: int, window_ms: int, window: str = "burst") -> None:
    """Makes the window, or changes its limit; the tokens spent stay spent."""
    args = {"destination": destination, "window": window, "limit": limit, "window_ms": window_ms}
    conn.execute(query("budget", "open"), args)


def ask(conn: Connection, destination: str, calls: int, window: str = "burst") -> Grant | Wait:
    """Asks for `calls` calls that belong together; the claim of records comes after the grant (law 2)."""

    def work(conn: Connection) -> Grant | Wait:
        where = {"destination": destination, "window": window}
        row = conn.execute(query("budget", "lock"), where).fetchone()
        if row is None:
            return Grant(delays_ms=(0.0,) * calls, tokens_left=0, ahead_ms=0.0)
        answer = decide(Bucket(**row), calls)
        if isinstance(answer, Grant):
            args = {"tokens": answer.tokens_left, "ahead_ms": answer.ahead_ms, **where}
            conn.execute(query("budget", "take"), args)
        return answer

    return in_transaction(conn, work)


def learn(
    conn: Connection,
    destination: str,
    *,
    wait_s: float,
    limit: int | None,
    window_ms: int | None,
    words: str,
    window: str = "burst",
) -> None:
    """The destination refused a call for its limit: empty the bucket, wait, and take over the limit it named."""
    conn.execute(
        query("budget", "pause"),
        {
            "destination": destination,
            "window": window,
            "seconds": wait_s,
            "limit": limit,
            "window_ms": window_ms,
            "learned": words[:200],
        },
    )
