"""The plan: what moves, how, approved by whom. A revision is the sha256 of its canonical content (law 6)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas import enums
from schemas.enums import Option

Enums = Mapping[str, tuple[Option, ...]]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy whose cached properties are its own."""
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(self).model_fields):
            del copied.__dict__[name]
        return copied


class _Columns(_Frozen):
    """`from` is one column or a list of them."""

    from_: tuple[str, ...] = Field(alias="from")  #: source columns, in the converter's order

    @model_validator(mode="before")
    @classmethod
    def _one_column_or_many(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("from"), str):
            raw = {**raw, "from": (raw["from"],)}
        return raw


class OlderRule(_Columns):
    """How an older era of the source keeps what a rule moves: other columns, read by another converter."""

    convert: str | None = None  #: None = the rule's own converter
    with_: Mapping[str, Any] | None = Field(default=None, alias="with")  #: None = the rule's own settings


class FieldRule(_Columns):
    """One line of a mapping file: columns in, one destination field out, by a named converter.

    `with.object` names the object that the first column points to (one key, or an array of them), `with.key` a fixed
    row of it instead; `with.reads` are the columns of that row which the converter reads. A rule without `reads` only
    points: a change to the row it points to changes nothing here. `with.older_reads` are read where an older era has
    them in place of newer ones.
    """

    to: str  #: destination field, e.g. `domainName`; a link is written to its id field, `companyId`
    convert: str  #: a name of streams.transform.converters
    with_: Mapping[str, Any] = Field(default_factory=dict, alias="with")  #: the converter's own settings
    unique: str | None = None  #: subfield that the destination holds unique, `primaryLinkUrl`
    keep_both: str | None = None  #: text field that carries the value when another record holds it
    leftover: str | None = None  #: text field for what the destination's type cannot hold (an extension, a bad number)
    older: tuple[OlderRule, ...] = ()  #: for eras without these columns, newest first
    optional: bool = False  #: not every install has the column; without it the rule is dropped

    @property
    def target(self) -> str | None:
        """The object this rule points to or reads."""
        name = self.with_.get("object")
        return None if name is None else str(name)

    @property
    def reads(self) -> tuple[str, ...] | None:
        """Columns it reads of the row it points to; None when it only points."""
        reads = self.with_.get("reads")
        return None if reads is None else tuple(reads)


class PartRule(_Frozen):
    """A further row of the destination that belongs to the record: a note's target. It exists while its link does."""

    destination: str  #: destination object, singular, `noteTarget`
    link: str  #: the field below whose reference makes the part and its id
    fields: tuple[FieldRule, ...]


class Shape(_Frozen):
    """A field the plan needs in the destination; `provision` makes it."""

    name: str
    type: str  #: the destination's own word: TEXT, ARRAY, SELECT
    label: str
    enum: str | None = None  #: of a SELECT: the enum whose options it has
    standard: bool = False  #: the field is the destination's own: only options are added


class Eras(_Frozen):
    """What older versions of the source call the same things."""

    tables: tuple[str, ...] = ()  #: older names of the table, newest first
    columns: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)  #: column → its older names
    optional: bool = False  #: older versions have no such table at all


class ObjectPlan(_Frozen):
    """One object's mapping: `schemas/mappings/<source>--<destination>/<object>.yaml`."""

    object: str  #: our name, also the kind of its records: company, contact, …
    table: str  #: source table with its schema, `public.companies`
    key: tuple[str, ...]  #: primary-key columns; the source key is their text joined by `/`
    destination: str | None  #: destination object, singular; None = its rows only feed others
    fields: tuple[FieldRule, ...] = ()
    parts: tuple[PartRule, ...] = ()  #: further rows of the same record, after the main one
    reads: tuple[str, ...] = ()  #: columns that only others read
    not_moved: Mapping[str, str] = Field(default_factory=dict)  #: column → why it stays behind
    tables_not_moved: Mapping[str, str] = Field(default_factory=dict)  #: whole tables that stay behind, and why
    shapes: tuple[Shape, ...] = ()
    enums: Enums = Field(default_factory=dict)  #: default options, until the plan has those found in the source
    after: tuple[str, ...] = ()  #: objects loaded first although nothing here points to them (S0-78)
    carry: bool = False  #: columns nobody mapped become text fields instead of a fault (S0-17)
    eras: Eras = Eras()

    @field_validator("enums", mode="before")
    @classmethod
    def _options(cls, raw: Any) -> Any:
        return {name: enums.options(items) for name, items in raw.items()}

    @cached_property
    def rules(self) -> tuple[FieldRule, ...]:
        """Every rule of the main row and of the parts."""
        return (*self.fields, *(rule for part in self.parts for rule in part.fields))

    @cached_property
    def _read_columns(self) -> frozenset[str]:
        return frozenset(self.reads) | {column for rule in self.rules for column in rule.from_}

    @cached_property
    def _references(self) -> tuple[FieldRule, ...]:
        return tuple(rule for rule in self.rules if rule.target is not None)

    def read_columns(self) -> frozenset[str]:
        """Columns whose change can change a record; a change to any other column marks nothing dirty."""
        return self._read_columns

    def unique_fields(self) -> tuple[str, ...]:
        """Fields with the subfield the destination holds unique, `emails.primaryEmail`."""
        return tuple(f"{rule.to}.{rule.unique}" for rule in self.fields if rule.unique)

    def references(self) -> tuple[FieldRule, ...]:
        """Rules that point to another row of the source (`with: {object: …}`), of the main row and of the parts."""
        return self._references

    @cached_property
    def _reading(self) -> tuple[FieldRule, ...]:
        return tuple(rule for rule in self.references() if rule.reads is not None)

    def reading(self) -> tuple[FieldRule, ...]:
        """Those of `references` that read columns of the row they point to."""
        return self._reading


