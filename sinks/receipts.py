"""Receipts: what became of a claimed batch, one ledger transaction. A receipt whose token is lost changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ledger import desired, journal, records, uniques, waits
from ledger.connection import Connection, in_transaction
from ledger.desired import RecordKey, Settlement, State, Verb
from ledger.journal import Delivery
from ledger.records import Receipted, Written
from ledger.waits import Wait, Why
from sinks.deliver import Back, Ends, Gone, Holds, Orphan, Outcome, Ready, Unanswered

#: Cause of a record that is looked at once more after a take-over; it is not looked at a third time.
SECOND_LOOK = "second look"
LEASE_LOST = "lost token"

Pair = tuple[Ready, Outcome]


@dataclass(kw_only=True)
class Book:
    """A batch by outcome."""

    holds: list[tuple[Ready, Holds]] = field(default_factory=list)
    gone: list[Ready] = field(default_factory=list)
    ends: list[tuple[Ready, Ends]] = field(default_factory=list)
    orphans: list[Ready] = field(default_factory=list)
    back: list[tuple[Ready, Back]] = field(default_factory=list)
    unanswered: list[Ready] = field(default_factory=list)


def settle(
    conn: Connection, generation: int, token: UUID, outcomes: Sequence[Pair], http_timeout_s: float
) -> list[Ready]:
    """Stores the outcomes of one batch; returns the records that landed for the first time."""

    def work(conn: Connection) -> list[Ready]:
        book = _sort(outcomes)
        landed = _holds(conn, generation, token, book.holds, http_timeout_s)
        _gone(conn, generation, token, book.gone)
        _ends(conn, generation, token, book.ends)
        _orphans(conn, generation, token, book.orphans)
        _not_applied(conn, generation, token, book.back)
        _unanswered(conn, generation, token, book.unanswered, http_timeout_s)
        return landed

    return in_transaction(conn, work)


def _sort(outcomes: Iterable[Pair]) -> Book:
    book = Book()
    for one, outcome in outcomes:
        match outcome:
            case Holds():
                book.holds.append((one, outcome))
            case Gone():
                book.gone.append(one)
            case Ends():
                book.ends.append((one, outcome))
            case Orphan():
                book.orphans.append(one)
            case Back():
                book.back.append((one, outcome))
            case Unanswered():
                book.unanswered.append(one)
    return book


def _holds(
    conn: Connection, generation: int, token: UUID, items: Sequence[tuple[Ready, Holds]], http_timeout_s: float
) -> list[Ready]:
    taken = records.written(conn, generation, token, [_written(one, held) for one, held in items], http_timeout_s)
    mine = [(one, held) for one, held in items if one.name in taken]
    _write_again(conn, generation, [one for one, _ in items if one.name not in taken])
    delivered = [
        Settlement(kind=one.desired.kind, key=one.desired.key, seq=one.desired.seq, state=State.DELIVERED)
        for one, _ in mine
    ]
    settled = desired.settle(conn, generation, delivered)
    desired.next_step(conn, generation, [one.name for one, _ in mine if one.name not in settled])
    _requeue_ordered(conn, generation, taken)
    uniques.receipted(conn, {one.name: _carried(one) for one, _ in mine})
    waits.free(conn, generation, [one.name for one, _ in mine if _wakes(one, taken)], "parent landed", desired.OWN_LANE)
    waits.replace(conn, generation, [one.name for one, _ in mine], [wait for one, _ in mine for wait in _left_out(one)])
    journal.deliver(conn, generation, [_delivery(one, held.verb) for one, held in mine])
    return [one for one, _ in mine if taken[one.name].landed]


def _wakes(one: Ready, taken: Mapping[RecordKey, Receipted]) -> bool:
    """A landing wakes children; a value given up wakes whoever waits for it. Both wait on this record's name."""
    return taken[one.name].landed or bool(one.record.present)


def _requeue_ordered(conn: Connection, generation: int, taken: Mapping[RecordKey, Receipted]) -> None:
    desired.requeue(conn, generation, [name for name, r in taken.items() if r.again], "ordered again", desired.OWN_LANE)


def _gone(conn: Connection, generation: int, token: UUID, items: Sequence[Ready]) -> None:
    taken = records.gone(conn, generation, token, [(*one.name, one.desired.seq) for one in items])
    mine = [one for one in items if one.name in taken]
    settled = desired.settle(conn, generation, [_removed(one) for one in mine])
    desired.next_step(conn, generation, [one.name for one in mine if one.name not in settled])
    uniques.receipted(conn, {one.name: () for one in mine})
    waits.free(conn, generation, [one.name for one in mine], "parent removed", desired.OWN_LANE)
    journal.deliver(conn, generation, [_delivery(one, Verb.REMOVE) for one in mine])
    _write_again(conn, generation, [one for one in items if one.name not in taken])


