"""The desired payload: what should be in the destination, in the destination's shape, parts in order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson


class Link(StrEnum):
    """How a record depends on the parent it points to (DESIGN 2, Order)."""

    REQUIRED = "required"  #: the child parks until the parent has landed, and dies with it
    OPTIONAL = "optional"  #: left out and registered when the parent ended without a record


@dataclass(frozen=True, kw_only=True)
class Ref:
    """A reference to another record, resolved by the sink: `{"$ref": ["company", "17"]}` in the payload."""

    field: str  #: destination field that carries the parent's id
    kind: str  #: the parent's kind, e.g. `company`
    key: str  #: the parent's source key
    link: Link
    part: int = 0  #: which part of the record carries it


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A value the destination holds unique, and that this record would carry."""

    field: str  #: destination field and subfield, e.g. `emails.primaryEmail`
    value: str  #: as the destination stores and compares it


@dataclass(frozen=True, kw_only=True)
class Part:
    """One row of the destination; a note and its targets are several parts of one record."""

    object: str  #: destination object, singular, e.g. `person`
    id_path: str  #: what the id is made from, e.g. `contact/42`
    fields: Mapping[str, Any] = field(default_factory=dict)  #: may hold `{"$ref": [kind, key]}`


def to_json(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """The form stored in the ledger; schema: `schemas/json/desired.schema.json`."""
    return [{"object": p.object, "id_path": p.id_path, "fields": dict(p.fields)} for p in parts]


def from_json(raw: list[dict[str, Any]]) -> tuple[Part, ...]:
    """Reads back what `to_json` wrote."""
    return tuple(Part(object=p["object"], id_path=p["id_path"], fields=p["fields"]) for p in raw)


def payload_hash(payload: Any) -> str:
    """sha256 over canonical JSON; equal hash = no call."""
    return hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()


def refs_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every `{"$ref": [kind, key]}` inside a payload."""
    if isinstance(value, Mapping):
        if "$ref" in value:
            kind, key = value["$ref"]
            yield kind, key
            return
        for inner in value.values():
            yield from refs_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from refs_in(inner)


def resolve(value: Any, lookup: Callable[[str, str], str | None]) -> Any:
    """Replaces every reference by the remote id that `lookup(kind, key)` gives (None = left out, sent as null)."""
    if isinstance(value, Mapping):
        if "$ref" in value:
            kind, key = value["$ref"]
            return lookup(kind, key)
        return {name: resolve(inner, lookup) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(inner, lookup) for inner in value]
    return value
