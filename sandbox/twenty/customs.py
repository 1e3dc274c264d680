"""Custom objects over the metadata API: made with their system fields and ties, dropped with their rows (12)."""

from __future__ import annotations

import functools
import json
import re
import uuid
from importlib import resources
from typing import Any

from sandbox.twenty import words
from sandbox.twenty.catalogue import ObjectType, public
from sandbox.twenty.errors import unsupported
from sandbox.twenty.workspace import Workspace

Raw = dict[str, Any]

_NAMES = ("nameSingular", "namePlural", "labelSingular", "labelPlural")


@functools.cache
def _template() -> list[Raw]:
    text = resources.files("sandbox.twenty").joinpath("data/custom_object.json").read_text("utf-8")
    found: list[Raw] = json.loads(text)["fields"]
    return found


def shown(item: ObjectType) -> Raw:
    """An object as the answers to its own calls show it, without its fields."""
    return {key: item.raw.get(key) for key in words.OBJECT_KEYS}


def with_fields(item: ObjectType) -> Raw:
    """As the answer to its creation."""
    return shown(item) | {"fields": [public(one.raw) for one in item.fields.values()]}


def create(workspace: Workspace, body: Any) -> ObjectType:
    """A new object, usable at once; its name field is the label. Refusals are recorded only in part, so 501."""
    if not isinstance(body, dict) or set(body) - {*_NAMES, "icon", "description"}:
        raise unsupported("an object with other properties than names, labels, icon and description")
    if any(not isinstance(body.get(name), str) or not body[name] for name in _NAMES):
        raise unsupported("an object without its two names and two labels")
    _check_names(workspace, body["nameSingular"], body["namePlural"])
    store, stamp = workspace.store, workspace.clock.stamp()
    company = store.objects["company"].raw
    common = {"applicationId": store.meta("application"), "workspaceId": company["workspaceId"], "isActive": True}
    common |= {"isLabelSyncedWithName": False, "createdAt": stamp, "updatedAt": stamp}
    head = {"id": str(uuid.uuid4()), "universalIdentifier": str(uuid.uuid4()), **common, **body}
    head |= {"isRemote": False, "isSystem": False, "isUIEditable": True, "isUICreatable": True, "isUIReadOnly": False}
    head |= {"isSearchable": True, "imageIdentifierFieldMetadataId": None, "$custom": True}
    fields = [_field(workspace, part, head, common) for part in _template()]
    head["labelIdentifierFieldMetadataId"] = fields[0]["id"]
    item = store.add_object(head)
    for raw in fields:
        store.save_field(raw)
    for raw in [raw for raw in fields if "$target" in raw]:
        store.save_field(_tie(workspace, item, raw["$target"][0], raw["name"], common))
    return item


def _check_names(workspace: Workspace, singular: str, plural: str) -> None:
    taken = {name for item in workspace.store.objects.values() for name in (item.name, item.plural)}
    if singular == plural or {singular, plural} & taken:
        raise unsupported("the refusal of an object whose name is taken or is its own plural")
    if any(not re.fullmatch(r"[a-z][a-zA-Z0-9]{0,62}", name) or name in words.RESERVED for name in (singular, plural)):
        raise unsupported("the refusal of an object name")


def _field(workspace: Workspace, part: Raw, head: Raw, common: Raw) -> Raw:
    raw = {"id": str(uuid.uuid4()), "universalIdentifier": str(uuid.uuid4()), **common}
    raw |= {"description": part["label"], **part, "objectMetadataId": head["id"]}
    if "target" in raw:
        child = raw.pop("target")
        raw["$target"] = [child, "target" + head["nameSingular"][0].upper() + head["nameSingular"][1:]]
        label = workspace.store.objects[child].raw["labelSingular"]
        raw["description"] = f"{head['namePlural'][0].upper()}{head['namePlural'][1:]} tied to the {label}"
    return raw


def _tie(workspace: Workspace, item: ObjectType, child: str, back: str, common: Raw) -> Raw:
    """The morph column `target<Object>Id` of a target row; what destroying does to it is not recorded."""
    like = next(one for one in workspace.store.objects[child].fields.values() if one.type == "MORPH_RELATION").raw
    name = f"target{item.capital}"
    raw = {**like, "id": str(uuid.uuid4()), "universalIdentifier": str(uuid.uuid4()), **common, "name": name}
    raw |= {"label": item.raw["labelSingular"], "description": item.raw["labelSingular"], "isCustom": True}
    raw["settings"] = {"relationType": "MANY_TO_ONE", "joinColumnName": f"{name}Id"}
    return raw | {"$target": [item.name, back]}


def delete(workspace: Workspace, row_id: str) -> ObjectType:
    """Drops an active custom object with its rows and every relation to it, at once."""
    item = next((one for one in workspace.store.objects.values() if one.raw["id"] == row_id), None)
    if item is None or not item.custom:
        raise unsupported("deleting an object that is not a custom one")
    for other in list(workspace.store.objects.values()):
        for field in list(other.fields.values()):
            if other is not item and field.relation and field.target == item.name:
                workspace.store.drop_field(field.raw)
    workspace.store.drop_object(item)
    return item
