"""`plans`: proposed and approved revisions (law 6); `generations`: which revision each one obeys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from ledger.connection import Connection
from ledger.sql import query
from schemas.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A revision and who signed it."""

    plan: Plan
    revision: str
    by: str | None  #: None: proposed only
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One filling of the destination."""

    generation: int
    revision: str
    destination: str  #: address of what it fills
    state: str  #: active, promoted, discarded, sealed


def propose(conn: Connection, plan: Plan) -> str:
    """Stores the plan's content under its revision; the same content twice is one row."""
    revision = plan.revision()
    content = orjson.dumps(plan.content(), option=orjson.OPT_SORT_KEYS).decode()
    conn.execute(query("plans", "propose"), {"revision": revision, "content": content})
    return revision


def approve(conn: Connection, revision: str, by: str) -> None:
    """Signs a stored revision; signed once more it is the newest again."""
    conn.execute(query("plans", "approve"), {"revision": revision, "by": by})


def approved(conn: Connection) -> Approval | None:
    """The newest approved revision, or None."""
    row = conn.execute(query("plans", "approved")).fetchone()
    return None if row is None else _approval(dict(row))


def by_revision(conn: Connection, revision: str) -> Approval | None:
    """A stored revision, approved or not."""
    row = conn.execute(query("plans", "by_revision"), {"revision": revision}).fetchone()
    return None if row is None else _approval(dict(row))


def open_generation(
    conn: Connection, generation: int, revision: str, kinds: Sequence[str] = (), destination: str = ""
) -> bool:
    """Makes the generation, or puts it under another approved revision: then every row of `kinds` is projected again.

    One transaction, so that no row stays under the old revision unnoticed (H-15). True when anything changed."""
    args = {"generation": generation, "revision": revision, "destination": destination}
    with conn.transaction():
        changed = conn.execute(query("plans", "open_generation"), args).fetchone() is not None
        if changed:
            conn.execute(query("plans", "project_all"), {"generation": generation, "kinds": list(kinds)})
    return changed


def generations(conn: Connection) -> list[Generation]:
    """All generations, oldest first."""
    return [Generation(**r) for r in conn.execute(query("plans", "generations"))]


def obeyed(conn: Connection, generation: int) -> tuple[str, Plan]:
    """Revision and plan that this generation obeys, read in the projecting transaction (H-15).

    A revision's content never changes, so it is parsed once a process."""
    row = conn.execute(query("plans", "obeyed"), {"generation": generation}).fetchone()
    if row is None:
        raise LookupError(f"generation {generation} was never opened")
    revision: str = row["revision"]
    if revision not in _parsed:
        stored = by_revision(conn, revision)
        assert stored is not None
        _parsed[revision] = stored.plan
    return revision, _parsed[revision]


_parsed: dict[str, Plan] = {}


def _approval(row: dict[str, object]) -> Approval:
    plan = Plan.model_validate(orjson.loads(str(row["content"])))
    by, at = row["approved_by"], row["approved_at"]
    return Approval(
        plan=plan,
        revision=str(row["revision"]),
        by=None if by is None else str(by),
        at=at if isinstance(at, datetime) else None,
    )