def _ends(conn: Connection, generation: int, token: UUID, items: Sequence[tuple[Ready, Ends]]) -> None:
    taken = records.release(conn, token, [(*one.name, False) for one, _ in items])
    mine = [(one, end) for one, end in items if one.name in taken]
    states = [
        Settlement(
            kind=one.desired.kind,
            key=one.desired.key,
            seq=one.desired.seq,
            state=end.state,
            code=end.code,
            reason=end.reason[:2000],
        )
        for one, end in mine
    ]
    desired.settle(conn, generation, states)
    uniques.refused(conn, [one.name for one, _ in mine])
    ended = [one.name for one, end in mine if end.state is not State.ASKED]
    waits.free(conn, generation, ended, "parent ended", desired.OWN_LANE)


def _orphans(conn: Connection, generation: int, token: UUID, items: Sequence[Ready]) -> None:
    """The destination misses a parent: the child parks, and the parent is looked at before anything else."""
    taken = records.release(conn, token, [(*one.name, False) for one in items])
    mine = [one for one in items if one.name in taken]
    parents = {(ref["kind"], ref["key"]) for one in mine for ref in one.desired.refs}
    states = [
        Settlement(
            kind=one.desired.kind,
            key=one.desired.key,
            seq=one.desired.seq,
            state=State.PARKED,
            code="LG-0606",
            reason="the destination does not hold its parent",
        )
        for one in mine
    ]
    desired.settle(conn, generation, states)
    uniques.refused(conn, [one.name for one in mine])
    waits.replace(conn, generation, [one.name for one in mine], [w for one in mine for w in _on_parents(one)])
    desired.requeue(conn, generation, records.suspect(conn, parents), "a child's answer misses it", desired.OWN_LANE)


def _not_applied(conn: Connection, generation: int, token: UUID, items: Sequence[tuple[Ready, Back]]) -> None:
    taken = records.release(conn, token, [(*one.name, False) for one, _ in items])
    uniques.refused(conn, taken)
    for wait_s in {back.wait_s for _, back in items}:
        names = [one.name for one, back in items if back.wait_s == wait_s and one.name in taken]
        desired.postpone(conn, generation, names, wait_s)


def _unanswered(conn: Connection, generation: int, token: UUID, items: Sequence[Ready], http_timeout_s: float) -> None:
    """The values it carries stay held (H-26); one HTTP timeout later somebody reads before anyone writes."""
    taken = records.release(conn, token, [(*one.name, True) for one in items])
    desired.next_step(conn, generation, taken)
    desired.postpone(conn, generation, taken, http_timeout_s, Verb.LOOK)


def _write_again(conn: Connection, generation: int, items: Sequence[Ready]) -> None:
    """The lease was lost while the call was under way: what stands there may be older than what another wrote."""
    names = [one.name for one in items]
    if names:
        records.again(conn, names, LEASE_LOST, "receipts")
        desired.requeue(conn, generation, names, LEASE_LOST, desired.OWN_LANE)


def _written(one: Ready, held: Holds) -> Written:
    taken_over = one.record.unknown and one.desired.cause != SECOND_LOOK
    return Written(
        kind=one.desired.kind,
        key=one.desired.key,
        seq=one.desired.seq,
        hash=one.hash,
        remote_id=held.remote_id,
        ours=held.ours,
        before=held.before,
        look=taken_over,
    )


def _removed(one: Ready) -> Settlement:
    """A record the plan filters is filtered again once its copy is gone; a deleted row's record is removed."""
    filtered = one.desired.code is not None
    return Settlement(
        kind=one.desired.kind,
        key=one.desired.key,
        seq=one.desired.seq,
        state=State.FILTERED if filtered else State.REMOVED,
        code=one.desired.code,
        reason=one.desired.reason,
    )


def _carried(one: Ready) -> list[tuple[str, str]]:
    return [(claim["field"], claim["value"]) for claim in one.desired.claims]


def _left_out(one: Ready) -> list[Wait]:
    return [
        Wait(kind=one.desired.kind, key=one.desired.key, on_kind=kind, on_key=key, why=Why.LEFT_OUT)
        for kind, key in one.left_out
    ]


def _on_parents(one: Ready) -> list[Wait]:
    kind, key = one.name
    return [Wait(kind=kind, key=key, on_kind=r["kind"], on_key=r["key"], why=Why.PARENT) for r in one.desired.refs]


def _delivery(one: Ready, verb: Verb) -> Delivery:
    d = one.desired
    return Delivery(
        kind=d.kind, key=d.key, seq=d.seq, verb=verb.value, lane=d.lane, cause=d.cause, source_at=d.source_at
    )
