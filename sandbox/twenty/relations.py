"""Relations made over the metadata API: a join column here, the list of it on the other object (recording 12)."""

from __future__ import annotations

import re
import uuid
from typing import Any

from sandbox.twenty.catalogue import ObjectType
from sandbox.twenty.errors import unsupported
from sandbox.twenty.workspace import Workspace

Raw = dict[str, Any]


def create(workspace: Workspace, item: ObjectType, raw: Raw, payload: Any) -> None:
    """Completes `raw` as the many-to-one end, saves it and the other end."""
    if not isinstance(payload, dict) or payload.get("type") != "MANY_TO_ONE":
        raise unsupported("creating relations other than MANY_TO_ONE")
    target = next(
        (one for one in workspace.store.objects.values() if one.raw["id"] == payload.get("targetObjectMetadataId")),
        None,
    )
    label = payload.get("targetFieldLabel")
    if target is None or not isinstance(label, str) or not label:
        raise unsupported("a relation to an object that is not there, or without a label there")
    back = field_name(label)
    if back in target.fields:
        raise unsupported(f"a relation whose other end {back} is taken")
    if raw["options"] is not None or raw["defaultValue"] is not None or raw["isUnique"]:
        raise unsupported("a relation that is unique or has options or a default")
    raw["settings"] = {"onDelete": "SET_NULL", "relationType": "MANY_TO_ONE", "joinColumnName": f"{raw['name']}Id"}
    raw["description"] = raw.get("description") or tied(item, target)
    raw["icon"] = raw.get("icon") or "IconRelationOneToMany"
    raw["$target"] = [target.name, back]
    workspace.store.save_field(raw)
    other = {**raw, "id": str(uuid.uuid4()), "universalIdentifier": str(uuid.uuid4()), "name": back, "label": label}
    other |= {"objectMetadataId": target.raw["id"], "settings": {"relationType": "ONE_TO_MANY"}}
    other |= {"icon": payload.get("targetFieldIcon"), "$target": [item.name, raw["name"]]}
    workspace.store.save_field(other)


def field_name(label: str) -> str:
    """`Products ccehc` is called productsCcehc."""
    words: list[str] = re.findall(r"[A-Za-z0-9]+", label)
    if not words:
        raise unsupported("a label without a letter")
    return words[0][0].lower() + words[0][1:] + "".join(word[0].upper() + word[1:] for word in words[1:])


def tied(item: ObjectType, target: ObjectType) -> str:
    """The description a relation gets when none is given."""
    return f"{item.capital_plural} tied to the {target.raw['labelSingular']}"
