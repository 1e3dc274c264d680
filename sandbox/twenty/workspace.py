"""One running workspace: everything the two listeners share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sandbox.twenty.bucket import TokenBucket
from sandbox.twenty.catalogue import ObjectType
from sandbox.twenty.clock import Clock
from sandbox.twenty.errors import limited
from sandbox.twenty.faults import Faults
from sandbox.twenty.journal import Journal
from sandbox.twenty.keys import Keys
from sandbox.twenty.records import Actor, Event, Writer
from sandbox.twenty.store import Row, Store


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """State, limits, keys, orders for faults, and the log of calls."""

    store: Store
    clock: Clock
    bucket: TokenBucket
    keys: Keys
    faults: Faults
    journal: Journal
    legacy: bool = False  #: answer metadata in the legacy envelope
    listeners: list[Callable[[Sequence[Event]], None]] = field(default_factory=list)  #: webhooks and workflows

    def take_token(self) -> None:
        """One token of the workspace's bucket. Raises 429."""
        if not self.bucket.take():
            raise limited(self.bucket.limit, self.bucket.window_ms)

    def writer(self, item: ObjectType, actor: Actor, trusted: bool = False) -> Writer:
        """Writes to an object as an actor, now."""
        return Writer(self.store, item, self.clock, actor, trusted)

    def note(self, by: str, action: str, item: ObjectType, rows: Sequence[Row]) -> None:
        """Puts a committed write into the journal."""
        self.journal.wrote(self.clock.stamp(), by, action, item.name, [row["id"] for row in rows])

    def publish(self, events: Sequence[Event]) -> None:
        """Tells every listener what happened."""
        if events:
            for listener in self.listeners:
                listener(events)
