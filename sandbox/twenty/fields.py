"""Fields over the metadata API: made, changed, dropped (recordings 10, 11, 12)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.twenty import catalogue, options, relations, words
from sandbox.twenty.errors import TwentyError, coded, plain, unsupported
from sandbox.twenty.workspace import Workspace

Raw = dict[str, Any]

_CHANGEABLE = {"label", "description", "icon", "options", "isUnique", "isActive", "name", "defaultValue", "settings"}


def shown(raw: Mapping[str, Any]) -> Raw:
    """A field as the answers to its own calls show it."""
    found = {name: raw.get(name) for name in words.FIELD_KEYS}
    for name in words.FIELD_KEYS_WHEN_SET:
        if raw.get(name) is not None:
            found[name] = raw[name]
    return found


def all_of(workspace: Workspace) -> Mapping[str, catalogue.Field]:
    return {one.raw["id"]: one for item in workspace.store.objects.values() for one in item.fields.values()}


def found(workspace: Workspace, row_id: str) -> Raw:
    """The raw field of an id. Raises 404."""
    field = all_of(workspace).get(row_id)
    if field is None:
        raise coded("Field metadata not found", "FIELD_METADATA_NOT_FOUND", 404)
    return field.raw


def create(workspace: Workspace, body: Any) -> Raw:
    """A new field, usable at once. Raises the 400s of a name, a type or options that will not do."""
    if not isinstance(body, dict):
        raise unsupported("a field that is not an object")
    _check_shape(body)
    item = next(
        (one for one in workspace.store.objects.values() if one.raw["id"] == body.get("objectMetadataId")), None
    )
    if item is None:
        raise unsupported("a field on an object that is not there")
    if body["type"] not in words.CREATABLE | {"NUMERIC", "RELATION"}:
        raise unsupported(f"creating {body['type']} fields")
    given = options.with_ids(body.get("options"))
    problems = _name_problems(item, body["name"]) + options.problems(body["type"], given)
    if body["type"] == "NUMERIC":
        text = "Field type NUMERIC is not supported for field creation. Use NUMBER instead."
        friendly = "Field type NUMERIC is not supported. Use Number instead."
        problems.append({**options.problem(text, "NUMERIC"), "userFriendlyMessage": friendly})
    if problems:
        raise _refused_create(item, body["name"], problems)
    raw = _raw(workspace, item, body, given)
    if raw["type"] == "RELATION":
        relations.create(workspace, item, raw, body.get("relationCreationPayload"))
        return shown(raw)
    workspace.store.save_field(raw)
    if raw["isUnique"]:
        key = next(one for one in item.uniques if one.field == raw["name"])
        workspace.store.set_unique(item, key, on=True)
    return shown(raw)


def _check_shape(body: Mapping[str, Any]) -> None:
    if body.get("type") not in words.TYPES:
        raise plain(400, [f"type must be one of the following values: {', '.join(words.TYPES)}"], "Bad Request")
    for name in ("name", "label"):
        if name not in body or body[name] is None:
            raise plain(400, [f"{name} should not be empty", f"{name} must be a string"], "Bad Request")
        if not isinstance(body[name], str) or not body[name]:
            raise unsupported(f"a field {name} that is empty or not a text")


def _name_problems(item: catalogue.ObjectType, name: str) -> list[Raw]:
    if name in item.fields or name in item.joins:
        text = f'Name "{name}" is not available as it is already used by another field'
        return [{"code": "NOT_AVAILABLE", "value": name, "message": text, "userFriendlyMessage": text}]
    if len(name) > 63:
        return [options.problem("Name is too long", name)]
    if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", name):
        text = "Name is not valid: it must start with lowercase letter and contain only alphanumeric letters"
        return [options.problem(text, name)]
    if name in words.RESERVED:
        text = 'This name is reserved. Use a different name or the system will add "Custom" suffix.'
        return [options.problem(text, name)]
    return []


def _refused_create(item: catalogue.ObjectType, name: str, problems: list[Raw]) -> TwentyError:
    """One failure of the field and one for each of the two views it would have joined."""
    made = str(uuid.uuid4())
    field = {
        "status": "fail",
        "errors": problems,
        "flatEntityMinimalInformation": {
            "universalIdentifier": made,
            "name": name,
            "objectMetadataUniversalIdentifier": item.raw["universalIdentifier"],
        },
        "metadataName": "fieldMetadata",
        "type": "create",
    }
    text = "Field metadata not found"
    views = [
        {
            "status": "fail",
            "errors": [{"code": "INVALID_VIEW_DATA", "message": text, "userFriendlyMessage": text}],
            "flatEntityMinimalInformation": {
                "universalIdentifier": str(uuid.uuid4()),
                "viewUniversalIdentifier": str(uuid.uuid5(uuid.UUID(item.raw["id"]), f"view {place}")),
                "fieldMetadataUniversalIdentifier": made,
            },
            "metadataName": "viewField",
            "type": "create",
        }
        for place in range(2)
    ]
    body = {
        "statusCode": 400,
        "error": "METADATA_VALIDATION_ERROR",
        "message": "Multiple validation errors occurred while creating fields",
        "errors": {"fieldMetadata": [field], "viewField": views},
        "summary": {"totalErrors": 3, "fieldMetadata": 1, "viewField": 2},
        "userFriendlyMessage": "Many validation errors",
    }
    return TwentyError(400, body)


def _raw(workspace: Workspace, item: catalogue.ObjectType, body: Mapping[str, Any], given: list[Raw] | None) -> Raw:
    stamp = workspace.clock.stamp()
    if body["type"] == "RATING":
        given = [
            {"id": str(uuid.uuid4()), "label": str(n), "value": f"RATING_{n}", "position": n - 1} for n in range(1, 6)
        ]
    raw = {
        "id": str(uuid.uuid4()),
        "universalIdentifier": str(uuid.uuid4()),
        "applicationId": workspace.store.meta("application"),
        "type": body["type"],
        "name": body["name"],
        "label": body["label"],
        "isActive": True,
        "isSystem": False,
        "isUIEditable": True,
        "isUIReadOnly": False,
        "isNullable": True,
        "isUnique": body.get("isUnique") is True,
        "defaultValue": body.get("defaultValue"),
        "options": given,
        "settings": body.get("settings"),
        "workspaceId": item.raw["workspaceId"],
        "objectMetadataId": item.raw["id"],
        "isLabelSyncedWithName": False,
        "createdAt": stamp,
        "updatedAt": stamp,
        "isCustom": True,
    }
    return raw | {name: body[name] for name in ("description", "icon") if body.get(name) is not None}


def update(workspace: Workspace, row_id: str, body: Any) -> Raw:
    """Labels, options and uniqueness of a field. Raises 400 for a missing one, 403 for the name of a standard one."""
    field = all_of(workspace).get(row_id)
    if field is None:
        text = "Field metadata to update not found"
        errors = [{"code": "FIELD_METADATA_NOT_FOUND", "message": text, "userFriendlyMessage": text}]
        info = {"errors": errors, "type": "update", "metadataName": "fieldMetadata"}
        raise options.refused_update(
            {**info, "flatEntityMinimalInformation": {"id": ""}},
            "Validation errors occurred while updating field",
            text,
        )
    if not isinstance(body, dict) or set(body) - _CHANGEABLE:
        raise unsupported("changing other properties of a field")
    if field.standard and "name" in body:
        text = "Cannot edit standard field metadata properties: name"
        raise coded(text, "FIELD_MUTATION_NOT_ALLOWED", 403)
    if set(body) & {"name", "isActive", "defaultValue", "settings"}:
        raise unsupported(f"changing {', '.join(sorted(set(body)))} of a field")
    item = workspace.store.objects[field.object]
    raw = dict(field.raw) | {"updatedAt": workspace.clock.stamp()}
    if "options" in body:
        raw["options"] = options.replace(workspace.store, item, field, body["options"])
    if "isUnique" in body:
        _set_unique(workspace, item, field, body["isUnique"] is True)
        raw["isUnique"] = body["isUnique"] is True
    labels = {name: body[name] for name in ("label", "description", "icon") if name in body}
    if field.standard and labels:
        raw["overrides"] = {**(raw.get("overrides") or {}), **labels}
    else:
        raw |= labels
    workspace.store.save_field(raw)
    return shown(raw)


def _set_unique(workspace: Workspace, item: catalogue.ObjectType, field: catalogue.Field, on: bool) -> None:
    key = catalogue.UniqueKey(field=field.name, part=catalogue.UNIQUE_PART.get(field.type))
    if not workspace.store.set_unique(item, key, on):
        made = uuid.uuid4()
        raise TwentyError(500, f"Migration action 'create' for 'index' (universalIdentifier: {made}) failed")


def delete(workspace: Workspace, row_id: str) -> Raw:
    """Drops a custom field and its data at once. Raises 404, and 403 for a standard field."""
    field = all_of(workspace).get(row_id)
    if field is None:
        raise coded("Field to delete not found", "FIELD_METADATA_NOT_FOUND", 404)
    if field.standard:
        raise coded(f'Cannot delete standard field "{field.name}"', "FIELD_MUTATION_NOT_ALLOWED", 403)
    if field.relation:
        raise unsupported("deleting a relation")
    item = workspace.store.objects[field.object]
    for key in item.uniques:
        if key.field == field.name:
            workspace.store.set_unique(item, key, on=False)
    workspace.store.drop_field(field.raw)
    return shown(field.raw)
