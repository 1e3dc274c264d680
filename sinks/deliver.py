"""Decides how records are delivered; does no I/O. A generator yields calls, is sent the answers, returns outcomes.

The worker drives it: budget before each call, deadline at each call, receipts afterwards. The same code runs in the
simulation with a fake clock and seeded faults.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ledger.desired import RecordKey, State, Verb
from ledger.records import Known
from schemas.answers import Answer, Found, Verdict, Weather
from sinks.steps import (
    Back,
    Call,
    Does,
    Ends,
    Gone,
    Holds,
    Looked,
    Orphan,
    Outcome,
    Ready,
    Reply,
    Same,
    Steps,
    Unanswered,
)

T = TypeVar("T")


def deliver(verb: Verb, batch: Sequence[Ready], same: Same) -> Steps:
    """The steps of one claimed batch; every record of it has an outcome at the end."""
    if verb is Verb.CREATE:
        return (yield from _create(batch, same))
    if verb is Verb.REMOVE:
        return (yield from _remove(batch, same))
    return (yield from _known(batch, same))


def _create(batch: Sequence[Ready], same: Same) -> Steps:
    """All or nothing: a refused batch is halved until the one that is at fault stands alone (16 calls for 1 in 200)."""
    outcomes: dict[RecordKey, Outcome] = {}
    stack = [list(batch)]
    while stack:
        part = stack.pop()
        reply = yield Call(does=Does.CREATE, records=tuple(part))
        if isinstance(reply, Weather):
            return outcomes | _all_back([part, *stack], reply)
        fallen = []
        for one in part:
            answer = _answer(reply, one)
            if answer.verdict is Verdict.NOT_SENT and len(part) > 1:
                fallen.append(one)
            elif answer.verdict is Verdict.TAKEN:
                outcomes |= yield from _met(one, answer, same)
            else:
                outcomes[one.name] = _outcome(answer, one, Verb.CREATE)
        stack += _halves(fallen)
    return outcomes


def _met(one: Ready, answer: Answer, same: Same) -> Steps:
    """A create met a row: ours (an answer of an earlier call was lost) or somebody's (never touched unasked)."""
    reply = yield Call(does=Does.READ, records=(one,))
    if isinstance(reply, Weather):
        return {one.name: Back(wait_s=reply.wait_s)}
    row = _found(reply, one)
    if row is None:
        return {one.name: _outcome(answer, one, Verb.CREATE)}
    return (yield from _settle_read([(one, row)], same))


def _known(batch: Sequence[Ready], same: Same) -> Steps:
    """Records that are there, or may be: read once, then write what differs (an upsert would restore or adopt)."""
    reply = yield Call(does=Does.READ, records=tuple(batch))
    if isinstance(reply, Weather):
        return _all_back([list(batch)], reply)
    outcomes: dict[RecordKey, Outcome] = {}
    rows: list[tuple[Ready, Found]] = []
    creates: list[Ready] = []
    for one in batch:
        row = _found(reply, one)
        if one.only_look:
            outcomes[one.name] = Looked(known=_seen(one, row))
        elif row is not None:
            rows.append((one, row))
        elif not one.desired.wanted:
            outcomes[one.name] = Gone()
        elif one.record.present and not one.record.removing:
            outcomes[one.name] = _deleted_by_a_person("it is no longer there")
        else:
            creates.append(one)
    outcomes |= yield from _settle_read(rows, same)
    if creates:
        outcomes |= yield from _create(creates, same)
    return outcomes


def _seen(one: Ready, row: Found | None) -> Known:
    """A row in the bin that we did not put there was binned by a person, also when our create was not answered."""
    if row is not None and not row.deleted:
        return Known.THERE
    ours = one.record.removing or (row is None and not one.record.present)
    return Known.ABSENT if ours else Known.LEFT


