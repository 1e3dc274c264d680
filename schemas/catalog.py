"""What is there: the shapes of a source's tables and a destination's objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.enums import Option


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a source table as `pg_catalog` names it."""

    name: str
    type: str  #: `format_type`, e.g. `bigint`, `timestamp with time zone`, `jsonb`, `bigint[]`, `citext`
    nullable: bool = True
    generated: bool = False  #: STORED generated: in the snapshot, absent from streamed events (`engine.md` 3)


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the source."""

    name: str  #: with its schema, `public.companies`
    key: tuple[str, ...]  #: primary key columns in order
    columns: Mapping[str, Column] = field(default_factory=dict)
    replica_identity: str = "default"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a destination object."""

    name: str
    type: str  #: the destination's own word, e.g. Twenty's `TEXT`, `EMAILS`, `RELATION`
    nullable: bool = True
    unique: bool = False
    custom: bool = False
    options: tuple[str, ...] = ()  #: values of a SELECT or MULTI_SELECT, in the destination's order


@dataclass(frozen=True, kw_only=True)
class Object:
    """One object of the destination."""

    name: str  #: singular, e.g. `person`
    plural: str
    id: str  #: the destination's id of the object's metadata
    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person of the destination who may own records."""

    id: str
    email: str


@dataclass(frozen=True, kw_only=True)
class WantedField:
    """A shape our plan needs and `provision` makes."""

    object: str
    name: str
    type: str
    label: str
    options: tuple[Option, ...] = ()  #: of a SELECT: what it must offer by `name`; others it has stay as they are
    standard: bool = False  #: the destination's own field: never made, only options are added
