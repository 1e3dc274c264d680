"""`dead` and `parked`: lists with reasons, and what a person decides about one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from control import approve
from control.context import GENERATION, Context
from ledger import decisions
from schemas.answers import Found, Weather
from schemas.errors import LockgateError

DEAD = ("dead",)
WAITING = ("parked", "asked")


def listed(context: Context, states: Sequence[str], kind: str | None = None) -> list[dict[str, Any]]:
    """Records of these states, each with code, reason and whom it waits for."""
    with context.ledger("queues") as conn:
        return decisions.listed(conn, GENERATION, states, kind)


def show(context: Context, kind: str, key: str) -> Mapping[str, Any]:
    """Everything known of one record. Raises LG-0409."""
    with context.ledger("queues") as conn:
        found = decisions.one(conn, GENERATION, (kind, key))
    if found is None:
        raise LockgateError("LG-0409", f"{kind} {key}.")
    return found


def retry(context: Context, names: Sequence[tuple[str, str]], by: str) -> int:
    """Tries records again, whatever they were; returns how many."""
    with context.ledger("queues") as conn:
        return decisions.retry(conn, GENERATION, names, by)


def skip(context: Context, kind: str, key: str, by: str, why: str) -> None:
    """Leaves one record behind. Raises LG-0409 when it is neither dead nor asked nor parked."""
    with context.ledger("queues") as conn:
        if not decisions.skip(conn, GENERATION, (kind, key), by, why):
            raise LockgateError("LG-0409", f"{kind} {key} is neither dead nor asked nor parked.")


def adopt(context: Context, kind: str, key: str, by: str) -> str:
    """An asked record takes over the row that holds its value; returns that row's id. Raises LG-0409, LG-0410."""
    wanted = show(context, kind, key)
    if wanted["state"] != "asked":
        raise LockgateError("LG-0409", f"{kind} {key} is {wanted['state']}, not asked.")
    row = _holder(context, kind, wanted)
    with context.ledger("queues") as conn:
        if not decisions.adopt(conn, GENERATION, (kind, key), row.remote_id, row.row, by):
            raise LockgateError("LG-0410", f"A call on {kind} {key} is under way; try again.")
    return row.remote_id


def _holder(context: Context, kind: str, wanted: Mapping[str, Any]) -> Found:
    """The row of the destination that was there, found by the values our record would carry."""
    destination = approve.approved(context).plan.object(kind).destination
    for claim in wanted["claims"]:
        found = context.sink.find(str(destination), claim["field"], [claim["value"]])
        if isinstance(found, Weather):
            raise LockgateError("LG-0501", found.reason)
        if claim["value"] in found:
            return found[claim["value"]]
    raise LockgateError("LG-0410", f"No row holds a unique value of {kind} {wanted['key']}.")
