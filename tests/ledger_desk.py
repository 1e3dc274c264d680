"""A ledger by hand: events taken, records projected, claimed and receipted one step at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import line_kit
from ledger_kit import Ledger
from line_kit import Capture

from ledger import desired, records
from ledger.connection import Connection
from ledger.desired import RecordKey, Step, Verb
from ledger.records import Record
from schemas import naming
from schemas.plan import Plan
from sinks import claim, receipts
from sinks.claim import Whose
from sinks.steps import Gone, Holds, Outcome, Ready
from streams.project import Projector
from streams.take import Taker

TIMEOUT_S = 10.0
SHARDS = tuple(range(naming.PARTITIONS))


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A batch under one lease."""

    token: UUID
    batch: list[Ready]

    def keys(self) -> list[str]:
        """Source keys in the order they leave."""
        return [one.desired.key for one in self.batch]

    def one(self, key: int | str) -> Ready:
        """The record of a key."""
        return next(one for one in self.batch if one.desired.key == str(key))


@dataclass(kw_only=True)
class Desk:
    """Generation 1 of a migration."""

    ledger: Ledger
    plan: Plan = field(default_factory=line_kit.plan)

    def __post_init__(self) -> None:
        line_kit.begin(self.ledger, self.plan)
        self.capture = Capture(migration=self.ledger.migration)
        pool = self.ledger.pool()
        self.taker = Taker(pool, 1)
        self.projector = Projector(pool, 1)

    @property
    def conn(self) -> Connection:
        """The test's own connection."""
        return self.ledger.conn

    def put(self, object_: str, row: Mapping[str, Any], *, op: str = "c", snapshot: bool = False) -> None:
        """One event, taken at once."""
        self.capture.write(object_, op, row["id"], row, snapshot=snapshot)
        self.take(object_)

    def contact(self, key: int, **columns: Any) -> None:
        """A contact's new image."""
        self.put("contact", line_kit.contact(key, **columns))

    def company(self, key: int, **columns: Any) -> None:
        """A company's new image."""
        self.put("company", line_kit.company(key, **columns))

    def drop(self, object_: str, key: int) -> None:
        """A delete and its tombstone."""
        self.capture.write(object_, "d", key, None)
        self.take(object_, 2)

    def take(self, object_: str, last: int = 1) -> None:
        """The last events of a topic, once more or for the first time."""
        self.taker.take(self.capture.batch(object_, -last))

    def project(self) -> None:
        """Until nothing is dirty."""
        while True:
            self.projector.step()
            if self.projector.idle:
                return

    def claim(self, kind: str, verb: Verb, *, lane: str = "live", worker: str = "a", **more: Any) -> Claimed:
        """A claim as a worker makes it."""
        token = uuid4()
        step = Step(lane=lane, kind=kind, verb=verb)
        shards = more.get("shards", SHARDS)
        conn = more.get("conn", self.conn)
        return Claimed(
            token=token, batch=claim.claim(conn, self.whose(worker), step, shards, more.get("most", 50), token)
        )

    def settle(
        self, claimed: Claimed, outcome: Outcome | Mapping[str, Outcome], conn: Connection | None = None
    ) -> list[str]:
        """The same outcome for all, or one a key; returns the keys that landed."""
        pairs = [(one, outcome[one.desired.key] if isinstance(outcome, Mapping) else outcome) for one in claimed.batch]
        landed = receipts.settle(conn or self.conn, 1, claimed.token, pairs, TIMEOUT_S)
        return [one.desired.key for one in landed]

    def written(self, claimed: Claimed, **more: Any) -> list[str]:
        """Receipts: the destination holds them as sent."""
        verb = more.pop("verb", Verb.CREATE)
        held = {one.desired.key: Holds(verb=verb, remote_id=one.id, ours=True) for one in claimed.batch}
        return self.settle(claimed, held, **more)

    def deliver(self) -> int:
        """Everything due is written, until nothing is; how many records left."""
        left = 0
        while step := self.next_step():
            claimed = self.claim(step.kind, step.verb, lane=step.lane)
            left += len(claimed.batch)
            outcomes = {
                one.desired.key: Holds(verb=step.verb, remote_id=one.id, ours=True) if one.desired.wanted else Gone()
                for one in claimed.batch
            }
            self.settle(claimed, outcomes)
        return left

    def through(self) -> int:
        """Projected and delivered."""
        self.project()
        return self.deliver()

    def next_step(self) -> Step | None:
        """What a worker would do next."""
        due = desired.due(self.conn, 1, list(naming.LANES), ["company", "contact"], list(SHARDS))
        return due[0] if due else None

    def whose(self, worker: str = "a") -> Whose:
        """For whom a worker claims."""
        moved = [o for o in self.plan.objects if o.destination]
        return Whose(
            generation=1,
            worker=worker,
            namespace=line_kit.NAMESPACE,
            source="atomic_crm",
            destinations={o.object: str(o.destination) for o in moved},
            unique={o.object: o.unique_fields() for o in moved},
        )

    def desired(self, kind: str, key: int | str) -> desired.Desired:
        """What should be there."""
        return desired.read(self.conn, 1, [(kind, str(key))])[kind, str(key)]

    def state(self, kind: str, key: int | str) -> tuple[str, str | None]:
        """Its state and code."""
        found = self.desired(kind, key)
        return found.state.value, found.code

    def states(self, kind: str, keys: Sequence[int]) -> list[str]:
        """States only."""
        return [self.state(kind, key)[0] for key in keys]

    def record(self, kind: str, key: int | str) -> Record:
        """What is there."""
        return records.read(self.conn, [(kind, str(key))]).get((kind, str(key)), records.ABSENT)

    def fields(self, kind: str, key: int | str) -> dict[str, Any]:
        """The payload's fields."""
        payload = self.desired(kind, key).payload
        assert payload is not None
        return dict(payload[0]["fields"])

    def holders(self) -> dict[str, str]:
        """Unique value → who holds it."""
        rows = self.conn.execute("select value, holder_key from uniques where holder_key is not null")
        return {r["value"]: r["holder_key"] for r in rows}

    def dirty(self) -> set[RecordKey]:
        """Marks not worked off."""
        return {(r["kind"], r["key"]) for r in self.conn.execute("select kind, key from dirty")}

    def leases_end(self) -> None:
        """The time of every lease is up."""
        self.conn.execute("update records set lease_until = now() - interval '1 s' where lease_token is not null")

    def waits_end(self) -> None:
        """Whatever is postponed is due."""
        self.conn.execute("update desired set not_before = '-infinity'")
