"""The metadata API over REST, in both answer formats (recordings 00, 10, 11, 12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.twenty import catalogue, customs, fields, webhooks
from sandbox.twenty.errors import unsupported
from sandbox.twenty.workspace import Workspace

Answer = tuple[int, Any]
Raw = dict[str, Any]


def serve(workspace: Workspace, method: str, path: str, params: Mapping[str, str], body: Any) -> Answer:
    """Answers `/rest/metadata/…`. Costs no token. Raises TwentyError."""
    parts = [part for part in path.split("/") if part][2:]
    if len(parts) in {1, 2}:
        kind, row_id = parts[0], parts[1] if len(parts) == 2 else None
        if kind == "objects":
            return _serve_objects(workspace, method, row_id, params, body)
        if kind == "fields":
            return _serve_fields(workspace, method, row_id, body)
    if parts == ["webhooks"] and method == "POST":
        return 201, webhooks.create(workspace, body)
    if parts == ["webhooks"] and method == "GET":
        return 200, webhooks.listed(workspace)
    raise unsupported(f"{method} /rest/metadata/{'/'.join(parts)}")


def _serve_objects(
    workspace: Workspace, method: str, row_id: str | None, params: Mapping[str, str], body: Any
) -> Answer:
    if method == "GET":
        return _objects(workspace, params) if row_id is None else _object(workspace, row_id)
    if method == "POST" and row_id is None:
        return 201, _wrap(workspace, "createOneObject", customs.with_fields(customs.create(workspace, body)))
    if method == "DELETE" and row_id is not None:
        return 200, _wrap(workspace, "deleteOneObject", customs.shown(customs.delete(workspace, row_id)))
    raise unsupported(f"{method} /rest/metadata/objects")


def _serve_fields(workspace: Workspace, method: str, row_id: str | None, body: Any) -> Answer:
    if method == "POST" and row_id is None:
        return 201, _wrap(workspace, "createOneField", fields.create(workspace, body))
    if row_id is not None and method == "GET":
        return 200, _wrap(workspace, "field", fields.shown(fields.found(workspace, row_id)))
    if row_id is not None and method == "PATCH":
        return 200, _wrap(workspace, "updateOneField", fields.update(workspace, row_id, body))
    if row_id is not None and method == "DELETE":
        return 200, _wrap(workspace, "deleteOneField", fields.delete(workspace, row_id))
    raise unsupported(f"{method} /rest/metadata/fields")


def _wrap(workspace: Workspace, name: str, whole: Any) -> Any:
    return {"data": {name: whole}} if workspace.legacy else whole


def _listed(item: catalogue.ObjectType) -> Raw:
    found = [catalogue.public(one.raw) for one in item.fields.values()]
    for one in found:
        for key in ("defaultValue", "options", "settings"):
            if one.get(key) is None:
                one.pop(key, None)
    return {**catalogue.public(item.raw), "fields": found}


def _objects(workspace: Workspace, params: Mapping[str, str]) -> Answer:
    items = sorted(workspace.store.objects.values(), key=lambda item: str(item.raw["id"]), reverse=True)
    start = 0
    if params.get("ending_before"):
        raise unsupported("metadata pages backwards")
    if params.get("starting_after"):
        ids = [item.raw["id"] for item in items]
        if params["starting_after"] not in ids:
            raise unsupported("a metadata cursor that is not an object id")
        start = ids.index(params["starting_after"]) + 1
    limit = params.get("limit", "60")
    if not limit.isdigit():
        raise unsupported(f"metadata limit {limit}")
    page = items[start : start + int(limit)]
    info = {
        "hasNextPage": start + len(page) < len(items),
        "startCursor": page[0].raw["id"] if page else None,
        "endCursor": page[-1].raw["id"] if page else None,
    }
    data = [_listed(item) for item in page]
    whole = {"data": {"objects": data} if workspace.legacy else data, "pageInfo": info, "totalCount": len(items)}
    return 200, whole


def _object(workspace: Workspace, row_id: str) -> Answer:
    for item in workspace.store.objects.values():
        if item.raw["id"] == row_id:
            return 200, _wrap(workspace, "object", _listed(item))
    raise unsupported("metadata of an object that is not there")
