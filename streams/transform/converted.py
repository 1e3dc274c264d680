"""What goes into a converter and what comes out: the contract of streams/transform/converters.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schemas.desired import Ref
from schemas.plan import Enums

Related = Mapping[tuple[str, str], Mapping[str, Any] | None]


class Absent(Enum):
    """A field that is not written at all: the destination does not take null there."""

    OMIT = "omit"


OMIT = Absent.OMIT


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """One rule's input."""

    values: tuple[Any, ...]  #: the typed values of the rule's columns, in the rule's order
    settings: Mapping[str, Any] = field(default_factory=dict)  #: the rule's `with`
    to: str = ""  #: destination field, for references
    related: Related = field(default_factory=dict)  #: typed rows this record reads; None = not there
    owners: Mapping[str, str] = field(default_factory=dict)  #: owner's e-mail in lower case → member id
    enums: Enums = field(default_factory=dict)  #: enum → its options
    own: tuple[str, str] = ("", "")  #: kind and key of the record being made

    @property
    def value(self) -> Any:
        """The first column's value; None when the rule has no column."""
        return self.values[0] if self.values else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """One rule's output: exactly what the destination will store, and what it cannot hold."""

    value: Any  #: the payload's value, or `OMIT`
    flags: tuple[str, ...] = ()  #: short codes of what was changed or could not be moved as it was
    leftover: tuple[str, ...] = ()  #: lines for the rule's `leftover` field: what the type cannot hold
    claim: str = ""  #: the value the destination holds unique, empty when there is none
    unclaimed: Any = None  #: the payload's value without `claim`, for when another record holds it
    ref: Ref | None = None  #: the record this value points to


Converter = Callable[[Given], Converted]
