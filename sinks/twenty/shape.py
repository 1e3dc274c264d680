"""Values as Twenty wants them: whole composites, and what it is known to refuse. Pure (`twenty.md` 0.8, 1.9)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.catalog import Object
from sinks.base import Outgoing
from sinks.twenty import rest

#: Composites a partial update damages (0.8): they are always sent with every subfield.
WHOLE: Mapping[str, Mapping[str, Any]] = {
    "EMAILS": {"primaryEmail": "", "additionalEmails": []},
    "LINKS": {"primaryLinkUrl": "", "primaryLinkLabel": "", "secondaryLinks": []},
    "PHONES": {
        "primaryPhoneNumber": "",
        "primaryPhoneCountryCode": "",
        "primaryPhoneCallingCode": "",
        "additionalPhones": [],
    },
}


def whole(kind: str, value: Any) -> Any:
    """`value` of a field of type `kind` with every subfield, absent and null ones empty, where the type needs it."""
    empty = WHOLE.get(kind)
    if empty is None or not (value is None or isinstance(value, Mapping)):
        return value
    given = {name: inner for name, inner in (value or {}).items() if inner is not None}
    full = {**empty, **given}
    if full.get("primaryPhoneNumber"):
        # null lets the server infer them from the number in every version; "" does only in newer ones.
        return full | {name: full[name] or None for name in ("primaryPhoneCountryCode", "primaryPhoneCallingCode")}
    return full


def fields(there: Object, record: Outgoing) -> dict[str, Any]:
    """The record's fields as sent; one to be restored says so itself, since PATCH alone leaves a row in the bin (1.5).

    Raises ValueError for an `id` among them (an id is never changed, 1.5)."""
    if "id" in record.fields:
        raise ValueError(f"{record.object} {record.remote_id}: `id` is not a field to write")
    types = {name: field.type for name, field in there.fields.items()}
    back = {"deletedAt": None} if record.restore else {}
    return {name: whole(types.get(name, ""), value) for name, value in record.fields.items()} | back


def refused(record: Outgoing) -> str:
    """Why the server will never take this record, as far as that is known without asking; else an empty text."""
    if not rest.is_id(record.remote_id):
        return f"the id {record.remote_id} is not a UUID of version 1 to 5"
    if _holds_nul(record.fields):
        return "a text holds a NUL character"
    return ""


def encode(body: Any) -> bytes:
    """JSON; half a surrogate pair is sent escaped and stored as U+FFFD (1.9), not refused here."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body, allow_nan=False).encode("ascii")


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(inner) for inner in value.values())
    return isinstance(value, list | tuple) and any(_holds_nul(inner) for inner in value)
