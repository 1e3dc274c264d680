"""sinks.deliver decides without I/O: every batch, whatever is answered, ends with one outcome a record."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from ledger.desired import Desired, RecordKey, State, Verb
from ledger.records import Known, Record
from schemas.answers import Answer, Found, Verdict, Weather
from sinks import deliver
from sinks.base import Outgoing
from sinks.steps import Back, Call, Does, Ends, Gone, Holds, Looked, Orphan, Outcome, Ready, Unanswered

PRESENT = Record(remote_id="there", present=True, written_seq=1, written_hash="old", created_by_us=True)
UNKNOWN = Record(unknown=True)
STORM = Weather(wait_s=3.0, reason="503")
Respond = Callable[[Call], Any]


def ready(number: int, record: Record | None = None, *, wanted: bool = True, **more: Any) -> Ready:
    """A leased record; its only field says which it is."""
    desired = Desired(
        kind="contact",
        key=str(number),
        object="contact",
        seq=2,
        wanted=wanted,
        payload=None,
        hash="h",
        revision="r",
        state=State.QUEUED,
        verb=Verb.CREATE,
        lane="live",
        cause=more.pop("cause", "update"),
    )
    fields = {"name": f"n{number}"} if wanted else {}
    outgoing = Outgoing(object="person", remote_id=f"id{number}", fields=fields)
    return Ready(desired=desired, record=record or Record(), outgoing=outgoing, hash="new", **more)


def same(_object: str, sent: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    """Plain comparison."""
    return [name for name, value in sent.items() if row.get(name) != value]


def play(verb: Verb, batch: Sequence[Ready], respond: Respond) -> tuple[dict[RecordKey, Outcome], list[Call]]:
    """Runs the steps against a destination; outcomes and the calls made."""
    calls: list[Call] = []
    steps = deliver.deliver(verb, batch, same)
    try:
        call = next(steps)
        while True:
            calls.append(call)
            assert call.records
            call = steps.send(respond(call))
    except StopIteration as end:
        outcomes: dict[RecordKey, Outcome] = end.value
        return outcomes, calls


def each(call: Call, verdict: Verdict, reason: str = "its words") -> dict[str, Answer]:
    """One verdict for all."""
    return {one.id: Answer(verdict=verdict, remote_id=one.id, reason=reason) for one in call.records}


def script(*replies: Any) -> Respond:
    """Replies in order: a verdict for all, rows by id, or weather."""
    left = list(replies)

    def respond(call: Call) -> Any:
        reply = left.pop(0)
        return each(call, reply) if isinstance(reply, Verdict) else reply

    return respond


def found(*ones: Ready, deleted: bool = False, **fields: Any) -> dict[str, Found]:
    """Rows as read: holding what is sent, but for `fields`."""
    return {one.id: Found(remote_id=one.id, deleted=deleted, row={**one.outgoing.fields, **fields}) for one in ones}


def does(calls: Sequence[Call]) -> list[tuple[str, int]]:
    """Calls in short."""
    return [(call.does.value, len(call.records)) for call in calls]


def test_a_batch_of_new_records_is_one_create() -> None:
    """200 in one call (H-40); each is ours."""
    batch = [ready(n) for n in range(200)]
    outcomes, calls = play(Verb.CREATE, batch, script(Verdict.WRITTEN))
    assert does(calls) == [("create", 200)]
    assert outcomes == {one.name: Holds(verb=Verb.CREATE, remote_id=one.id, ours=True) for one in batch}


@pytest.mark.parametrize("poison", [0, 76, 77, 127, 199])
def test_poison_among_200_is_found_and_the_others_are_written(poison: int) -> None:
    """H-40: create is all or nothing; halving finds the one, dead with its answer, within 16 further calls."""
    batch = [ready(n) for n in range(200)]

    def respond(call: Call) -> Any:
        if all(one is not batch[poison] for one in call.records):
            return each(call, Verdict.WRITTEN)
        return each(call, Verdict.NOT_SENT if len(call.records) > 1 else Verdict.REJECTED)

    outcomes, calls = play(Verb.CREATE, batch, respond)
    dead = [name for name, outcome in outcomes.items() if isinstance(outcome, Ends)]
    assert dead == [batch[poison].name]
    assert outcomes[batch[poison].name] == Ends(
        state=State.DEAD, code="LG-0601", reason="its words", known=Known.ABSENT
    )
    assert len(outcomes) == 200
    assert len(calls) <= 17


def test_a_create_that_meets_a_persons_row_is_asked_and_touches_nothing() -> None:
    """H-38: a first write is never an upsert; `match: ask`."""
    outcomes, calls = play(Verb.CREATE, [ready(1)], script(Verdict.TAKEN, {}))
    assert does(calls) == [("create", 1), ("read", 1)]
    assert outcomes == {
        ("contact", "1"): Ends(state=State.ASKED, code="LG-0604", reason="its words", known=Known.ABSENT)
    }


def test_a_create_that_meets_its_own_row_is_delivered_without_a_second_create() -> None:
    """H-04: the answer of an earlier call was lost; the row under our id is ours."""
    one = ready(1)
    outcomes, calls = play(Verb.CREATE, [one], script(Verdict.TAKEN, found(one)))
    assert does(calls) == [("create", 1), ("read", 1)]
    assert outcomes == {one.name: Holds(verb=Verb.LOOK, remote_id="id1", ours=True, called=False)}


def test_a_create_that_meets_its_own_older_row_updates_it() -> None:
    """H-04, and the image moved on meanwhile."""
    one = ready(1)
    outcomes, calls = play(Verb.CREATE, [one], script(Verdict.TAKEN, found(one, name="old"), Verdict.WRITTEN))
    assert does(calls) == [("create", 1), ("read", 1), ("update", 1)]
    assert outcomes == {one.name: Holds(verb=Verb.UPDATE, remote_id="id1", ours=True)}


def test_known_records_are_read_once_and_equal_ones_cost_no_write() -> None:
    """A batch of updates is read before it is written; what is equal is delivered."""
    equal, other = ready(1, PRESENT), ready(2, PRESENT)
    reply = {**found(equal), **found(other, name="old")}
    outcomes, calls = play(Verb.UPDATE, [equal, other], script(reply, Verdict.WRITTEN))
    assert does(calls) == [("read", 2), ("update", 1)]
    assert outcomes[equal.name] == Holds(verb=Verb.LOOK, remote_id="id1", ours=True, called=False)
    assert outcomes[other.name] == Holds(verb=Verb.UPDATE, remote_id="id2", ours=True)


def test_the_before_image_of_a_row_that_is_not_ours_is_kept() -> None:
    """What was there before us is stored before it is changed (H-38, H-51)."""
    one = ready(1, Record(present=True, created_by_us=False))
    outcomes, _ = play(Verb.UPDATE, [one], script(found(one, name="theirs"), Verdict.WRITTEN))
    assert outcomes[one.name] == Holds(verb=Verb.UPDATE, remote_id="id1", ours=False, before={"name": "theirs"})


def test_what_a_person_deleted_is_left_and_its_batch_is_delivered() -> None:
    """H-39: the read before the batch sees deletedAt; `leave`: listed with the reason."""
    binned, destroyed, other = ready(1, PRESENT), ready(2, PRESENT), ready(3, PRESENT)
    reply = {**found(binned, deleted=True), **found(other, name="old")}
    outcomes, calls = play(Verb.UPDATE, [binned, destroyed, other], script(reply, Verdict.WRITTEN))
    assert does(calls) == [("read", 3), ("update", 1)]
    assert outcomes[binned.name] == Ends(
        state=State.FILTERED, code="LG-0605", reason="it is in the bin", known=Known.LEFT
    )
    assert outcomes[destroyed.name] == Ends(
        state=State.FILTERED, code="LG-0605", reason="it is no longer there", known=Known.LEFT
    )
    assert isinstance(outcomes[other.name], Holds)


def test_what_we_removed_ourselves_comes_back_when_wanted_again() -> None:
    """H-09: the bin is ours, so it is restored; even when its fields are equal."""
    one = ready(1, Record(present=False, removing=True, written_seq=1))
    outcomes, calls = play(Verb.CREATE, [one], script(Verdict.TAKEN, found(one, deleted=True), Verdict.WRITTEN))
    assert does(calls) == [("create", 1), ("read", 1), ("update", 1)]
    assert calls[2].records[0].outgoing.restore
    assert outcomes == {one.name: Holds(verb=Verb.UPDATE, remote_id="id1", ours=True)}


def test_what_our_removal_destroyed_is_created_again() -> None:
    """H-22: missing because of us = create again."""
    one = ready(1, Record(present=True, unknown=True, removing=True))
    outcomes, calls = play(Verb.LOOK, [one], script({}, Verdict.WRITTEN))
    assert does(calls) == [("read", 1), ("create", 1)]
    assert outcomes == {one.name: Holds(verb=Verb.CREATE, remote_id="id1", ours=True)}


def test_an_unanswered_create_that_was_not_applied_is_sent_again_after_a_read() -> None:
    """H-02: unknown: read before anyone writes."""
    outcomes, calls = play(Verb.LOOK, [ready(1, UNKNOWN)], script({}, Verdict.WRITTEN))
    assert does(calls) == [("read", 1), ("create", 1)]
    assert outcomes == {("contact", "1"): Holds(verb=Verb.CREATE, remote_id="id1", ours=True)}


@pytest.mark.parametrize(
    ("record", "reply", "known"),
    [
        (UNKNOWN, "live", Known.THERE),
        (UNKNOWN, "nothing", Known.ABSENT),
        (UNKNOWN, "bin", Known.LEFT),
        (Record(present=True, unknown=True), "bin", Known.LEFT),
        (Record(present=True, unknown=True, removing=True), "bin", Known.ABSENT),
    ],
)
def test_a_record_that_may_not_be_written_is_only_looked_at(record: Record, reply: str, known: Known) -> None:
    """It must park, but the unanswered call is settled first: nothing stays unknown."""
    one = ready(1, record, only_look=True)
    rows = {"live": found(one), "bin": found(one, deleted=True), "nothing": {}}[reply]
    outcomes, calls = play(Verb.LOOK, [one], script(rows))
    assert does(calls) == [("read", 1)]
    assert outcomes == {one.name: Looked(known=known)}


def test_a_refused_batch_of_updates_is_read_and_halved_to_single_verdicts() -> None:
    """H-40: after the 400 all are unsettled; those applied are found, the others go in smaller calls."""
    batch = [ready(n, PRESENT) for n in range(8)]
    there = {one.id: {"name": "old"} for one in batch}

    def respond(call: Call) -> Any:
        if call.does is Does.READ:
            return {one.id: Found(remote_id=one.id, deleted=False, row=dict(there[one.id])) for one in call.records}
        for one in call.records:
            if one is batch[5]:
                return each(call, Verdict.UNSETTLED if len(call.records) > 1 else Verdict.REJECTED)
            there[one.id] = dict(one.outgoing.fields)
        return each(call, Verdict.WRITTEN)

    outcomes, calls = play(Verb.UPDATE, batch, respond)
    assert [n for n, one in enumerate(batch) if not isinstance(outcomes[one.name], Holds)] == [5]
    assert outcomes[batch[5].name] == Ends(state=State.DEAD, code="LG-0601", reason="its words", known=Known.THERE)
    assert len(outcomes) == 8
    assert len(calls) <= 2 + 4 * math.ceil(math.log2(8))


def test_a_single_update_nobody_settles_is_unanswered() -> None:
    """One alone is never halved further: it is looked at later."""
    one = ready(1, PRESENT)
    outcomes, _ = play(Verb.UPDATE, [one], script(found(one, name="old"), Verdict.UNSETTLED))
    assert outcomes == {one.name: Unanswered(reason="its words")}


def test_a_missing_parent_parks() -> None:
    """H-21 (b): never dead at first sight."""
    outcomes, _ = play(Verb.CREATE, [ready(1)], script(Verdict.PARENT))
    assert outcomes == {("contact", "1"): Orphan(reason="its words")}


@pytest.mark.parametrize("verdict", [Verdict.REMOVED, Verdict.MISSING])
def test_a_removal_is_one_call_and_twice_is_once(verdict: Verdict) -> None:
    """What is not there is removed."""
    outcomes, calls = play(Verb.REMOVE, [ready(1, PRESENT, wanted=False)], script(verdict))
    assert does(calls) == [("remove", 1)]
    assert outcomes == {("contact", "1"): Gone()}


def test_a_removal_empties_unique_values_first() -> None:
    """The bin keeps unique values taken (`twenty.md` 1.2): the next who may carry it would meet a row of ours."""
    one = ready(1, PRESENT, wanted=False, frees=("emails.primaryEmail",))
    row = {one.id: Found(remote_id=one.id, deleted=False, row={"emails": {"primaryEmail": "x", "more": ["y"]}})}
    outcomes, calls = play(Verb.REMOVE, [one], script(row, Verdict.WRITTEN, Verdict.REMOVED))
    assert does(calls) == [("read", 1), ("update", 1), ("remove", 1)]
    assert calls[1].records[0].outgoing.fields == {"emails": {"primaryEmail": "", "more": ["y"]}}
    assert outcomes == {one.name: Gone()}


@pytest.mark.parametrize("emails", [None, {"primaryEmail": "", "more": []}])
def test_a_removal_with_nothing_to_empty_does_not_write(emails: Any) -> None:
    """Read and removed."""
    one = ready(1, PRESENT, wanted=False, frees=("emails.primaryEmail",))
    row = {one.id: Found(remote_id=one.id, deleted=False, row={"emails": emails})}
    _, calls = play(Verb.REMOVE, [one], script(row, Verdict.REMOVED))
    assert does(calls) == [("read", 1), ("remove", 1)]


def test_what_is_in_the_bin_already_is_gone() -> None:
    """A look after an unanswered removal finds it done."""
    one = ready(1, Record(present=True, unknown=True, removing=True), wanted=False, frees=("emails.primaryEmail",))
    outcomes, calls = play(Verb.LOOK, [one], script(found(one, deleted=True)))
    assert does(calls) == [("read", 1)]
    assert outcomes == {one.name: Gone()}


def test_an_answer_that_names_nobody_is_unknown() -> None:
    """Answers are matched by id, never by order (H-04)."""
    outcomes, _ = play(Verb.CREATE, [ready(1)], script({"another": Answer(verdict=Verdict.WRITTEN)}))
    assert outcomes == {("contact", "1"): Unanswered(reason="no answer names it")}


OLD = found(ready(1), ready(2), name="old")
SCENES: dict[str, tuple[Verb, list[Ready], list[Any]]] = {
    "create": (Verb.CREATE, [ready(1), ready(2)], [Verdict.NOT_SENT, Verdict.TAKEN, {}, Verdict.WRITTEN]),
    "update": (
        Verb.UPDATE,
        [ready(1, PRESENT), ready(2, PRESENT)],
        [OLD, Verdict.UNSETTLED, OLD, Verdict.WRITTEN, Verdict.WRITTEN],
    ),
    "look": (Verb.LOOK, [ready(1, UNKNOWN), ready(2, UNKNOWN)], [found(ready(1)), Verdict.WRITTEN]),
    "remove": (
        Verb.REMOVE,
        [ready(1, PRESENT, wanted=False, frees=("name.x",))],
        [{"id1": Found(remote_id="id1", deleted=False, row={"name": {"x": "v"}})}, Verdict.WRITTEN, Verdict.REMOVED],
    ),
}


@pytest.mark.parametrize(
    ("scene", "at"), [(name, at) for name, (_, _, replies) in SCENES.items() for at in range(len(replies))]
)
def test_weather_at_every_call_loses_nothing(scene: str, at: int) -> None:
    """Law 4: bad weather waits; whoever was not settled comes back, or is unknown, and nobody is forgotten."""
    verb, batch, replies = SCENES[scene]
    outcomes, calls = play(verb, batch, script(*replies[:at], *[STORM] * len(batch)))
    assert at < len(calls) <= at + len(batch)
    assert set(outcomes) == {one.name for one in batch}
    back = [outcome for outcome in outcomes.values() if isinstance(outcome, Back)]
    assert all(outcome == Back(wait_s=3.0) for outcome in back)
    assert back or any(isinstance(outcome, Unanswered) for outcome in outcomes.values())


@pytest.mark.parametrize("seed", range(150))
def test_whatever_is_answered_each_record_has_one_outcome_and_calls_are_bounded(seed: int) -> None:
    """Random records and random answers: never a record lost, never more calls than halving needs."""
    dice = random.Random(seed)
    records = (
        Record(),
        PRESENT,
        UNKNOWN,
        Record(removing=True, written_seq=1),
        Record(present=True, unknown=True, removing=True),
    )
    batch = [
        ready(
            n,
            dice.choice(records),
            wanted=dice.random() < 0.7,
            only_look=dice.random() < 0.1,
            frees=dice.choice(((), ("name.x",))),
        )
        for n in range(dice.randrange(1, 40))
    ]

    def respond(call: Call) -> Any:
        if dice.random() < 0.02:
            return STORM
        if call.does is Does.READ:
            return {
                one.id: Found(
                    remote_id=one.id,
                    deleted=dice.random() < 0.3,
                    row={"name": dice.choice(("old", {"x": "v"}, one.outgoing.fields.get("name")))},
                )
                for one in call.records
                if dice.random() < 0.8
            }
        verdicts = {one.id: Answer(verdict=dice.choice(list(Verdict)), reason="r") for one in call.records}
        return {id_: answer for id_, answer in verdicts.items() if dice.random() < 0.95}

    outcomes, calls = play(dice.choice(list(Verb)), batch, respond)
    assert set(outcomes) == {one.name for one in batch}
    assert len(calls) <= 12 * len(batch) + 4
