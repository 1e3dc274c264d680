"""The contract of a destination. It knows no Kafka and no ledger; every adapter runs tests/contract's one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.answers import Answer, Found, Page, Weather
from schemas.catalog import Member, Object, WantedField


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One part ready to leave: references resolved, id computed."""

    object: str  #: destination object, singular
    remote_id: str
    fields: Mapping[str, Any]
    restore: bool = False  #: an update brings it back from the bin, where a removal of ours put it


@dataclass(frozen=True, kw_only=True)
class Reactor:
    """An automation of the destination that would react to our writes (`twenty.md` 0.6)."""

    id: str
    name: str
    event: str


class Sink(Protocol):
    """A destination CRM. Every method that makes one HTTP call costs one budget call unless it says otherwise."""

    batch_size: int

    def catalog(self) -> Mapping[str, Object]:
        """Objects by singular name. Costs no budget (Twenty: metadata is not counted). Raises LockgateError."""
        ...

    def members(self) -> Sequence[Member]:
        """People who may own records. One call a page of 200."""
        ...

    def reactors(self, objects: Sequence[str]) -> Sequence[Reactor]:
        """Active automations that listen to writes of these objects."""
        ...

    def provision(self, wanted: Sequence[WantedField]) -> Sequence[WantedField]:
        """Makes the missing shapes, reading first and reading back; returns those it made. Idempotent."""
        ...

    def create(self, records: Sequence[Outgoing], before_send: Callable[[], None]) -> Mapping[str, Answer] | Weather:
        """Creates ≤ batch_size records of one object in one call, all or nothing; never an upsert; by remote_id.

        `before_send` is called right before the bytes leave and may raise (lease deadline): then nothing was sent."""
        ...

    def update(self, records: Sequence[Outgoing], before_send: Callable[[], None]) -> Mapping[str, Answer] | Weather:
        """Writes ≤ batch_size records that are known to be there under their id. Not all-or-nothing."""
        ...

    def read(self, object: str, ids: Sequence[str]) -> Mapping[str, Found] | Weather:
        """Rows by id, soft-deleted ones included; an absent id is absent from the answer."""
        ...

    def page(self, object: str, after: str | None) -> Page | Weather:
        """One page of an object's live rows from a cursor on (None = the first); one call."""
        ...

    def find(self, object: str, path: str, values: Sequence[str]) -> Mapping[str, Found] | Weather:
        """Who holds each of these unique values (`emails.primaryEmail`), deleted rows too; about a call per 100."""
        ...

    def remove(
        self, object: str, ids: Sequence[str], before_send: Callable[[], None]
    ) -> Mapping[str, Answer] | Weather:
        """Soft-deletes by id; removing what is not there answers MISSING."""
        ...

    def close(self) -> None:
        """Closes idle connections."""
        ...

    def same(self, object: str, sent: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
        """Names of the fields of `sent` that `row` does not hold, after the destination's own normalisation."""
        ...