def _settle_read(rows: Sequence[tuple[Ready, Found]], same: Same) -> Steps:
    """From rows read just now: equal ones are delivered without a call, deleted ones left, the others written."""
    outcomes: dict[RecordKey, Outcome] = {}
    updates: list[tuple[Ready, Found]] = []
    removals = []
    for one, row in rows:
        if not one.desired.wanted and row.deleted:
            outcomes[one.name] = yield from _done_in_bin(one, row)
        elif not one.desired.wanted:
            removals.append(one)
        elif row.deleted and one.record.removing:
            updates.append((_restored(one), row))
        elif row.deleted:
            outcomes[one.name] = _deleted_by_a_person("it is in the bin")
        elif not same(one.outgoing.object, one.outgoing.fields, row.row):
            outcomes[one.name] = Holds(verb=Verb.LOOK, remote_id=one.id, ours=_is_ours(one), called=False)
        else:
            updates.append((one, row))
    if updates:
        outcomes |= yield from _update(updates, same)
    if removals:
        outcomes |= yield from _remove(removals, same)
    return outcomes


def _restored(one: Ready) -> Ready:
    """It is in the bin by a removal of ours, and wanted again."""
    return replace(one, outgoing=replace(one.outgoing, restore=True))


def _update(rows: Sequence[tuple[Ready, Found]], same: Same) -> Steps:
    """Not all-or-nothing: after a refusal every record is read again, and what still differs goes in smaller calls."""
    outcomes: dict[RecordKey, Outcome] = {}
    stack = [list(rows)]
    while stack:
        part = stack.pop()
        reply = yield Call(does=Does.UPDATE, records=tuple(one for one, _ in part))
        if isinstance(reply, Weather):
            return outcomes | _all_back([[one for one, _ in p] for p in (part, *stack)], reply)
        again: list[tuple[Ready, Found]] = []
        for one, row in part:
            answer = _answer(reply, one)
            if answer.verdict in (Verdict.UNSETTLED, Verdict.NOT_SENT) and len(part) > 1:
                again.append((one, row))
            else:
                before = None if _is_ours(one) else row.row
                outcomes[one.name] = _outcome(answer, one, Verb.UPDATE, before)
        if again:
            settled, left = yield from _still_different(again, same)
            outcomes |= settled
            stack += _halves(left)
    return outcomes


def _still_different(
    rows: Sequence[tuple[Ready, Found]], same: Same
) -> Generator[Call, Reply, tuple[dict[RecordKey, Outcome], list[tuple[Ready, Found]]]]:
    reply = yield Call(does=Does.READ, records=tuple(one for one, _ in rows))
    if isinstance(reply, Weather):
        return {one.name: Unanswered(reason=reply.reason) for one, _ in rows}, []
    settled: dict[RecordKey, Outcome] = {}
    left: list[tuple[Ready, Found]] = []
    for one, before in rows:
        row = _found(reply, one)
        if row is not None and not row.deleted and not same(one.outgoing.object, one.outgoing.fields, row.row):
            kept = None if _is_ours(one) else before.row
            settled[one.name] = Holds(verb=Verb.UPDATE, remote_id=one.id, ours=_is_ours(one), before=kept)
        else:
            left.append((one, before))
    return settled, left


def _remove(batch: Sequence[Ready], same: Same) -> Steps:
    """Into the bin, which keeps unique values taken (`twenty.md` 1.2): a record that holds one gives it up first."""
    holding = [one for one in batch if one.frees]
    outcomes = (yield from _empty(holding, same)) if holding else {}
    left = [one for one in batch if one.name not in outcomes]
    return outcomes | ((yield from _bin(left)) if left else {})


def _empty(batch: Sequence[Ready], same: Same) -> Steps:
    """Writes records without their unique values; has an outcome only for those that cannot go on to the bin."""
    reply = yield Call(does=Does.READ, records=tuple(batch))
    if isinstance(reply, Weather):
        return _all_back([list(batch)], reply)
    outcomes: dict[RecordKey, Outcome] = {}
    writes: list[tuple[Ready, Found]] = []
    for one in batch:
        row = _found(reply, one)
        if row is None:
            outcomes[one.name] = Gone()
        elif row.deleted:
            outcomes[one.name] = yield from _done_in_bin(one, row)
        elif (bare := _bare(one, row)) is not None:
            writes.append((bare, row))
    written = (yield from _update(writes, same)) if writes else {}
    for name, outcome in written.items():
        if isinstance(outcome, Ends) and outcome.known is Known.LEFT:
            outcomes[name] = Gone()
        elif not isinstance(outcome, Holds):
            outcomes[name] = outcome
    return outcomes


