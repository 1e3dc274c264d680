"""Writing records: create, upsert, update, delete, restore, with the order of checks the recordings show."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.twenty import links_to, scalars, timeline, values
from sandbox.twenty.catalogue import ObjectType
from sandbox.twenty.clock import Clock
from sandbox.twenty.errors import bad_request, coded, data_error, duplicate, not_found, unsupported
from sandbox.twenty.store import Row, Store

MAX_RECORDS = 200
#: Rows that go into the bin and come back with the row they point to.
TARGETS = {"note": ("noteTarget", "noteId"), "task": ("taskTarget", "taskId")}


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who writes: an API key, or (through the control port) a person or the system."""

    source: str
    name: str
    member: str | None = None

    def column(self) -> Row:
        """As stored in createdBy and updatedBy; the API fills an empty context."""
        context: Any = {} if self.source == "API" else None
        return {"source": self.source, "workspaceMemberId": self.member, "name": self.name, "context": context}


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a record, for webhooks and workflows."""

    action: str  #: created, updated, deleted, restored or destroyed
    item: ObjectType
    row: Row
    changed: tuple[str, ...] | None = None  #: fields with a new value; None where the server names none


#: Fields whose change alone is no event (`twenty.md` 1.3).
_QUIET = frozenset({"updatedAt", "updatedBy", "searchVector"})


def changed_fields(old: Row, new: Row) -> tuple[str, ...]:
    """Names of what differs between two versions of a row."""
    return tuple(name for name in new if name not in _QUIET and new[name] != old.get(name))


class Writer:
    """Writes to one object as one actor."""

    def __init__(self, store: Store, item: ObjectType, clock: Clock, actor: Actor, trusted: bool = False) -> None:
        self.store = store
        self.item = item
        self.actor = actor
        self.trusted = trusted  # the control port may set updatedBy; the API never can
        self.now = clock.stamp()
        self.events: list[Event] = []

    # create

    def create(self, inputs: Sequence[Any], upsert: bool) -> list[Row]:
        """New rows (one INSERT, all or none); with upsert first the updates, one by one, which stay on a later 400."""
        if len(inputs) > MAX_RECORDS:
            raise bad_request(f"Maximum number of records to upsert is {MAX_RECORDS}.")
        given = [self._given(one) for one in inputs]
        for one in given:
            _check_id(one)
        processed = [self._process(one) for one in given]
        if not upsert:
            rows = self._fresh(processed)
            self._insert(rows)
            return rows
        homes = [self._home(one) for one in processed]
        updated: dict[str, Row] = {}
        for one, home in zip(processed, homes, strict=True):
            if home is not None:
                updated[home] = self._apply(home, one, upsert=True)
        rows = self._fresh([one for one, home in zip(processed, homes, strict=True) if home is None])
        self._insert(rows)
        return [*updated.values(), *rows]

    def _given(self, one: Any) -> dict[str, Any]:
        if isinstance(one, list):
            return {str(place): item for place, item in enumerate(one)}
        if not isinstance(one, dict):
            raise unsupported("a record that is not an object")
        return one

    def _process(self, given: Mapping[str, Any]) -> Row:
        found: Row = {}
        for key, value in given.items():
            field = self.item.joins.get(key) or self.item.fields.get(key)
            if field is None:
                raise bad_request(f'Object {self.item.name} doesn\'t have any "{key}" field.')
            if field.relation:
                found[field.join or key] = links_to.relation_value(self.store, field, key, value)
            else:
                found[key] = values.check(field, key, value)
        if not self.trusted:
            found.pop("updatedBy", None)
        if _holds_nul(found):
            raise data_error()
        return found

    def _fresh(self, processed: Sequence[Row]) -> list[Row]:
        position = self._smallest_position()
        rows = []
        for place, one in enumerate(processed):
            row = self.item.render({})
            for name, value in one.items():
                field = self.item.fields.get(name)
                row[name] = values.merge(field, row.get(name), value) if field else value
            row["id"] = one.get("id") or str(uuid.uuid4())
            row["createdAt"] = one.get("createdAt") or self.now
            row["updatedAt"] = one.get("updatedAt") or self.now
            row["position"] = one.get("position", position - 1 - place)
            row["createdBy"] = self._creator(one.get("createdBy"))
            row["updatedBy"] = {**self.actor.column(), **(one.get("updatedBy") or {})}
            rows.append(row)
        return rows

    def _creator(self, given: Row | None) -> Row:
        if not given:
            return self.actor.column()
        if not given.get("source"):
            raise unsupported("createdBy without a source")
        whole = {**self.actor.column(), "context": None, **given}
        return {**whole, "name": whole["name"] or self.actor.name}

    def _smallest_position(self) -> float:
        positions = [
            row["position"] for row in self.store.rows[self.item.name].values() if row.get("deletedAt") is None
        ]
        return min(positions, default=1)

    def _insert(self, rows: Sequence[Row]) -> None:
        self._guard_nulls(rows)
        self._guard_claims(rows)
        links_to.check_parents(self.store, self.item, rows)
        self.store.insert(self.item, rows)
        self.events += [Event(action="created", item=self.item, row=row) for row in rows]
        if self.actor.source != "SYSTEM":  # sample rows were put there without the worker (recording 05)
            timeline.made(self.store, self.item, rows, self.now)

    def _guard_nulls(self, rows: Sequence[Row]) -> None:
        """A null sent for a column that has a default is not replaced by it: PostgreSQL refuses it (recording 07)."""
        for name in self.item.required:
            if any(row[name] is None for row in rows):
                raise bad_request(
                    f'null value in column "{name}" of relation "{self.item.name}" violates not-null constraint'
                )

    def _guard_claims(self, rows: Sequence[Row]) -> None:
        """Unique indexes are met before foreign keys, as one INSERT statement meets them."""
        have = self.store.rows[self.item.name]
        ids = [row["id"] for row in rows]
        if len(set(ids)) < len(ids) or any(one in have for one in ids):
            raise duplicate()
        for key in self.item.uniques:
            held = [value for row in rows if (value := key.value(row)) is not None]
            holder = next((found for one in held if (found := self.store.holder(self.item.name, key, one))), None)
            if holder is not None or len(set(held)) < len(held):
                raise self.store.clash(self.item, key, holder)

    # upsert

    def _home(self, one: Row) -> str | None:
        """Id of the row this record meets: by id and by every unique index, soft-deleted rows included."""
        met: list[tuple[str, str]] = []
        if one.get("id") in self.store.rows[self.item.name]:
            met.append((str(one["id"]), f"id (id: {one['id']})"))
        for key in self.item.uniques:
            value = key.value(one)
            holder = self.store.holder(self.item.name, key, value) if value is not None else None
            if holder is not None:
                met.append((holder, f"{key.field} ({key.path}: {value})"))
        if len({home for home, _ in met}) > 1:
            raise bad_request(
                "Multiple records found with the same unique field values for "
                f"{'; '.join(text for _, text in met)}. Cannot determine which record to update."
            )
        return met[0][0] if met else None

    def _apply(self, row_id: str, one: Row, upsert: bool) -> Row:
        row = self._changed(self.store.rows[self.item.name][row_id], one, upsert)
        self._replace([row])
        return row

    def _replace(self, rows: Sequence[Row]) -> None:
        """One UPDATE; a row in which nothing changed makes no event."""
        old = [self.item.render(self.store.rows[self.item.name][row["id"]]) for row in rows]
        self._guard_nulls(rows)
        links_to.check_parents(self.store, self.item, rows)
        self.store.update(self.item, rows)
        for before, row in zip(old, rows, strict=True):
            changed = changed_fields(before, row)
            if changed:
                self.events.append(Event(action="updated", item=self.item, row=row, changed=changed))

    def _changed(self, old: Row, one: Row, upsert: bool) -> Row:
        row = self.item.render(old)
        for name, value in one.items():
            if name == "id" or (upsert and name == "createdBy"):
                continue
            field = self.item.fields.get(name)
            row[name] = values.merge(field, row.get(name), value) if field else value
        if upsert:
            if one.get("deletedAt") is not None:
                raise unsupported("an upsert that sets deletedAt on a row that exists")
            row["deletedAt"] = None
        row["createdAt"] = row["createdAt"] or old["createdAt"]
        row["updatedAt"] = one.get("updatedAt") or self.now
        row["updatedBy"] = self.actor.column()
        return row

    # update

    def update_one(self, row_id: str, given: Any) -> Row:
        """PATCH and PUT alike; a soft-deleted row is updated and stays deleted."""
        fields = self._given(given)
        _check_id(fields)
        one = self._process(fields)
        if row_id not in self.store.rows[self.item.name]:
            raise not_found()
        if one.get("id") not in (None, row_id):
            raise links_to.id_is_pointed_at(self.item.name)
        return self._apply(row_id, one, upsert=False)

    def update_many(self, rows: Sequence[Row], given: Any) -> list[Row]:
        """At most 200 rows in one statement."""
        one = self._process(self._given(given))
        if len(rows) > MAX_RECORDS:
            raise coded(f"Cannot update more than {MAX_RECORDS} records at once", "TOO_MANY_RECORDS_TO_UPDATE")
        if "id" in one:
            raise unsupported("a bulk update of ids")
        changed = [self._changed(row, one, upsert=False) for row in rows]
        self._replace(changed)
        return changed

    # delete and restore

    def mark(self, rows: Sequence[Row], deleted: bool) -> list[Row]:
        """Soft-deletes (again, if need be) or restores; both bump updatedAt."""
        stamp = self.now if deleted else None
        changed = [{**row, "deletedAt": stamp, "updatedAt": self.now, "updatedBy": self.actor.column()} for row in rows]
        self.store.update(self.item, changed)
        self._mark_targets(rows, stamp)
        action = "deleted" if deleted else "restored"
        self.events += [Event(action=action, item=self.item, row=row, changed=("deletedAt",)) for row in changed]
        return changed

    def _mark_targets(self, rows: Sequence[Row], stamp: str | None) -> None:
        """The targets of a note or task go into the bin and come back with it; those of a company stay (1.6)."""
        if self.item.name not in TARGETS:
            return
        child, join = TARGETS[self.item.name]
        have = self.store.rows[child]
        ids = [one for row in rows for one in self.store.children(child, join, row["id"])]
        marked = [{**have[one], "deletedAt": stamp, "updatedAt": self.now} for one in ids]
        self.store.update(self.store.objects[child], marked)

    def destroy(self, rows: Sequence[Row]) -> list[Row]:
        """Removes for good; replies only the ids."""
        ids = [row["id"] for row in rows]
        if self.item.custom:
            self._guard_ties(ids)
        # recording 17: a row that was in the bin is told of without its deletedAt
        self.events += [Event(action="destroyed", item=self.item, row={**row, "deletedAt": None}) for row in rows]
        self.store.delete(self.item, ids)
        return [{"id": one} for one in ids]

    def _guard_ties(self, ids: Sequence[str]) -> None:
        """What becomes of the notes, tasks and files of a custom object's row is not recorded."""
        for child in ("noteTarget", "taskTarget", "attachment"):
            if any(self.store.children(child, f"target{self.item.capital}Id", one) for one in ids):
                raise unsupported(f"destroying {self.item.plural} to which a {child} points")

    def existing(self, row_id: str) -> Row:
        """The row of an id, soft-deleted or not. Raises 404."""
        row = self.store.rows[self.item.name].get(row_id)
        if row is None:
            raise not_found()
        return row


def _check_id(given: Mapping[str, Any]) -> None:
    if "id" not in given:
        return
    value = given["id"]
    if value is None:
        raise unsupported("id: null")
    if not isinstance(value, str) or not scalars.UUID.fullmatch(value):
        raise coded(f'Value "{value}" is not a valid UUID', "INVALID_QUERY_INPUT")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_holds_nul(inner) for inner in value)
