"""Introspection, as far as recording 13 shows it: the input type that a create takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.twenty.catalogue import Field, ObjectType
from sandbox.twenty.errors import unsupported
from sandbox.twenty.gql_select import Root
from sandbox.twenty.store import Store

_SCALARS = {
    "TEXT": "String",
    "DATE_TIME": "DateTime",
    "DATE": "Date",
    "NUMBER": "Float",
    "BOOLEAN": "Boolean",
    "POSITION": "Position",
    "TS_VECTOR": "TSVector",
    "RAW_JSON": "JSON",
    "UUID": "UUID",
}
_COMPOSITES = {
    "LINKS": "Links",
    "ADDRESS": "Address",
    "CURRENCY": "Currency",
    "ACTOR": "Actor",
    "RICH_TEXT": "RichText",
    "EMAILS": "Emails",
    "PHONES": "Phones",
    "FULL_NAME": "FullName",
}


def answer(store: Store, root: Root) -> Any:
    """`__type(name: "CompanyCreateInput")`, or null when there is no such type."""
    name = str(root.arguments.get("name", ""))
    if root.name != "__type" or not name.endswith("CreateInput"):
        raise unsupported(f"introspection of {name or root.name}")
    item = next((one for one in store.objects.values() if f"{one.capital}CreateInput" == name), None)
    if item is None:
        raise unsupported(f"introspection of {name}")
    return {"name": name, "inputFields": list(_inputs(item))}


def _inputs(item: ObjectType) -> Iterator[dict[str, Any]]:
    for field in item.fields.values():
        if field.type == "MORPH_RELATION":
            raise unsupported("introspection of morph relations")
        if field.one_to_many:
            continue
        if field.join:
            yield {"name": field.join, "type": _named("ID", "SCALAR")}
            target = field.target[0].upper() + field.target[1:]
            yield {"name": field.name, "type": _named(f"{target}RelationInput", "INPUT_OBJECT")}
        else:
            yield {"name": field.name, "type": _type(item, field)}


def _type(item: ObjectType, field: Field) -> dict[str, Any]:
    enum = f"{item.capital}{field.name[0].upper()}{field.name[1:]}Enum"
    if field.name == "id":
        return _named("ID", "SCALAR")
    if field.type in _SCALARS:
        return _named(_SCALARS[field.type], "SCALAR")
    if field.type in _COMPOSITES:
        return _named(f"{_COMPOSITES[field.type]}CreateInput", "INPUT_OBJECT")
    if field.type in {"SELECT", "RATING"}:
        return _named(enum, "ENUM")
    inner = {"ARRAY": "String", "FILES": "FileItemInput", "MULTI_SELECT": enum}.get(field.type)
    if inner is None:
        raise unsupported(f"introspection of {field.type} fields")
    return {"name": None, "kind": "LIST", "ofType": {"name": inner}}


def _named(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "kind": kind, "ofType": None}
