"""The record API under `/rest/{plural}`. Path and filter are parsed first, then the token is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.twenty import catalogue, filters, groups, reads, scalars
from sandbox.twenty.acts import Acts
from sandbox.twenty.errors import bad_request, unsupported
from sandbox.twenty.workspace import Workspace

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
    special: str | None = None  #: duplicates or groupBy


def serve(workspace: Workspace, call: Call) -> Answer:
    """Answers a record call. Raises TwentyError."""
    target = _target(workspace, call)
    if target.special:
        return _special(workspace, call, target)
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
    if parts[1] == "merge":
        raise unsupported("/rest/{plural}/merge")
    if parts[1] in {"duplicates", "groupBy"}:
        return Target(item=_object(workspace, parts[0]), special=parts[1])
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


def _special(workspace: Workspace, call: Call, target: Target) -> Answer:
    if (call.method, target.special) == ("GET", "groupBy"):
        workspace.take_token()
        return 200, groups.by(workspace.store, target.item, call.params)
    if (call.method, target.special) == ("POST", "duplicates") and isinstance(call.body, dict) and not call.params:
        workspace.take_token()
        found = groups.duplicates(workspace.store, target.item, call.body.get("data"))
        return 200, {"data": [groups.connection(target.item, rows) for rows in found]}
    raise unsupported(f"{call.method} {call.path}")


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
    rows = _acts(workspace, call, item).create(_inputs(call.body, target.batch), call.params.get("upsert") == "true")
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
    if isinstance(call.body, str):
        raise unsupported("an update sent as text")
    acts = _acts(workspace, call, item)
    if target.row_id:
        row = acts.update_one(target.row_id, call.body)
        return 200, {"data": {f"update{item.capital}": reads.shown(workspace.store, item, row, query.depth)}}
    rows = acts.update_many(query.filter, call.body)
    return 200, {"data": {f"update{item.capital_plural}": [item.render(row) for row in rows]}}


def _restore(workspace: Workspace, call: Call, item: catalogue.ObjectType, node: filters.Node | None) -> Answer:
    if node is None:
        raise unsupported("restore without a filter")
    rows = _acts(workspace, call, item).restore(node)
    return 200, {"data": {f"restore{item.capital_plural}": [item.render(row) for row in rows]}}


def _delete(workspace: Workspace, call: Call, target: Target) -> Answer:
    query = reads.parse_query(call.params)
    soft = call.params.get("soft_delete") == "true"
    if target.batch or target.restore:
        raise unsupported(f"DELETE {call.path}")
    workspace.take_token()
    item = target.item
    if target.row_id is None and query.filter is None:
        _refuse_all(soft)
    rows = _acts(workspace, call, item).remove(target.row_id or query.filter, soft)
    shown = [item.render(row) if soft else row for row in rows]
    if target.row_id:
        return 200, {"data": {f"delete{item.capital}": shown[0]}}
    return 200, {"data": {f"delete{item.capital_plural}": shown}}


def _refuse_all(soft: bool) -> None:
    if soft:
        raise unsupported("bulk soft delete without a filter")
    raise bad_request(
        "Filters are mandatory for bulk destroy operations. Please provide at least one filter to prevent"
        " accidental deletion of all records."
    )


def _acts(workspace: Workspace, call: Call, item: catalogue.ObjectType) -> Acts:
    return Acts(workspace=workspace, item=item, key_name=call.key_name)