class Plan(_Frozen):
    """Everything an approval covers."""

    source: str  #: source kind, `atomic_crm`
    destination: str  #: destination kind, `twenty`
    id_namespace: str
    objects: tuple[ObjectPlan, ...]  #: in dependency order, parents first
    columns: Mapping[str, Mapping[str, str]]  #: object → column → type as pg_catalog names it
    owners: Mapping[str, str]  #: owner's e-mail in lower case → member id
    policies: Mapping[str, Any]
    enums: Enums = Field(default_factory=dict)  #: options found in the source; an enum absent here has its defaults

    @field_validator("enums", mode="before")
    @classmethod
    def _found(cls, raw: Any) -> Any:
        return {name: enums.options(items) for name, items in raw.items()}

    def object(self, name: str) -> ObjectPlan:
        """The mapping of one object."""
        return next(o for o in self.objects if o.object == name)

    def by_table(self) -> Mapping[str, ObjectPlan]:
        """Source table → mapping."""
        return {o.table: o for o in self.objects}

    def dependants(self, name: str) -> tuple[tuple[ObjectPlan, FieldRule], ...]:
        """Mappings that point to or read rows of the object `name`, with the rule that does."""
        return tuple((o, r) for o in self.objects for r in o.references() if r.target == name)

    @cached_property
    def _readers(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        found: dict[str, dict[str, frozenset[str]]] = {o.object: {} for o in self.objects}
        for o in self.objects:
            for rule in o.references():
                if rule.reads is not None and rule.target in found:
                    columns = found[rule.target].get(o.object, frozenset())
                    found[rule.target][o.object] = columns | set(rule.reads)
        return found

    def readers(self, name: str) -> Mapping[str, frozenset[str]]:
        """Objects that read rows of the object `name` → the columns of it they read. Appearing and vanishing of a row
        changes its readers as well. Objects that only point to it are not among them."""
        return self._readers.get(name, {})

    @cached_property
    def options(self) -> Enums:
        """Every enum with its options: those found in the source, else the mappings' defaults."""
        return {**{name: items for o in self.objects for name, items in o.enums.items()}, **self.enums}

    def shapes(self) -> tuple[tuple[str, Shape], ...]:
        """(destination object, shape) of everything to provision, each once: two objects may share a destination."""
        found = {(str(o.destination), s.name): s for o in self.objects if o.destination for s in o.shapes}
        return tuple((destination, shape) for (destination, _), shape in found.items())

    def content(self) -> dict[str, Any]:
        """Canonical content, as stored with an approval."""
        return self.model_dump(mode="json", by_alias=True)

    def revision(self) -> str:
        """sha256 of the canonical content, in hex."""
        return hashlib.sha256(orjson.dumps(self.content(), option=orjson.OPT_SORT_KEYS)).hexdigest()


def in_dependency_order(objects: Sequence[ObjectPlan]) -> tuple[ObjectPlan, ...]:
    """Parents first; objects in a cycle keep the order they were given in."""
    left = sorted(objects, key=lambda o: (o.destination is not None, o.object))
    done: list[ObjectPlan] = []
    while left:
        names = {o.object for o in left}
        free = [o for o in left if not (_before(o) & (names - {o.object}))]
        done += free or left
        left = [o for o in left if o not in done]
    return tuple(done)


def _before(plan: ObjectPlan) -> set[str]:
    return {str(rule.target) for rule in plan.references()} | set(plan.after)
