"""The words of a delivery: a record ready to leave, the calls, the outcomes. Shapes only."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ledger.desired import Desired, RecordKey, State, Verb
from ledger.records import Known, Record
from ledger.waits import Wait, Why
from schemas.answers import Answer, Found, Weather
from sinks.base import Outgoing

#: Cause of a record that is looked at once more after a take-over; it is not looked at a third time.
SECOND_LOOK = "second look"


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A leased record with its payload resolved."""

    desired: Desired
    record: Record
    outgoing: Outgoing  #: for a removal its fields are empty
    hash: str  #: of the resolved payload
    left_out: tuple[RecordKey, ...] = ()  #: parents that ended without a record: the link is left out and registered
    carries: tuple[tuple[str, str], ...] = ()  #: unique (field, value) that this call writes
    withheld: tuple[Wait, ...] = ()  #: behind whom it waits for values it is written without, to open a ring (H-25)
    frees: tuple[str, ...] = ()  #: unique fields to empty before it goes to the bin
    parts: tuple[Outgoing, ...] = ()  #: its further rows, in order
    only_look: bool = False  #: it may not be written now, yet an unanswered call must be settled

    @property
    def id(self) -> str:
        """The remote id it has or will have."""
        return self.outgoing.remote_id

    @property
    def name(self) -> RecordKey:
        """(kind, key)."""
        return (self.desired.kind, self.desired.key)

    @property
    def taken_over(self) -> bool:
        """Its last call was not answered, and nobody has looked a second time yet (H-03)."""
        return self.record.unknown and self.desired.cause != SECOND_LOOK

    def without_links(self) -> list[Wait]:
        """Left-out links, to be registered."""
        kind, key = self.name
        return [Wait(kind=kind, key=key, on_kind=k, on_key=o, why=Why.LEFT_OUT) for k, o in self.left_out]


class Does(StrEnum):
    """What a call does."""

    CREATE = "create"
    UPDATE = "update"
    READ = "read"
    REMOVE = "remove"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call to the destination, on records of one object."""

    does: Does
    records: tuple[Ready, ...]


@dataclass(frozen=True, kw_only=True)
class Holds:
    """Outcome: the destination holds the record as sent."""

    verb: Verb
    remote_id: str
    ours: bool  #: made by us, not met there
    called: bool = True  #: False: it already held every field
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Gone:
    """Outcome: the destination does not hold the record, as wanted."""


@dataclass(frozen=True, kw_only=True)
class Ends:
    """Outcome: the record leaves the queue without being written."""

    state: State
    code: str
    reason: str
    known: Known = Known.NOTHING_NEW


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """Outcome: the destination misses a parent; park, and look at the parents."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Back:
    """Outcome: nothing was applied; try again after a while."""

    wait_s: float


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Outcome: only read, to settle an unanswered call."""

    known: Known


@dataclass(frozen=True, kw_only=True)
class Unanswered:
    """Outcome: it may have been applied; read before anyone writes."""

    reason: str


Outcome = Holds | Gone | Ends | Orphan | Back | Looked | Unanswered
Reply = Mapping[str, Answer] | Mapping[str, Found] | Weather
Steps = Generator[Call, Reply, dict[RecordKey, Outcome]]
Same = Callable[[str, Mapping[str, Any], Mapping[str, Any]], list[str]]
