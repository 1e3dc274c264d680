"""The whole line without Kafka: a real ledger, the real code from take to receipt, a destination in memory."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import line_kit
from baton import Actor
from ledger_kit import Ledger
from line_kit import Capture
from line_story import MAILS, Source
from memory_sink import MemorySink, Odds

from infra import clock
from ledger import connection, records, states
from schemas import naming
from schemas.desired import Link
from schemas.run_file import RunFile
from sinks.worker import Worker
from streams.project import Projector
from streams.take import Taker

#: Steps after the source has stopped within which the line must be quiet.
DRAIN = 3000
STORM = Odds(weather=0.06, lost=0.05, dropped=0.04, late=0.05)


class Time:
    """The clock of leases' deadlines: it jumps when a lease is over."""

    def __init__(self) -> None:
        self._skew = 0.0

    def now(self) -> float:
        """Takes the place of `infra.clock.boottime` in the sinks."""
        return clock.boottime() + self._skew

    def lease_passes(self) -> None:
        """A lease's length in no time."""
        self._skew += records.LEASE_S


TIME = Time()


@dataclass(kw_only=True)
class Partitions:
    """Takes the place of `sinks.wakes`: no hints, only partitions."""

    shards: list[int]
    landed: int = 0

    def wait(self, seconds: float) -> bool:
        """Nothing ever comes."""
        return False

    def tell_landed(self, landed: list[Any]) -> None:
        """Nobody listens."""
        self.landed += len(landed)

    def close(self) -> None:
        """Nothing to close."""


@dataclass(kw_only=True)
class Take:
    """A streams worker's consumer: at least once, from where its group stands."""

    taker: Taker
    capture: Capture
    dice: random.Random
    stands: dict[str, int]  #: shared by the group

    def step(self) -> None:
        """One batch of one topic, sometimes from a little before."""
        open_ = [o for o, log in self.capture.logs.items() if self.stands[o] < len(log)]
        object_ = self.dice.choice(open_ or list(self.capture.logs))
        start = self.stands[object_]
        if self.dice.random() < 0.2:
            start = max(0, start - self.dice.randrange(6))
        batch = self.capture.batch(object_, start, start + self.dice.randrange(1, 7))
        if batch.events:
            self.taker.take(batch)
            self.stands[object_] = max(self.stands[object_], batch.events[-1].offset + 1)


