"""A small OpenAPI document of the record API, made from the live metadata: paths, and fields with their types."""

from __future__ import annotations

from typing import Any

from sandbox.twenty.catalogue import EMPTY, ObjectType
from sandbox.twenty.store import Store

_TYPES: dict[str, dict[str, Any]] = {
    "NUMBER": {"type": "number"},
    "POSITION": {"type": "number"},
    "BOOLEAN": {"type": "boolean"},
    "DATE_TIME": {"type": "string", "format": "date-time"},
    "DATE": {"type": "string", "format": "date"},
    "UUID": {"type": "string", "format": "uuid"},
    "ARRAY": {"type": "array", "items": {"type": "string"}},
    "RAW_JSON": {"type": "object"},
}


def core(store: Store) -> dict[str, Any]:
    """The document; it keeps the real one's envelope, not its prose."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for item in store.objects.values():
        paths[f"/batch/{item.plural}"] = {"post": {"operationId": f"createMany{item.capital_plural}"}}
        paths[f"/{item.plural}"] = {
            "get": {"operationId": f"findMany{item.capital_plural}"},
            "post": {"operationId": f"createOne{item.capital}"},
        }
        paths[f"/{item.plural}/{{id}}"] = {
            verb: {"operationId": f"{name}One{item.capital}"}
            for verb, name in (("get", "find"), ("delete", "delete"), ("patch", "update"))
        }
        schemas[item.capital] = {"type": "object", "properties": _properties(item)}
    info = {"title": "Twenty Api", "version": "v0.1"}
    return {"openapi": "3.1.1", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _properties(item: ObjectType) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in item.fields.values():
        shape = EMPTY.get(field.type)
        if field.join:
            found[field.join] = {"type": "string", "format": "uuid"}
        elif field.one_to_many or field.type == "TS_VECTOR":
            continue
        elif isinstance(shape, dict):
            found[field.name] = {"type": "object", "properties": {part: {} for part in shape}}
        else:
            found[field.name] = dict(_TYPES.get(field.type, {"type": "string"}))
            if field.options:
                found[field.name]["enum"] = field.options
    return found
