"""The record API: `/rest/{plural}`, batch, restore. Path and filter are parsed first, then the token is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.twenty import catalogue, filters, reads, scalars
from sandbox.twenty.errors import bad_request, coded, unsupported
from sandbox.twenty.records import Actor, Writer
from sandbox.twenty.workspace import Workspace

READ_ONLY = {"workspaceMember", "workflow", "workflowAutomatedTrigger"}
Answer = tuple[int, Any]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One authenticated record call."""

    method: str
    path: str
    params: Mapping[str, str]
    body: Any
    key_name: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a path names."""

    item: catalogue.ObjectType
    row_id: str | None = None
    batch: bool = False
    restore: bool = False


def serve(workspace: Workspace, call: Call) -> Answer:
    """Answers a record call. Raises TwentyError."""
    target = _target(workspace, call)
    if call.method == "GET":
        return _read(workspace, call, target)
    if call.method == "POST":
        return _create(workspace, call, target)
    if call.method in {"PATCH", "PUT"}:
        return _update(workspace, call, target)
    return _delete(workspace, call, target)


def _target(workspace: Workspace, call: Call) -> Target:
    parts = [part for part in call.path.split("/") if part][1:]
    if not 1 <= len(parts) <= 2:
        raise bad_request(
            f"Query path '{call.path}' invalid. Valid examples: /rest/companies/id or /rest/companies"
            " or /rest/batch/companies"
        )
    if parts[0] in {"batch", "restore"} and len(parts) == 2:
        item = _object(workspace, parts[1])
        return Target(item=item, batch=parts[0] == "batch", restore=parts[0] == "restore")
    if len(parts) == 1:
        return Target(item=_object(workspace, parts[0]))
    if parts[1] in {"duplicates", "groupBy", "merge"}:
        raise unsupported(f"/rest/{{plural}}/{parts[1]}")
    if not scalars.UUID.fullmatch(parts[1]):
        raise bad_request(f"'{parts[1]}' is not a valid UUID")
    return Target(item=_object(workspace, parts[0]), row_id=parts[1].lower())


def _object(workspace: Workspace, plural: str) -> catalogue.ObjectType:
    for item in workspace.store.objects.values():
        if item.plural == plural and item.has_records:
            return item
        if item.plural == plural:
            raise unsupported(f"rows of the object {item.name}")
        if item.name == plural:
            raise bad_request(f"object '{plural}' not found. Did you mean '{item.plural}'?")
    raise bad_request(f"object '{plural}' not found. eg: companies")


def _read(workspace: Workspace, call: Call, target: Target) -> Answer:
    query = reads.parse_query(call.params)
    if target.batch or target.restore:
        raise unsupported(f"GET {call.path}")
    workspace.take_token()
    if target.row_id:
        row = reads.find_one(workspace.store, target.item, target.row_id, query.depth)
        return 200, {"data": {target.item.name: row}}
    return 200, reads.find_page(workspace.store, target.item, query)


def _create(workspace: Workspace, call: Call, target: Target) -> Answer:
    if target.row_id or target.restore:
        raise unsupported(f"POST {call.path}")
    depth = reads.parse_query({key: call.params[key] for key in ("depth",) if key in call.params}).depth
    workspace.take_token()
    item = target.item
    if item.name == "workspaceMember":
        raise coded("Entity performing the request does not have permission", "PERMISSION_DENIED")
    if item.name in READ_ONLY:
        raise unsupported(f"creating {item.plural} by API")
    inputs = _inputs(call.body, target.batch)
    rows = _writer(workspace, call, item).create(inputs, upsert=call.params.get("upsert") == "true")
    _note(workspace, "upsert" if call.params.get("upsert") == "true" else "create", item, rows)
    found = [reads.shown(workspace.store, item, row, depth) for row in rows]
    if target.batch:
        return 201, {"data": {f"create{item.capital_plural}": found}}
    return 201, {"data": {f"create{item.capital}": found[0]}}


def _inputs(body: Any, batch: bool) -> Sequence[Any]:
    if batch:
        if isinstance(body, str):
            raise unsupported("a batch sent as text")
        if not isinstance(body, list):
            raise bad_request("args.data.forEach is not a function", "TypeError")
        return body
    if isinstance(body, str):
        raise bad_request(f"Cannot create property 'position' on string '{body}'", "TypeError")
    return [body]


def _update(workspace: Workspace, call: Call, target: Target) -> Answer:
    query = reads.parse_query(call.params)
    if target.batch or (call.method == "PUT" and not target.row_id):
        raise unsupported(f"{call.method} {call.path}")
    workspace.take_token()
    item = target.item
    if target.restore:
        return _restore(workspace, call, item, query.filter)
    if item.name in READ_ONLY:
        raise unsupported(f"updating {item.plural} by API")
    if isinstance(call.body, str):
        raise unsupported("an update sent as text")
    writer = _writer(workspace, call, item)
    if target.row_id:
        row = writer.update_one(target.row_id, call.body)
        _note(workspace, "update", item, [row])
        return 200, {"data": {f"update{item.capital}": reads.shown(workspace.store, item, row, query.depth)}}
    rows = writer.update_many(reads.touched(workspace.store, item, query.filter), call.body)
    _note(workspace, "update", item, rows)
    return 200, {"data": {f"update{item.capital_plural}": [item.render(row) for row in rows]}}


def _restore(workspace: Workspace, call: Call, item: catalogue.ObjectType, node: filters.Node | None) -> Answer:
    if node is None:
        raise unsupported("restore without a filter")
    if item.name in {"workspaceMember", "workflow"}:
        raise unsupported(f"restoring {item.plural}")
    rows: list[dict[str, Any]] = []
    if not filters.names_deleted(node):  # recorded: a filter that names deletedAt brings nothing back
        rows = reads.touched(workspace.store, item, node, deleted=True)
    rows = _writer(workspace, call, item).mark(rows, deleted=False)
    _note(workspace, "restore", item, rows)
    return 200, {"data": {f"restore{item.capital_plural}": [item.render(row) for row in rows]}}


def _delete(workspace: Workspace, call: Call, target: Target) -> Answer:
    query = reads.parse_query(call.params)
    soft = call.params.get("soft_delete") == "true"
    if target.batch or target.restore:
        raise unsupported(f"DELETE {call.path}")
    workspace.take_token()
    item = target.item
    _refuse_delete(item, soft, target.row_id is None and query.filter is None)
    writer = _writer(workspace, call, item)
    found = [writer.existing(target.row_id)] if target.row_id else reads.touched(workspace.store, item, query.filter)
    rows = writer.mark(found, deleted=True) if soft else writer.destroy(found)
    _note(workspace, "soft_delete" if soft else "destroy", item, rows)
    shown = [item.render(row) if soft else row for row in rows]
    if target.row_id:
        return 200, {"data": {f"delete{item.capital}": shown[0]}}
    return 200, {"data": {f"delete{item.capital_plural}": shown}}


def _refuse_delete(item: catalogue.ObjectType, soft: bool, everything: bool) -> None:
    if everything and soft:
        raise unsupported("bulk soft delete without a filter")
    if everything:
        raise bad_request(
            "Filters are mandatory for bulk destroy operations. Please provide at least one filter to prevent"
            " accidental deletion of all records."
        )
    if item.name == "workspaceMember":
        raise bad_request("Please use /deleteUserFromWorkspace to remove a workspace member.")
    if item.name == "workflow" or (item.name == "workflowAutomatedTrigger" and not soft):
        raise unsupported(f"removing {item.plural} by API")


def _writer(workspace: Workspace, call: Call, item: catalogue.ObjectType) -> Writer:
    return workspace.writer(item, Actor(source="API", name=call.key_name))


def _note(workspace: Workspace, action: str, item: catalogue.ObjectType, rows: Sequence[Mapping[str, Any]]) -> None:
    workspace.journal.wrote(workspace.clock.stamp(), "api", action, item.name, [row["id"] for row in rows])
