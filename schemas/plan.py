"""The plan: what moves, how, approved by whom. A revision is the sha256 of its canonical content (law 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class FieldRule(_Frozen):
    """One line of a mapping file: columns in, one destination field out, by a named converter."""

    to: str  #: destination field, e.g. `domainName`; a link is written to its id field, `companyId`
    from_: tuple[str, ...] = Field(alias="from")  #: source columns, in the converter's order
    convert: str  #: a name of streams.transform.converters
    with_: Mapping[str, Any] = Field(default_factory=dict, alias="with")  #: the converter's own settings
    unique: str | None = None  #: subfield that the destination holds unique, `primaryLinkUrl`
    keep_both: str | None = None  #: text field that carries the value when another record holds it
    leftover: str | None = None  #: text field for what the destination's type cannot hold (an extension, a bad number)

    @model_validator(mode="before")
    @classmethod
    def _one_column_or_many(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("from"), str):
            raw = {**raw, "from": (raw["from"],)}
        return raw


class Shape(_Frozen):
    """A field the plan needs in the destination; `provision` makes it."""

    name: str
    type: str
    label: str


class ObjectPlan(_Frozen):
    """One object's mapping: `schemas/mappings/<source>--<destination>/<object>.yaml`."""

    object: str  #: our name, also the kind of its records: company, contact, …
    table: str  #: source table with its schema, `public.companies`
    key: tuple[str, ...]  #: primary-key columns; the source key is their text joined by `/`
    destination: str | None  #: destination object, singular; None = its rows only feed others
    fields: tuple[FieldRule, ...] = ()
    reads: tuple[str, ...] = ()  #: for feeders: the columns others read
    not_moved: Mapping[str, str] = Field(default_factory=dict)  #: column → why it stays behind
    shapes: tuple[Shape, ...] = ()

    def read_columns(self) -> frozenset[str]:
        """Columns whose change can change a record; a change to any other column marks nothing dirty."""
        return frozenset(self.reads) | {column for rule in self.fields for column in rule.from_}

    def unique_fields(self) -> tuple[str, ...]:
        """Fields with the subfield the destination holds unique, `emails.primaryEmail`."""
        return tuple(f"{rule.to}.{rule.unique}" for rule in self.fields if rule.unique)

    def references(self) -> tuple[FieldRule, ...]:
        """Rules that point to another row of the source (`with: {object: …}`)."""
        return tuple(rule for rule in self.fields if "object" in rule.with_)


class Plan(_Frozen):
    """Everything an approval covers."""

    source: str  #: source kind, `atomic_crm`
    destination: str  #: destination kind, `twenty`
    id_namespace: str
    objects: tuple[ObjectPlan, ...]  #: in dependency order, parents first
    columns: Mapping[str, Mapping[str, str]]  #: object → column → type as pg_catalog names it
    owners: Mapping[str, str]  #: owner's e-mail in lower case → member id
    policies: Mapping[str, Any]

    def object(self, name: str) -> ObjectPlan:
        """The mapping of one object."""
        return next(o for o in self.objects if o.object == name)

    def by_table(self) -> Mapping[str, ObjectPlan]:
        """Source table → mapping."""
        return {o.table: o for o in self.objects}

    def dependants(self, name: str) -> tuple[tuple[ObjectPlan, FieldRule], ...]:
        """Mappings that read rows of the object `name`, with the rule that does."""
        return tuple((o, r) for o in self.objects for r in o.references() if r.with_["object"] == name)

    def content(self) -> dict[str, Any]:
        """Canonical content, as stored with an approval."""
        return self.model_dump(mode="json", by_alias=True)

    def revision(self) -> str:
        """sha256 of the canonical content, in hex."""
        return hashlib.sha256(orjson.dumps(self.content(), option=orjson.OPT_SORT_KEYS)).hexdigest()


PolicyMatch = Literal["adopt", "skip", "ask"]


def in_dependency_order(objects: Sequence[ObjectPlan]) -> tuple[ObjectPlan, ...]:
    """Parents first; objects in a cycle keep the order they were given in."""
    left = sorted(objects, key=lambda o: (o.destination is not None, o.object))
    done: list[ObjectPlan] = []
    while left:
        names = {o.object for o in left}
        free = [o for o in left if not ({r.with_["object"] for r in o.references()} & (names - {o.object}))]
        done += free or left
        left = [o for o in left if o not in done]
    return tuple(done)
