"""The roots of `/metadata`: objects with their fields and indexes, and one field or object at a time (11, 12)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from sandbox.twenty import catalogue, customs, fields
from sandbox.twenty.errors import TwentyError, unsupported
from sandbox.twenty.gql_select import Root, pick
from sandbox.twenty.workspace import Workspace

Raw = dict[str, Any]


def run(workspace: Workspace, root: Root) -> Any:
    """The value of one root. Costs no token. Refusals over GraphQL are not recorded: 501."""
    try:
        found = _objects(workspace, root) if root.name == "objects" else _change(workspace, root)
    except TwentyError as error:
        if error.status == 501:
            raise
        raise unsupported(f"the GraphQL form of {error.body}") from error
    return pick(found, root.selection)


def _change(workspace: Workspace, root: Root) -> Raw:
    given = root.arguments.get("input")
    if set(root.arguments) != {"input"} or not isinstance(given, dict):
        raise unsupported(f"{root.name} without an input")
    if root.name == "createOneField" and set(given) == {"field"}:
        return fields.create(workspace, given["field"])
    if root.name == "updateOneField" and set(given) == {"id", "update"}:
        return fields.update(workspace, str(given["id"]), given["update"])
    if root.name == "deleteOneField" and set(given) == {"id"}:
        return fields.delete(workspace, str(given["id"]))
    if root.name == "createOneObject" and set(given) == {"object"}:
        return customs.shown(customs.create(workspace, given["object"]))
    raise unsupported(f"{root.name} on /metadata")


def _objects(workspace: Workspace, root: Root) -> Raw:
    unknown = set(root.arguments) - {"paging", "filter"}
    paging, wanted = root.arguments.get("paging") or {}, root.arguments.get("filter") or {}
    if unknown or set(paging) - {"first"} or set(wanted) - {"id"} or set(wanted.get("id", {})) - {"eq"}:
        raise unsupported("such arguments of objects on /metadata")
    row_id = wanted.get("id", {}).get("eq")
    items = sorted(workspace.store.objects.values(), key=lambda item: str(item.raw["id"]), reverse=True)
    found = [item for item in items if row_id in (None, item.raw["id"])]
    return {"edges": [{"node": _node(item)} for item in found[: int(paging.get("first", len(found)))]]}


def _node(item: catalogue.ObjectType) -> Raw:
    listed = [{**fields.shown(one.raw), **catalogue.public(one.raw)} for one in item.fields.values()]
    return {**catalogue.public(item.raw), "fieldsList": listed, "indexMetadataList": list(_indexes(item))}


def _indexes(item: catalogue.ObjectType) -> Iterator[Raw]:
    """One per link, one per unique field, one for the search, custom ones last; names are made, as the server's are."""
    for custom in (False, True):
        own = [field for field in item.fields.values() if field.standard != custom]
        yield from (_index(item, field, "", "BTREE", custom) for field in own if field.join)
        yield from (_index(item, field, "UNIQUE_", "BTREE", custom) for field in own if field.raw.get("isUnique"))
        yield from (_index(item, field, "", "GIN", custom) for field in own if field.type == "TS_VECTOR")


def _index(item: catalogue.ObjectType, field: catalogue.Field, prefix: str, kind: str, custom: bool) -> Raw:
    digest = hashlib.sha256(f"{item.name}.{field.name}".encode()).hexdigest()[:27]
    return {
        "name": f"IDX_{prefix}{digest}",
        "isUnique": bool(prefix),
        "isCustom": custom,
        "indexWhereClause": None,
        "indexType": kind,
        "indexFieldMetadataList": [{"fieldMetadataId": field.raw["id"], "order": 0}],
    }
