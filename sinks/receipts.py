"""Receipts: what became of a claimed batch, one ledger transaction. A receipt whose token is lost changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ledger import desired, journal, records, uniques, waits
from ledger.connection import Connection, in_transaction
from ledger.desired import RecordKey, Settlement, State, Verb
from ledger.journal import Delivery
from ledger.records import Known, Receipted, Released, Written
from ledger.waits import Wait
from sinks.claim import on_parents
from sinks.steps import Back, Ends, Gone, Holds, Looked, Orphan, Outcome, Ready, Unanswered

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
    looked: list[tuple[Ready, Looked]] = field(default_factory=list)
    unanswered: list[Ready] = field(default_factory=list)


def settle(
    conn: Connection, generation: int, token: UUID, outcomes: Sequence[Pair], http_timeout_s: float
) -> list[Ready]:
    """Stores the outcomes of one batch; returns the records that landed for the first time."""

    def work(conn: Connection) -> list[Ready]:
        book = _sort(outcomes)
        landed = _holds(conn, generation, token, book.holds, http_timeout_s)
        _gone(conn, generation, token, book.gone, http_timeout_s)
        _ends(conn, generation, token, book.ends, http_timeout_s)
        _orphans(conn, generation, token, book.orphans, http_timeout_s)
        _not_applied(conn, generation, token, book.back, http_timeout_s)
        _looked(conn, generation, token, book.looked, http_timeout_s)
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
            case Orphan() if _may_still_land(one):
                book.orphans.append(one)
            case Orphan():
                book.ends.append((one, Ends(state=State.ASKED, code="LG-0601", reason=outcome.reason)))
            case Back():
                book.back.append((one, outcome))
            case Looked():
                book.looked.append((one, outcome))
            case Unanswered():
                book.unanswered.append(one)
    return book


def _may_still_land(one: Ready) -> bool:
    """A parent of ours is looked at once a seq; missed again, the fault lies elsewhere (a member who left)."""
    return bool(one.desired.refs) and one.record.orphaned_seq != one.desired.seq


def _holds(
    conn: Connection, generation: int, token: UUID, items: Sequence[tuple[Ready, Holds]], http_timeout_s: float
) -> list[Ready]:
    taken = records.written(conn, generation, token, [_written(one, held) for one, held in items], http_timeout_s)
    mine = [(one, held) for one, held in items if one.name in taken]
    _write_again(conn, generation, [one for one, _ in items if one.name not in taken])
    settled = desired.settle(conn, generation, [_delivered(one) for one, _ in mine])
    desired.next_step(conn, generation, [one.name for one, _ in mine if one.name not in settled])
    _requeue_ordered(conn, generation, taken)
    _carry(conn, [one for one, _ in mine])
    waits.free(conn, generation, [one.name for one, _ in mine if _wakes(one, taken)], "parent landed", desired.OWN_LANE)
    waits.replace(conn, generation, [one.name for one, _ in mine], [wait for one, _ in mine for wait in _waits(one)])
    _check_links(conn, generation, [one for one, _ in mine])
    journal.deliver(conn, generation, [_delivery(one, held.verb) for one, held in mine])
    return [one for one, _ in mine if taken[one.name].landed]


def _carry(conn: Connection, items: Sequence[Ready]) -> None:
    """What a record carries is its own, what else it held is free: but only once an unanswered call that may still come
    true has been looked at twice."""
    uniques.receipted(
        conn,
        {one.name: one.carries for one in items},
        {one.name for one in items if not one.taken_over},
    )


def _check_links(conn: Connection, generation: int, items: Sequence[Ready]) -> None:
    """A parent that went while its child was under way: the child is written again, without the link."""
    linked = {one.name: _parents(one) - set(one.left_out) for one in items}
    parents = {parent for of in linked.values() for parent in of}
    if not parents:
        return
    there = records.share(conn, parents)
    lost = [name for name, of in linked.items() if of - there]
    desired.requeue(conn, generation, lost, "parent removed", desired.OWN_LANE)


def _wakes(one: Ready, taken: Mapping[RecordKey, Receipted]) -> bool:
    """A landing wakes children; a value given up wakes whoever waits for it. Both wait on this record's name."""
    return taken[one.name].landed or bool(one.record.present)


def _requeue_ordered(conn: Connection, generation: int, taken: Mapping[RecordKey, Receipted]) -> None:
    desired.requeue(conn, generation, [name for name, r in taken.items() if r.again], "ordered again", desired.OWN_LANE)


def _gone(conn: Connection, generation: int, token: UUID, items: Sequence[Ready], http_timeout_s: float) -> None:
    receipts = [(*one.name, one.desired.seq, one.taken_over) for one in items]
    taken = records.gone(conn, generation, token, receipts, http_timeout_s)
    mine = [one for one in items if one.name in taken]
    settled = desired.settle(conn, generation, [_removed(one) for one in mine])
    desired.next_step(conn, generation, [one.name for one in mine if one.name not in settled])
    _carry(conn, mine)
    names = [one.name for one in mine]
    waits.free(conn, generation, names, "parent removed", desired.OWN_LANE)
    desired.requeue(conn, generation, desired.children(conn, generation, names), "parent removed", desired.OWN_LANE)
    journal.deliver(conn, generation, [_delivery(one, Verb.REMOVE) for one in mine])
    _write_again(conn, generation, [one for one in items if one.name not in taken])


