"""Drives `deliver` against a real destination: a slot of the budget and the lease's deadline before every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra import failpoints
from infra.clock import boottime
from ledger import journal, records
from ledger.connection import Connection
from ledger.desired import RecordKey, Step
from schemas.answers import Weather
from sinks import parts
from sinks.base import Sink
from sinks.budget import Slots
from sinks.steps import Call, Does, Outcome, Ready, Reply

#: Between the end of the HTTP timeout and the end of the lease, as a part of the lease.
MARGIN = 1 / 6


class TooLate(Exception):  # noqa: N818 (it is no error: nothing was sent)
    """The lease is too old for a call to end within it."""


@dataclass(kw_only=True)
class Driver:
    """One worker's hand on one destination."""

    conn: Connection
    sink: Sink
    slots: Slots
    generation: int
    http_timeout_s: float
    lease_s: float = records.LEASE_S

    def run(self, step: Step, batch: Sequence[Ready], claimed_at: float) -> dict[RecordKey, Outcome]:
        """Delivers a claimed batch; `claimed_at` is boottime read before the claim."""
        last_start = claimed_at + self.lease_s * (1 - MARGIN) - self.http_timeout_s
        steps = parts.steps(step.verb, batch, self.sink.same)
        call = next(steps)
        while True:
            reply = self._make(call, step, last_start)
            try:
                call = steps.send(reply)
            except StopIteration as end:
                outcomes: dict[RecordKey, Outcome] = end.value
                return outcomes

    def _make(self, call: Call, step: Step, last_start: float) -> Reply:
        if not self.slots.take(self.conn, last_start):
            return Weather(wait_s=0.0, reason="no call was left within the lease")
        failpoints.hit("sink.before-call")
        reply = self._send(call, last_start)
        failpoints.hit(f"sink.after-{call.does.value}")
        failpoints.hit("sink.after-call")
        journal.count_call(self.conn, self.generation, step.kind, call.does.value, step.lane, _carried(call, reply))
        if isinstance(reply, Weather) and reply.limited:
            self.slots.learn(self.conn, reply)
        return reply

    def _send(self, call: Call, last_start: float) -> Reply:
        def in_time() -> None:
            if boottime() > last_start:
                raise TooLate

        object_ = call.records[0].outgoing.object
        outgoing = [one.outgoing for one in call.records]
        ids = [one.id for one in call.records]
        try:
            match call.does:
                case Does.CREATE:
                    return self.sink.create(outgoing, in_time)
                case Does.UPDATE:
                    return self.sink.update(outgoing, in_time)
                case Does.READ:
                    return self.sink.read(object_, ids)
                case Does.REMOVE:
                    return self.sink.remove(object_, ids, in_time)
        except TooLate:
            return Weather(wait_s=0.0, reason="the lease was too old")


def _carried(call: Call, reply: Reply) -> int:
    return 0 if isinstance(reply, Weather) else len(call.records)
