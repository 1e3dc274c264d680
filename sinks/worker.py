"""The sink worker: `python -m sinks.worker --run FILE --name NAME`. Claims due work, delivers it, writes receipts."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from types import FrameType
from uuid import UUID, uuid4

from infra import failpoints, logs
from infra.clock import boottime
from ledger import connection, desired, journal, plans, records, snapshots, waits, wishes
from ledger.connection import Connection
from ledger.desired import OWN_LANE, Step
from schemas import naming
from schemas.errors import LockgateError
from schemas.run_file import RunFile
from sinks import claim, receipts, steps
from sinks.base import Sink
from sinks.budget import CALLS, Slots
from sinks.drive import Driver
from sinks.open import open_sink
from sinks.wakes import Wakes

SWEEP_S = 1.0
IDLE_S = 0.25
LOOKS_AT_ONCE = 200
_log = logs.get("sinks")


@dataclass(frozen=True, kw_only=True)
class Obeyed:
    """What the approved plan says to a sink worker."""

    revision: str
    kinds: tuple[str, ...]  #: in dependency order, parents first
    whose: claim.Whose


class Worker:
    """One process; one call at a time."""

    def __init__(self, run: RunFile, name: str, sink: Sink, wakes: Wakes) -> None:
        self._run = run
        self._name = name
        self._sink = sink
        self._slots = Slots(destination=run.destination)
        self._wakes = wakes
        self._stopping = False
        self._swept_at = 0.0
        self._paused: set[tuple[str, str]] = set()
        self._conn: Connection | None = None
        self._obeyed: Obeyed | None = None
        self._note: str | None = None
        self._round: deque[Step] = deque()

    def stop(self, *_: object) -> None:
        """Asks the loop to end after the batch under way."""
        self._stopping = True

    def loop(self) -> None:
        """Until told to stop: work while there is any, else wait for a hint or the next sweep."""
        pause = 0.0
        while not self._stopping:
            self._wakes.wait(min(pause, IDLE_S))
            try:
                pause = self._turn()
            except Exception as error:
                if not connection.is_weather(error):
                    raise
                _log.warning("ledger away", error=type(error).__name__)
                if self._conn is not None:
                    self._conn.close()
                self._conn, pause = None, IDLE_S
        self._leave()

    def _turn(self) -> float:
        """One batch if anything is due; returns how long to wait before the next look."""
        conn = self._connected()
        if boottime() - self._swept_at >= SWEEP_S:
            self._sweep(conn)
        step = self._next_step(conn)
        if step is None:
            return IDLE_S
        wait = self._slots.ready(conn, CALLS[step.verb])
        return wait if wait > 0 else self._deliver(conn, step)

    def _next_step(self, conn: Connection) -> Step | None:
        if not self._wakes.shards or self._obeyed is None:
            return None
        if not self._round:
            kinds, shards = list(self._obeyed.kinds), self._wakes.shards
            due = desired.due(conn, self._run.generation, list(naming.LANES), kinds, shards)
            self._round.extend(rounds([step for step in due if (step.kind, step.lane) not in self._paused]))
        return self._round[0] if self._round else None

    def _deliver(self, conn: Connection, step: Step) -> float:
        assert self._obeyed is not None
        self._round.popleft()
        token, claimed_at = uuid4(), boottime()
        batch = claim.claim(conn, self._obeyed.whose, step, self._wakes.shards, self._sink.batch_size, token)
        if not batch:
            return 0.0
        driver = Driver(
            conn=conn,
            sink=self._sink,
            slots=self._slots,
            generation=self._run.generation,
            http_timeout_s=self._run.http_timeout_s,
            lease_s=self._run.lease_s,
        )
        outcomes = driver.run(step, batch, claimed_at)
        failpoints.hit("sink.before-receipt")
        pairs = [(one, outcomes[one.name]) for one in batch]
        landed = receipts.settle(conn, self._run.generation, token, pairs, self._run.http_timeout_s)
        failpoints.hit("sink.after-receipt")
        self._wakes.tell_landed(landed)
        return 0.0

    def _sweep(self, conn: Connection) -> None:
        """Each second: what no message may decide. Ends dead leases, takes second looks, frees the overdue."""
        self._swept_at = boottime()
        generation = self._run.generation
        self._obey(conn)
        for work in (self._end_leases, self._look_again, self._free_overdue, self._open_rings):
            connection.in_transaction(conn, work)
        self._report(conn, generation)

    def _end_leases(self, conn: Connection) -> None:
        ended = records.expire(conn)
        if ended:
            _log.warning("leases ended", count=len(ended))
            desired.requeue(conn, self._run.generation, ended, "lease ended", OWN_LANE)

    def _look_again(self, conn: Connection) -> None:
        due = records.look_due(conn, LOOKS_AT_ONCE)
        if due:
            taken = records.suspect(conn, due)
            desired.requeue(conn, self._run.generation, taken, steps.SECOND_LOOK, OWN_LANE)

    def _free_overdue(self, conn: Connection) -> None:
        overdue = waits.overdue(conn, self._run.generation, self._wakes.shards)
        overdue |= snapshots.pointless(conn, self._run.generation, self._wakes.shards)
        desired.requeue(conn, self._run.generation, overdue, "wake was lost", OWN_LANE)

    def _open_rings(self, conn: Connection) -> None:
        rings = waits.rings(conn, self._run.generation)
        if rings:
            _log.info("ring of values", action="open", records=sorted(f"{kind}/{key}" for kind, key in rings))
            desired.requeue(conn, self._run.generation, rings, waits.RING, OWN_LANE)

    def _obey(self, conn: Connection) -> None:
        """Workers obey and report the approved revision (law 6)."""
        revision, plan = plans.obeyed(conn, self._run.generation)
        if self._obeyed is None or self._obeyed.revision != revision:
            objects = [o for o in plan.objects if o.destination is not None]
            self._obeyed = Obeyed(
                revision=revision,
                kinds=tuple(o.object for o in objects),
                whose=claim.Whose(
                    generation=self._run.generation,
                    worker=self._name,
                    namespace=UUID(plan.id_namespace),
                    source=plan.source,
                    destinations={o.object: str(o.destination) for o in objects},
                    unique={o.object: o.unique_fields() for o in objects},
                    lease_s=self._run.lease_s,
                ),
            )
        wanted = wishes.wanted(conn)
        self._paused = {
            (o, lane) for (o, stage, lane), w in wanted.items() if (stage, w["state"]) == ("sinks", "paused")
        }

    def _report(self, conn: Connection, generation: int) -> None:
        assert self._obeyed is not None
        states = {
            (kind, lane): "paused" if (kind, lane) in self._paused else "running"
            for kind in self._obeyed.kinds
            for lane in naming.LANES
        }
        wishes.beat(conn, self._name, "sinks", os.getpid(), socket.gethostname(), self._obeyed.revision, self._note)
        wishes.observe(conn, self._name, "sinks", states)

    def _connected(self) -> Connection:
        if self._conn is None or self._conn.closed:
            dsn = os.environ[self._run.ledger_dsn_env] if self._run.ledger_dsn_env else self._run.ledger_dsn
            self._conn = connection.open_ledger(dsn, self._run.migration, self._name)
            self._compare_all(self._conn)
        return self._conn

    def _compare_all(self, conn: Connection) -> None:
        """The full comparison at start: desired against written must find nothing outside the index of due work."""
        lost = desired.lost_work(conn, self._run.generation)
        if lost:
            _log.error("work outside the index", count=len(lost), first=f"{lost[0][0]}/{lost[0][1]}")
            desired.requeue(conn, self._run.generation, lost, "full comparison", OWN_LANE)
            journal.note(conn, self._name, "lost work found", detail={"count": len(lost)})

    def _leave(self) -> None:
        self._wakes.close()
        if self._conn is not None and not self._conn.closed:
            wishes.leave(self._conn, self._name)
            self._conn.close()


def rounds(due: Sequence[Step]) -> list[Step]:
    """One round: every live step once, parents first, and after each two of them one of the backfill.

    Nothing starves: neither a kind behind a busy one, nor the backfill behind a busy team."""
    live = [step for step in due if step.lane == "live"]
    backfill = [step for step in due if step.lane != "live"]
    if not backfill:
        return live
    turns = cycle(backfill)
    order: list[Step] = []
    for place, step in enumerate(live):
        order += [step, next(turns)] if place % 2 else [step]
    return order if len(live) > 1 else [*order, backfill[0]]


def main(argv: list[str] | None = None) -> int:
    """Runs one worker until SIGTERM or SIGINT; an error it does not know ends it loudly, its lease unacknowledged."""
    parser = argparse.ArgumentParser(prog="sinks.worker")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--name", required=True)
    args = parser.parse_args(argv)
    logs.configure(args.name)
    run = RunFile.load(args.run)
    try:
        worker = Worker(run, args.name, open_sink(run), Wakes(run, args.name))
        _on_signals(worker.stop)
        worker.loop()
    except LockgateError as error:
        _log.error("stopped", code=error.code, text=error.message())
        return int(error.kind.exit)
    except Exception:
        _log.exception("halted")
        return 70
    return 0


def _on_signals(stop: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


if __name__ == "__main__":
    sys.exit(main())