def _ends(
    conn: Connection, generation: int, token: UUID, items: Sequence[tuple[Ready, Ends]], http_timeout_s: float
) -> None:
    taken = _release(conn, token, [(one, end.known) for one, end in items], http_timeout_s)
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
    waits.replace(conn, generation, [one.name for one, _ in mine], [])
    waits.free(conn, generation, [one.name for one, _ in mine], "parent ended", desired.OWN_LANE)


def _orphans(conn: Connection, generation: int, token: UUID, items: Sequence[Ready], http_timeout_s: float) -> None:
    """The destination misses a parent: the child parks, and the parent is looked at before anything else."""
    taken = _release(conn, token, [(one, Known.NOTHING_NEW) for one in items], http_timeout_s, orphaned=True)
    mine = [one for one in items if one.name in taken]
    parents = {parent for one in mine for parent in _parents(one)}
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
    waits.replace(conn, generation, [one.name for one in mine], [w for one in mine for w in on_parents(one.desired)])
    desired.requeue(conn, generation, records.suspect(conn, parents), "a child's answer misses it", desired.OWN_LANE)


def _not_applied(
    conn: Connection, generation: int, token: UUID, items: Sequence[tuple[Ready, Back]], http_timeout_s: float
) -> None:
    taken = _release(conn, token, [(one, Known.NOTHING_NEW) for one, _ in items], http_timeout_s)
    for wait_s in {back.wait_s for _, back in items}:
        names = [one.name for one, back in items if back.wait_s == wait_s and one.name in taken]
        desired.postpone(conn, generation, names, wait_s)


def _looked(
    conn: Connection, generation: int, token: UUID, items: Sequence[tuple[Ready, Looked]], http_timeout_s: float
) -> None:
    """Only read: at its next claim it parks or dies, as it must; those who wait for it need not."""
    taken = _release(conn, token, [(one, looked.known) for one, looked in items], http_timeout_s)
    desired.next_step(conn, generation, taken)
    there = [one.name for one, looked in items if looked.known is Known.THERE and one.name in taken]
    waits.free(conn, generation, there, "parent landed", desired.OWN_LANE)


def _release(
    conn: Connection,
    token: UUID,
    items: Sequence[tuple[Ready, Known]],
    http_timeout_s: float,
    *,
    orphaned: bool = False,
) -> set[RecordKey]:
    """Gives leases back, and the unique values taken for these calls alone: unless an earlier call, unanswered, may
    have written them or may still do so, until the second look finds nothing."""
    seen = (Known.THERE, Known.ABSENT, Known.LEFT)
    released = [
        Released(
            kind=one.name[0],
            key=one.name[1],
            known=known,
            remote_id=one.id if known in (Known.THERE, Known.LEFT) else None,
            look=one.taken_over and known in seen,
            orphaned_seq=one.desired.seq if orphaned else None,
        )
        for one, known in items
    ]
    taken = records.release(conn, token, released, http_timeout_s)
    mine = [(one, known) for one, known in items if one.name in taken and known is not Known.UNANSWERED]
    nothing = [one for one, known in mine if known is Known.ABSENT and not one.taken_over]
    uniques.refused(conn, {one.name for one, _ in mine if not one.record.unknown} | {one.name for one in nothing})
    uniques.settled(
        conn, [one.name for one, known in mine if one.record.unknown and known in (Known.THERE, Known.LEFT)]
    )
    return taken


def _unanswered(conn: Connection, generation: int, token: UUID, items: Sequence[Ready], http_timeout_s: float) -> None:
    """The values it carries stay held (H-26); one HTTP timeout later somebody reads before anyone writes."""
    taken = _release(conn, token, [(one, Known.UNANSWERED) for one in items], http_timeout_s)
    desired.next_step(conn, generation, taken)
    desired.postpone(conn, generation, taken, http_timeout_s, Verb.LOOK)


def _write_again(conn: Connection, generation: int, items: Sequence[Ready]) -> None:
    """The lease was lost while the call was under way: what stands there may be older than what another wrote."""
    names = [one.name for one in items]
    if names:
        records.again(conn, names, LEASE_LOST, "receipts")
        desired.requeue(conn, generation, names, LEASE_LOST, desired.OWN_LANE)


def _written(one: Ready, held: Holds) -> Written:
    return Written(
        kind=one.desired.kind,
        key=one.desired.key,
        seq=one.desired.seq,
        hash=one.hash,
        remote_id=held.remote_id,
        ours=held.ours,
        before=held.before,
        look=one.taken_over,
        parts=tuple((part.object, part.remote_id) for part in one.parts),
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


def _delivered(one: Ready) -> Settlement:
    """Delivered; or, written without a value that another holds, parked behind that one."""
    kind, key = one.name
    if not one.withheld:
        return Settlement(kind=kind, key=key, seq=one.desired.seq, state=State.DELIVERED)
    reason = f"waits for {kind} {one.withheld[0].on_key}"
    return Settlement(kind=kind, key=key, seq=one.desired.seq, state=State.PARKED, code="LG-0607", reason=reason)


def _waits(one: Ready) -> list[Wait]:
    return [*one.without_links(), *one.withheld]


def _parents(one: Ready) -> set[RecordKey]:
    return {(ref["kind"], ref["key"]) for ref in one.desired.refs}


def _delivery(one: Ready, verb: Verb) -> Delivery:
    d = one.desired
    return Delivery(
        kind=d.kind, key=d.key, seq=d.seq, verb=verb.value, lane=d.lane, cause=d.cause, source_at=d.source_at
    )