def _bare(one: Ready, row: Found) -> Ready | None:
    """The record with its unique values emptied; None when the row holds none."""
    now = {root: row.row.get(root) for root in {field.partition(".")[0] for field in one.frees}}
    bare = without(now, one.frees)
    if not any(value and value != bare[root] for root, value in now.items()):
        return None
    return replace(one, outgoing=replace(one.outgoing, fields=bare))


def _done_in_bin(one: Ready, row: Found) -> Generator[Call, Reply, Outcome]:
    """A row a person binned keeps its values taken. A call of one is a PATCH, which leaves it in the bin (0.2)."""
    bare = _bare(one, row)
    if bare is None:
        return Gone()
    reply = yield Call(does=Does.UPDATE, records=(bare,))
    if isinstance(reply, Weather):
        return Back(wait_s=reply.wait_s)
    gone = _answer(reply, bare).verdict is not Verdict.UNKNOWN
    return Gone() if gone else Unanswered(reason="emptying it in the bin was not answered")


def without(fields: Mapping[str, Any], unique: Sequence[str]) -> dict[str, Any]:
    """`fields` with these unique subfields empty: `emails.primaryEmail`."""
    bare = dict(fields)
    for root, _, leaf in (field.partition(".") for field in unique):
        if isinstance(bare.get(root), Mapping):
            bare[root] = {**bare[root], leaf: ""}
    return bare


def _bin(batch: Sequence[Ready]) -> Steps:
    reply = yield Call(does=Does.REMOVE, records=tuple(batch))
    if isinstance(reply, Weather):
        return _all_back([list(batch)], reply)
    outcomes: dict[RecordKey, Outcome] = {}
    for one in batch:
        answer = _answer(reply, one)
        gone = answer.verdict in (Verdict.REMOVED, Verdict.MISSING)
        outcomes[one.name] = Gone() if gone else _outcome(answer, one, Verb.REMOVE)
    return outcomes


def _outcome(  # noqa: PLR0911 (one return a verdict)
    answer: Answer, one: Ready, verb: Verb, before: Mapping[str, Any] | None = None
) -> Outcome:
    match answer.verdict:
        case Verdict.WRITTEN:
            return Holds(verb=verb, remote_id=one.id, ours=_is_ours(one) or verb is Verb.CREATE, before=before)
        case Verdict.REJECTED:
            return Ends(state=State.DEAD, code="LG-0601", reason=answer.reason, known=_stands(verb))
        case Verdict.TAKEN:
            return Ends(state=State.ASKED, code="LG-0604", reason=answer.reason, known=_stands(verb))
        case Verdict.PARENT:
            return Orphan(reason=answer.reason)
        case Verdict.MISSING:
            return _deleted_by_a_person("it is no longer there")
        case Verdict.REMOVED:
            return Gone()
        case Verdict.UNKNOWN | Verdict.UNSETTLED | Verdict.NOT_SENT:
            return Unanswered(reason=answer.reason)


def _deleted_by_a_person(how: str) -> Ends:
    """policies.on_deleted_twin: leave (the default): stays deleted, listed with this reason."""
    return Ends(state=State.FILTERED, code="LG-0605", reason=how, known=Known.LEFT)


def _stands(verb: Verb) -> Known:
    """What a refusal tells: a create refused means that it is not there, an update that it is, as it was."""
    return Known.ABSENT if verb is Verb.CREATE else Known.THERE


def _is_ours(one: Ready) -> bool:
    """A record met under our own id was made by us, unless a receipt says otherwise."""
    return one.record.created_by_us is not False


def _answer(reply: Mapping[str, Any], one: Ready) -> Answer:
    answer = reply.get(one.id)
    return answer if isinstance(answer, Answer) else Answer(verdict=Verdict.UNKNOWN, reason="no answer names it")


def _found(reply: Mapping[str, Any], one: Ready) -> Found | None:
    row = reply.get(one.id)
    return row if isinstance(row, Found) else None


def _halves(part: list[T]) -> list[list[T]]:
    middle = (len(part) + 1) // 2
    return [half for half in (part[middle:], part[:middle]) if half]


def _all_back(parts: Sequence[Sequence[Ready]], weather: Weather) -> dict[RecordKey, Outcome]:
    return {one.name: Back(wait_s=weather.wait_s) for part in parts for one in part}
