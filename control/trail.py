"""`lockgate trail OBJECT KEY`: the path of one record, from its row to its last receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control.context import GENERATION, Context
from ledger import decisions
from schemas.errors import LockgateError


def trail(context: Context, object_: str, key: str) -> Mapping[str, Any]:
    """Row, desired, record, waits, receipts, decisions. Raises LG-0409 for a record nobody knows."""
    with context.ledger("trail") as conn:
        found = decisions.trail(conn, GENERATION, (object_, key))
    if found["row"] is None and found["record"] is None:
        raise LockgateError("LG-0409", f"{object_} {key}.")
    return found


def lines(found: Mapping[str, Any]) -> list[str]:
    """The trail for people, oldest first."""
    row, record = found["row"], found["record"]
    told = []
    if row:
        gone = "deleted" if row["deleted"] else "changed"
        told.append(f"{row['source_at'] or '—'}  source: {gone}, offset {row['off']} (epoch {row['epoch']})")
        told.append(f"{row['taken_at']}  taken into the ledger")
    for receipt in reversed(found["receipts"]):
        told.append(f"{receipt['at']}  {receipt['verb']}: seq {receipt['seq']}, {receipt['lane']}, {receipt['cause']}")
    for note in reversed(found["decisions"]):
        told.append(f"{note['at']}  {note['action']} by {note['actor']}")
    told.sort()
    if record:
        why = f" ({record['code']} {record['reason'] or ''})" if record["code"] else ""
        told.append(
            f"now {record['state']}{why}: seq {record['seq']}, written {record['written_seq']}, revision "
            f"{record['revision'][:12]}, id {record['remote_id']}"
        )
        told += [f"flag {flag}" for flag in record["flags"] or ()]
    told += [f"waits for {wait['on']} ({wait['why']})" for wait in found["waits"]]
    return told
