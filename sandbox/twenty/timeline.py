"""The history rows that the server's worker adds for every record made (`twenty.md` 2; recordings 08, 09, 12)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from sandbox.twenty.catalogue import ObjectType
from sandbox.twenty.store import Row, Store

_ACTOR = {"source": "MANUAL", "workspaceMemberId": None, "name": "System", "context": None}
#: Rows that tie a record to a note or task, and the field that names it.
_LINKS = {"noteTarget": "note", "taskTarget": "task"}


def made(store: Store, item: ObjectType, rows: Sequence[Row], now: str) -> None:
    """Adds `company.created` and `linked-note.created` rows; changes of records are not recorded, so not added."""
    history = store.objects["timelineActivity"]
    found = list(_linked(store, item, rows) if item.name in _LINKS else _created(item, rows))
    if not found:
        return
    base = history.render({}) | {"properties": {}, "position": 0, "createdAt": now, "updatedAt": now, "happensAt": now}
    base |= {"createdBy": _ACTOR, "updatedBy": _ACTOR}
    store.insert(history, [{**base, "id": str(uuid.uuid4()), **one} for one in found])


def _created(item: ObjectType, rows: Sequence[Row]) -> Iterator[Row]:
    field = item.fields.get("timelineActivities")
    if field is None or item.name == "workspaceMember" or item.name.startswith("workflow"):
        return
    for row in rows:
        yield {"name": f"{item.name}.created", f"{field.back}Id": row["id"]}


def _linked(store: Store, item: ObjectType, rows: Sequence[Row]) -> Iterator[Row]:
    """A row with several targets makes one entry, at the first of them (recording 09 shows none at the second)."""
    name = _LINKS[item.name]
    head = store.objects[name]
    for row in rows:
        linked = store.rows[name].get(row[f"{name}Id"] or "")
        target = next((join for join in item.joins if join.startswith("target") and row[join]), None)
        if linked is not None and target is not None:
            yield {
                "name": f"linked-{name}.created",
                "linkedRecordId": linked["id"],
                "linkedRecordCachedName": linked["title"],
                "linkedObjectMetadataId": head.raw["id"],
                target: row[target],
            }