@dataclass(kw_only=True)
class Line:
    """One history."""

    ledger: Ledger
    seed: int
    link: Link = Link.OPTIONAL
    storm: Odds = STORM
    actor: type[Actor] = Actor
    people: bool = False  #: somebody works in the destination too
    sink: MemorySink = field(init=False)
    source: Source = field(init=False)
    actors: list[Actor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        line_kit.begin(self.ledger, line_kit.plan(self.link.value))
        self.capture = Capture(migration=self.ledger.migration)
        self.source = Source(dice=self.dice, capture=self.capture)
        self.sink = MemorySink(batch_size=4, dice=self.dice, odds=self.storm)
        if self.people:
            self.sink.person_makes("person", "theirs", {"emails": {"primaryEmail": MAILS[0]}})
        self.stands = dict.fromkeys(self.capture.logs, 0)
        self.workers: dict[str, Worker] = {}
        self.apart = [[0, 1], [2, 3]]
        for number in (0, 1):
            for kind in ("take", "project", "sink"):
                self.start(kind, number)

    def play(self, changes: int) -> None:
        """The team edits while everything happens; then it stops."""
        self.source.begin()
        while changes:
            roll = self.dice.random()
            if roll < 0.12:
                self.source.change()
                changes -= 1
            elif roll < 0.2:
                self.time_passes()
            elif roll < 0.23:
                self._crash(self.dice.choice(self.actors))
            elif roll < 0.24 and self.people:
                self.sink.person_bins(self.dice)
            else:
                self.dice.choice(self.actors).resume()
        self.source.complete()

    def drain(self) -> None:
        """In good weather now, until nothing moves. Fails when that never comes."""
        self.sink.calm()
        looks = 0
        for _ in range(DRAIN // 10):
            for _ in range(10):
                self.dice.choice(self.actors).resume()
            self.time_passes(calm=True)
            looks = looks + 1 if self.quiet() else 0
            if looks == 2:
                return
            if looks == 1:  # only what a sweep would still find may follow
                for worker in self.workers.values():
                    worker._sweep(worker._connected())
        pending = states.pending(self.ledger.conn, 1)
        raise AssertionError(f"not quiet after {DRAIN} steps: {pending} {self.listed()}")

    def listed(self) -> list[dict[str, Any]]:
        """Whatever is not delivered."""
        return states.listed(self.ledger.conn, 1, ["queued", "parked", "asked", "dead"])

    def end(self) -> None:
        """Threads and connections go."""
        for actor in self.actors:
            actor.end()
        for worker in self.workers.values():
            _close(worker)

    def start(self, kind: str, number: int) -> None:
        name = f"{kind}-{number}"
        if kind == "take":
            taker = Taker(self.ledger.pool(), 1)
            step = Take(taker=taker, capture=self.capture, dice=self.dice, stands=self.stands).step
        elif kind == "project":
            step = Projector(self.ledger.pool(), 1).step  # type: ignore[assignment]
        else:
            partitions = Partitions(shards=self.apart[number])
            worker = Worker(_run_file(self.ledger), name, self.sink, partitions)  # type: ignore[arg-type]
            self.workers[name] = worker
            step = _turn(worker, self.dice)  # type: ignore[assignment]
        self.actors.append(self.actor(name, step))

    def _crash(self, actor: Actor) -> None:
        """kill -9 where it stands; another process takes the name."""
        if actor.at is None:
            return
        actor.resume("crash")
        actor.end()
        self.actors.remove(actor)
        kind, _, number = actor.name.partition("-")
        if actor.name in self.workers:
            _close(self.workers.pop(actor.name))
        self.start(kind, int(number))

    def time_passes(self, *, calm: bool = False) -> None:
        """Enough for one thing to be due: an answer that never came is late, a lease ends, a wait is over.

        `calm`: only leases of those who are gone end."""

        def execute(statement: LiteralString) -> None:
            connection.in_transaction(self.ledger.conn, lambda conn: conn.execute(statement))

        what = self.dice.choice(("leases", "waits", "looks", "partitions"))
        if what == "waits":
            execute("update desired set not_before = '-infinity' where not_before > now()")
        elif what == "partitions":
            self._rebalance()
        elif not calm or all(actor.at is None for actor in self.actors):
            # Both are later than any timeout of the calls before them (law 2).
            self.sink.come_true()
            if what == "looks":
                execute("update records set look_at = now() where look_at is not null")
            else:
                # Law 2: from here on no call of these leases may leave any more.
                self.sink.between_calls(TIME.lease_passes)
                execute("update records set lease_until = now() - interval '1 s'")

    def _rebalance(self) -> None:
        """Shards move; for a moment two workers may think a shard theirs."""
        shards = list(range(naming.PARTITIONS))
        cut = self.dice.randrange(naming.PARTITIONS + 1)
        overlap = self.dice.randrange(2)
        self.apart = [shards[:cut], shards[max(0, cut - overlap) :]]
        for name, worker in self.workers.items():
            worker._wakes.shards = self.apart[int(name[-1])]

    def quiet(self) -> bool:
        consumed = all(self.stands[o] == len(log) for o, log in self.capture.logs.items())
        idle = all(a.at is None for a in self.actors)
        pending = states.pending(self.ledger.conn, 1)
        overdue = self.ledger.conn.execute(
            "select 1 from desired where state = 'parked' and code = 'LG-0607'"
        ).fetchone()
        return consumed and idle and pending.quiet() and not pending.looks and not overdue and not self.sink.late


def _turn(worker: Worker, dice: random.Random) -> Any:
    def turn() -> None:
        if worker._obeyed is None or dice.random() < 0.3:
            worker._swept_at = -math.inf
        worker._turn()

    return turn


def _close(worker: Worker) -> None:
    if worker._conn is not None:
        worker._conn.close()


def _run_file(ledger: Ledger) -> RunFile:
    values: Mapping[str, Any] = {
        "migration": ledger.migration,
        "source": "atomic_crm",
        "kafka": "",
        "ledger_dsn": ledger.dsn,
        "destination": "memory",
        "destination_url": "",
        "destination_key_env": "",
        "topics": (),
        "data_dir": Path(),
    }
    return RunFile.model_validate(values)
