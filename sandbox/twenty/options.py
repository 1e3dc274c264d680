"""SELECT options: their rules, and what changing them does to the rows (recordings 10 and 11)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from sandbox.twenty.catalogue import Field, ObjectType
from sandbox.twenty.errors import TwentyError, unsupported
from sandbox.twenty.store import Store

Raw = dict[str, Any]


def problem(text: str, value: Any) -> Raw:
    """One INVALID_FIELD_INPUT entry."""
    return {"code": "INVALID_FIELD_INPUT", "message": text, "userFriendlyMessage": text, "value": value}


def with_ids(given: Any) -> list[Raw] | None:
    """Options with an id each, kept where given."""
    if given is None:
        return None
    if not isinstance(given, list) or any(not isinstance(one, dict) for one in given):
        raise unsupported("options that are not a list of objects")
    return [{**one, "id": one.get("id") or str(uuid.uuid4())} for one in given]


def problems(kind: str, given: Sequence[Raw] | None) -> list[Raw]:
    """What is wrong with the options of a select."""
    if kind not in {"SELECT", "MULTI_SELECT"}:
        return []
    if not given:
        return [problem("Options are required for enum fields", [])]
    found = []
    for one in given:
        value, label = str(one.get("value", "")), str(one.get("label", ""))
        if not re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*", value):
            found.append(problem(f'Value must be in UPPER_CASE and follow snake_case "{value}"', value))
        if "," in label:
            found.append(problem("Label must not contain a comma", label))
    values = [one.get("value") for one in given]
    if len(set(values)) < len(values):
        found.append(problem("Duplicated option value", list(given)))
    return found


def refused_update(info: Raw, message: str, friendly: str) -> TwentyError:
    """The validation error of a field update."""
    body = {
        "statusCode": 400,
        "error": "METADATA_VALIDATION_ERROR",
        "message": message,
        "errors": {"fieldMetadata": [info]},
        "summary": {"totalErrors": 1, "fieldMetadata": 1},
        "userFriendlyMessage": friendly,
    }
    return TwentyError(400, body)


def replace(store: Store, item: ObjectType, field: Field, given: Any) -> list[Raw]:
    """New options over old ones. A row follows its option's id: renamed with it, reset to the default without it.

    So options sent without their ids reset every row; updatedAt stays (`twenty.md` 0.7)."""
    if field.type not in {"SELECT", "MULTI_SELECT"}:
        raise unsupported(f"options of a {field.type} field")
    fresh = with_ids(given) or []
    wrong = problems(field.type, fresh)
    default = field.raw.get("defaultValue")
    if isinstance(default, str) and default.strip("'") not in {one["value"] for one in fresh}:
        wrong.append(problem(f'Default value "{default}" must be one of the option values', default))
    if wrong:
        info = {
            "status": "fail",
            "errors": wrong,
            "flatEntityMinimalInformation": {
                "universalIdentifier": field.raw["universalIdentifier"],
                "name": field.name,
                "objectMetadataUniversalIdentifier": item.raw["universalIdentifier"],
            },
            "metadataName": "fieldMetadata",
            "type": "update",
        }
        text = str(wrong[0]["userFriendlyMessage"]) if len(wrong) == 1 else "Many validation errors"
        raise refused_update(info, "Multiple validation errors occurred while updating field", text)
    _move_rows(store, item, field, fresh)
    return fresh


def _move_rows(store: Store, item: ObjectType, field: Field, fresh: Sequence[Raw]) -> None:
    if field.type == "MULTI_SELECT":
        raise unsupported("changing the options of a MULTI_SELECT")
    by_id = {one["id"]: one["value"] for one in fresh}
    moved = {one["value"]: by_id.get(one["id"]) for one in field.raw.get("options") or []}
    fallback = field.empty()
    for row in store.rows[item.name].values():
        held = row.get(field.name)
        if held is not None:
            row[field.name] = moved.get(held) or fallback
    store.rewrite(item.name)
