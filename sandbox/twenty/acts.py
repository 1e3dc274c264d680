"""What a call by API key does to records, whichever API it came through: checked, written, noted, told on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox.twenty import filters, reads
from sandbox.twenty.catalogue import ObjectType
from sandbox.twenty.errors import bad_request, coded, unsupported
from sandbox.twenty.records import Actor, Writer
from sandbox.twenty.store import Row
from sandbox.twenty.workspace import Workspace

READ_ONLY = frozenset({"workspaceMember", "workflow", "workflowAutomatedTrigger"})


@dataclass(frozen=True, kw_only=True)
class Acts:
    """Writes to one object with one key."""

    workspace: Workspace
    item: ObjectType
    key_name: str

    def create(self, inputs: Sequence[Any], upsert: bool) -> list[Row]:
        """New rows; with `upsert` also changed ones."""
        if self.item.name == "workspaceMember":
            raise coded("Entity performing the request does not have permission", "PERMISSION_DENIED")
        if self.item.name in READ_ONLY:
            raise unsupported(f"creating {self.item.plural} by API")
        with self._writer("upsert" if upsert else "create") as (writer, done):
            done.extend(writer.create(inputs, upsert=upsert))
            return done

    def update_one(self, row_id: str, given: Any) -> Row:
        """One row by id, soft-deleted or not."""
        self._guard_update()
        with self._writer("update") as (writer, done):
            done.append(writer.update_one(row_id, given))
            return done[0]

    def update_many(self, node: filters.Node | None, given: Any) -> list[Row]:
        """Every row a filter selects, at most 200."""
        self._guard_update()
        with self._writer("update") as (writer, done):
            done.extend(writer.update_many(reads.touched(self.workspace.store, self.item, node), given))
            return done

    def _guard_update(self) -> None:
        if self.item.name in READ_ONLY:
            raise unsupported(f"updating {self.item.plural} by API")

    def remove(self, target: str | filters.Node | None, soft: bool) -> list[Row]:
        """Soft-deletes or destroys the row of an id, or every row a filter selects; destroyed rows are only ids."""
        if self.item.name == "workspaceMember":
            raise bad_request("Please use /deleteUserFromWorkspace to remove a workspace member.")
        if self.item.name == "workflow" or (self.item.name == "workflowAutomatedTrigger" and not soft):
            raise unsupported(f"removing {self.item.plural} by API")
        with self._writer("soft_delete" if soft else "destroy") as (writer, done):
            if isinstance(target, str):
                found = [writer.existing(target)]
            else:
                found = reads.touched(self.workspace.store, self.item, target)
            done.extend(writer.mark(found, deleted=True) if soft else writer.destroy(found))
            return done

    def restore(self, target: str | filters.Node) -> list[Row]:
        """Brings back soft-deleted rows; a filter that names deletedAt brings nothing back (recordings 04 and 17)."""
        if self.item.name in {"workspaceMember", "workflow"}:
            raise unsupported(f"restoring {self.item.plural}")
        with self._writer("restore") as (writer, done):
            found: list[Row] = []
            if isinstance(target, str):
                found = [writer.existing(target)]
            elif not filters.names_deleted(target):
                found = reads.touched(self.workspace.store, self.item, target, deleted=True)
            done.extend(writer.mark(found, deleted=False))
            return done

    @contextmanager
    def _writer(self, action: str) -> Iterator[tuple[Writer, list[Row]]]:
        """A writer and the list of what it did; told to listeners even if the call ends in a refusal."""
        writer = self.workspace.writer(self.item, Actor(source="API", name=self.key_name))
        done: list[Row] = []
        try:
            yield writer, done
            self.workspace.note("api", action, self.item, done)
        finally:
            self.workspace.publish(writer.events)
