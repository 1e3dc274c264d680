"""The contract every destination keeps (sinks/base.py): one list of tests, each adapter, over a real socket."""

from __future__ import annotations

import dataclasses
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import twenty_kit
from destinations import DESTINATIONS, Destination

from schemas.answers import Answer, Found, Verdict, Weather
from schemas.catalog import WantedField
from schemas.errors import LockgateError
from sinks.base import Outgoing


@pytest.fixture(scope="session")
def twenty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[twenty_kit.TwentySandbox]:
    """One stand-in for the whole list: each test writes records of its own."""
    running = twenty_kit.start(tmp_path_factory.mktemp("twenty"))
    yield running
    running.stop()


@pytest.fixture(params=["twenty"])
def there(request: pytest.FixtureRequest) -> Iterator[Destination]:
    """The destination under test, in good weather."""
    made = DESTINATIONS[request.param](request.getfixturevalue(f"{request.param}_server"))
    made.calm()
    yield made
    made.close()


def go() -> None:
    """A hook that lets the call go."""


def verdicts(answers: Mapping[str, Answer] | Weather) -> list[Verdict]:
    """Verdicts in the order of the answer; the weather's reason when there is none."""
    assert not isinstance(answers, Weather), answers.reason
    return [answer.verdict for answer in answers.values()]


def rows(found: Mapping[str, Found] | Weather) -> Mapping[str, Found]:
    """Rows, or the weather's reason."""
    assert not isinstance(found, Weather), found.reason
    return found


def create(there: Destination, *records: Outgoing) -> None:
    """Records that are simply there afterwards."""
    assert set(verdicts(there.sink.create(records, go))) == {Verdict.WRITTEN}


def held(there: Destination, record: Outgoing) -> list[str]:
    """Fields of the record that the destination does not hold."""
    found = rows(there.sink.read(there.object, [record.remote_id]))[record.remote_id]
    return there.sink.same(record.object, record.fields, found.row)


def value() -> str:
    """A unique value nobody has."""
    return f"v{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize("count", [1, 2, 200])
def test_what_is_created_is_read_back_field_by_field(there: Destination, count: int) -> None:
    """Written under our ids, each in the answer by its id (S0-18, law 7)."""
    records = there.records(count)
    answers = there.sink.create(records, go)
    assert not isinstance(answers, Weather)
    assert {key: one.remote_id for key, one in answers.items()} == {one.remote_id: one.remote_id for one in records}
    assert set(verdicts(answers)) == {Verdict.WRITTEN}
    found = rows(there.sink.read(there.object, [one.remote_id for one in records]))
    assert len(found) == count
    for one in records:
        row = found[one.remote_id]
        assert (row.deleted, row.edited_by_person) == (False, False)
        assert there.sink.same(one.object, one.fields, row.row) == []


def test_more_records_than_a_call_takes_are_a_bug(there: Destination) -> None:
    """The caller knows `batch_size`; nothing is sent."""
    records = there.records(there.most + 1)
    with pytest.raises(ValueError, match=str(there.most)):
        there.sink.create(records, go)
    assert rows(there.sink.read(there.object, [one.remote_id for one in records])) == {}


def test_an_empty_call_is_no_call(there: Destination) -> None:
    """Nothing to do is done, whatever the weather."""
    there.fault("status", status=503)
    assert there.sink.create([], go) == {}
    assert there.sink.update([], go) == {}


def test_the_same_create_again_makes_no_twin(there: Destination) -> None:
    """A create met its own row: TAKEN alone, NOT_SENT in company; the row stays as it was (S0-19, H-04)."""
    first, second = there.records(2)
    create(there, first)
    assert verdicts(there.sink.create([there.changed(first)], go)) == [Verdict.TAKEN]
    assert verdicts(there.sink.create([second, first], go)) == [Verdict.NOT_SENT, Verdict.NOT_SENT]
    assert held(there, first) == []
    assert rows(there.sink.read(there.object, [second.remote_id])) == {}


def test_a_unique_value_somebody_holds_is_taken_and_theirs_untouched(there: Destination) -> None:
    """A first write is never an upsert (H-38)."""
    shared = value()
    theirs, ours = there.holding(shared), there.holding(shared)
    create(there, theirs)
    assert verdicts(there.sink.create([ours], go)) == [Verdict.TAKEN]
    assert held(there, theirs) == []


def test_a_unique_value_twice_in_a_batch_applies_nothing(there: Destination) -> None:
    """All or nothing, within the batch too."""
    shared = value()
    records = [there.holding(shared), there.holding(shared)]
    assert verdicts(there.sink.create(records, go)) == [Verdict.NOT_SENT, Verdict.NOT_SENT]
    assert rows(there.sink.read(there.object, [one.remote_id for one in records])) == {}


def test_poison_in_a_batch_of_creates_applies_nothing_and_alone_is_rejected(there: Destination) -> None:
    """The caller bisects; alone, the reason is the destination's own words (S0-33, H-40)."""
    good, poison = *there.records(1), there.poisoned()
    assert verdicts(there.sink.create([good, poison], go)) == [Verdict.NOT_SENT, Verdict.NOT_SENT]
    assert rows(there.sink.read(there.object, [good.remote_id])) == {}
    alone = there.sink.create([poison], go)
    assert verdicts(alone) == [Verdict.REJECTED]
    assert not isinstance(alone, Weather)
    assert alone[poison.remote_id].reason


def test_a_missing_parent_is_told_from_a_refusal(there: Destination) -> None:
    """PARENT parks the child; REJECTED would kill it (law 4)."""
    assert verdicts(there.sink.create([there.orphan()], go)) == [Verdict.PARENT]


@pytest.mark.parametrize("count", [1, 2, 200])
def test_known_records_are_updated(there: Destination, count: int) -> None:
    """The same again is the same (idempotent)."""
    records = there.records(count)
    create(there, *records)
    changed = [there.changed(one) for one in records]
    for _ in range(2):
        assert set(verdicts(there.sink.update(changed, go))) == {Verdict.WRITTEN}
    found = rows(there.sink.read(there.object, [one.remote_id for one in records]))
    assert [there.sink.same(one.object, one.fields, found[one.remote_id].row) for one in changed] == [[]] * count


def test_an_update_of_what_is_not_there_creates_nothing(there: Destination) -> None:
    """MISSING; a person destroyed it, and it stays destroyed."""
    (absent,) = there.records(1)
    assert verdicts(there.sink.update([absent], go)) == [Verdict.MISSING]
    assert rows(there.sink.read(there.object, [absent.remote_id])) == {}


def test_an_update_to_another_rows_unique_value_adopts_nothing(there: Destination) -> None:
    """Alone it is TAKEN; both rows are as they were (H-38)."""
    theirs, ours = there.holding(value()), there.holding(value())
    create(there, theirs, ours)
    stolen = Outgoing(object=ours.object, remote_id=ours.remote_id, fields={**ours.fields, **theirs.fields})
    assert verdicts(there.sink.update([stolen], go)) == [Verdict.TAKEN]
    assert (held(there, theirs), held(there, ours)) == ([], [])


def test_a_batch_of_updates_with_one_refused_is_settled_by_reading(there: Destination) -> None:
    """No record is called written or dead: part of it may be applied (H-40)."""
    first, second, other = there.holding(value()), there.holding(value()), there.holding(value())
    create(there, first, second, other)
    stolen = Outgoing(object=second.object, remote_id=second.remote_id, fields=other.fields)
    answers = there.sink.update([there.changed(first), stolen], go)
    assert verdicts(answers) == [Verdict.UNSETTLED, Verdict.UNSETTLED]
    assert (held(there, other), held(there, second)) == ([], [])


def test_a_deleted_row_is_read_as_deleted_and_an_update_leaves_it_so(there: Destination) -> None:
    """What a person deleted stays deleted (H-39, S0-21)."""
    (record,) = there.records(1)
    create(there, record)
    there.person_deletes(record)
    assert rows(there.sink.read(there.object, [record.remote_id]))[record.remote_id].deleted
    assert verdicts(there.sink.update([there.changed(record)], go)) == [Verdict.WRITTEN]
    assert rows(there.sink.read(there.object, [record.remote_id]))[record.remote_id].deleted
    assert verdicts(there.sink.create([record], go)) == [Verdict.TAKEN]


def test_a_persons_edit_is_seen_until_we_write_again(there: Destination) -> None:
    """The marker that a row was edited in the destination."""
    (record,) = there.records(1)
    create(there, record)
    there.person_edits(record)
    assert rows(there.sink.read(there.object, [record.remote_id]))[record.remote_id].edited_by_person
    assert held(there, record) == ["name"]
    assert verdicts(there.sink.update([record], go)) == [Verdict.WRITTEN]
    assert not rows(there.sink.read(there.object, [record.remote_id]))[record.remote_id].edited_by_person


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("act", ["create", "update"])
def test_an_answer_dropped_after_the_commit_is_unknown(there: Destination, act: str, count: int) -> None:
    """The destination has it, we cannot know: a read tells (law 2, H-04)."""
    records = there.records(count)
    if act == "update":
        create(there, *records)
        records = [there.changed(one) for one in records]
    there.fault("drop_after_commit", method="PATCH" if (act, count) == ("update", 1) else "POST")
    assert verdicts(getattr(there.sink, act)(records, go)) == [Verdict.UNKNOWN] * count
    assert [held(there, one) for one in records] == [[]] * count


def test_an_answer_dropped_after_a_removal_is_unknown(there: Destination) -> None:
    """As for a write."""
    (record,) = there.records(1)
    create(there, record)
    there.fault("drop_after_commit", method="DELETE")
    assert verdicts(there.sink.remove(there.object, [record.remote_id], go)) == [Verdict.UNKNOWN]
    assert rows(there.sink.read(there.object, [record.remote_id]))[record.remote_id].deleted


@pytest.mark.parametrize("kind", ["drop_before", "status"])
def test_a_write_that_met_a_fault_is_unknown_and_a_read_is_weather(there: Destination, kind: str) -> None:
    """From outside, a fault before the commit looks like one after it (law 4)."""
    (record,) = there.records(1)
    assert rows(there.sink.read(there.object, [record.remote_id])) == {}
    there.fault(kind, method="POST")
    assert verdicts(there.sink.create([record], go)) == [Verdict.UNKNOWN]
    there.fault(kind, method="GET")
    assert isinstance(there.sink.read(there.object, [record.remote_id]), Weather)
    assert rows(there.sink.read(there.object, [record.remote_id])) == {}


def test_a_rate_limit_is_weather_that_names_itself(there: Destination) -> None:
    """Nothing is applied; the budget learns the numbers (S0-56, H-30)."""
    records = there.records(2)
    assert rows(there.sink.read(there.object, [records[0].remote_id])) == {}
    there.limit(1, 600_000)
    create(there, records[0])
    for storm in (
        there.sink.create([records[1]], go),
        there.sink.update([records[0]], go),
        there.sink.read(there.object, [records[0].remote_id]),
        there.sink.remove(there.object, [records[0].remote_id], go),
    ):
        assert isinstance(storm, Weather)
        assert (storm.limited, storm.limit_calls, storm.window_ms) == (True, 1, 600_000)
    there.limit(0, 60_000)
    assert rows(there.sink.read(there.object, [records[1].remote_id])) == {}


class LeaseOverError(Exception):
    """What a caller's hook raises when its lease is over."""


@pytest.mark.parametrize("act", ["create", "update", "remove"])
def test_a_hook_that_raises_stops_the_call_unsent(there: Destination, act: str) -> None:
    """The deadline is checked right before the bytes leave (law 2)."""

    def too_late() -> None:
        raise LeaseOverError

    first, second = there.records(2)
    create(there, first)
    with pytest.raises(LeaseOverError):
        if act == "remove":
            there.sink.remove(there.object, [first.remote_id], too_late)
        else:
            getattr(there.sink, act)([second if act == "create" else there.changed(first)], too_late)
    found = rows(there.sink.read(there.object, [first.remote_id, second.remote_id]))
    assert list(found) == [first.remote_id]
    assert not found[first.remote_id].deleted
    assert held(there, first) == []


def test_a_read_of_more_than_a_page_finds_live_deleted_and_no_others(there: Destination) -> None:
    """250 ids of which 200 are there, 1 of them deleted: absent ones are absent."""
    records = there.records(200)
    create(there, *records)
    there.person_deletes(records[7])
    absent = [one.remote_id for one in there.records(50)]
    found = rows(there.sink.read(there.object, absent + [one.remote_id for one in records]))
    assert set(found) == {one.remote_id for one in records}
    assert [key for key, one in found.items() if one.deleted] == [records[7].remote_id]


def test_a_removal_is_soft_and_again_finds_nothing(there: Destination) -> None:
    """REMOVED, then MISSING; other rows stay (S0-20)."""
    gone, stays, absent = there.records(3)
    create(there, gone, stays)
    ids = [gone.remote_id, absent.remote_id]
    assert verdicts(there.sink.remove(there.object, ids, go)) == [Verdict.REMOVED, Verdict.MISSING]
    assert verdicts(there.sink.remove(there.object, ids, go)) == [Verdict.MISSING, Verdict.MISSING]
    found = rows(there.sink.read(there.object, [gone.remote_id, stays.remote_id]))
    assert {key: one.deleted for key, one in found.items()} == {gone.remote_id: True, stays.remote_id: False}


@pytest.mark.parametrize("count", [1, 2])
def test_what_was_removed_comes_back_when_told_so(there: Destination, count: int) -> None:
    """H-09: a row that is wanted again leaves the bin, its fields written (an update without the order leaves it)."""
    records = there.records(count)
    create(there, *records)
    ids = [one.remote_id for one in records]
    assert set(verdicts(there.sink.remove(there.object, ids, go))) == {Verdict.REMOVED}
    back = [dataclasses.replace(there.changed(one), restore=True) for one in records]
    assert set(verdicts(there.sink.update(back, go))) == {Verdict.WRITTEN}
    found = rows(there.sink.read(there.object, ids))
    assert [found[one].deleted for one in ids] == [False] * count
    assert [held(there, one) for one in back] == [[]] * count


def test_same_names_the_fields_that_differ(there: Destination) -> None:
    """Against a real row: none as sent, the one that changed after."""
    record = there.holding(value())
    create(there, record)
    row = rows(there.sink.read(there.object, [record.remote_id]))[record.remote_id].row
    assert there.sink.same(record.object, record.fields, row) == []
    assert there.sink.same(record.object, there.changed(record).fields, row) == ["name"]


def test_fields_are_made_once_and_can_be_written_at_once(there: Destination) -> None:
    """Provision reads first, reads back, and returns only what it made (issue 3, item 8)."""
    name = f"legacy{uuid.uuid4().hex[:8]}"
    wanted = [WantedField(object=there.object, name=name, type="TEXT", label="Legacy id")]
    assert list(there.sink.provision(wanted)) == wanted
    assert list(there.sink.provision(wanted)) == []
    assert there.sink.catalog()[there.object].fields[name].type == "TEXT"
    (record,) = there.records(1)
    record = Outgoing(object=record.object, remote_id=record.remote_id, fields={**record.fields, name: "42"})
    create(there, record)
    assert held(there, record) == []


def test_a_field_of_another_type_is_refused(there: Destination) -> None:
    """LG-0406; nothing is made."""
    wanted = [WantedField(object=there.object, name="name", type="NUMBER", label="Name")]
    with pytest.raises(LockgateError) as raised:
        there.sink.provision(wanted)
    assert raised.value.code == "LG-0406"


def test_a_wrong_key_is_one_error_everywhere_and_nothing_is_written(there: Destination) -> None:
    """LG-0502 without the key (issue 3, must hold; law 8)."""
    wrong = there.opened(key="some-other-key-that-is-wrong")
    (record,) = there.records(1)
    acts: list[Any] = [
        wrong.catalog,
        wrong.members,
        lambda: wrong.create([record], go),
        lambda: wrong.read(there.object, [record.remote_id]),
    ]
    for act in acts:
        with pytest.raises(LockgateError) as raised:
            act()
        assert raised.value.code == "LG-0502"
        assert "some-other-key" not in str(raised.value)
    assert rows(there.sink.read(there.object, [record.remote_id])) == {}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://host.invalid"])
def test_a_wrong_address_is_one_error_to_the_operator_and_weather_to_a_worker(there: Destination, url: str) -> None:
    """LG-0501 at preflight; a running worker waits (issue 3, must hold; law 4)."""
    nowhere = there.opened(url=url)
    with pytest.raises(LockgateError) as raised:
        nowhere.catalog()
    assert raised.value.code == "LG-0501"
    assert isinstance(nowhere.create(there.records(1), go), Weather)
    assert isinstance(nowhere.read(there.object, [there.records(1)[0].remote_id]), Weather)


def test_automations_that_would_react_to_our_writes_are_listed(there: Destination) -> None:
    """Only of the objects asked for, by name (issue 3, item 8; twenty.md 0.6)."""
    mark = value()
    there.automation(f"{mark} a", f"{there.object}.created")
    there.automation(f"{mark} b", "note.created")
    ours = [(one.name, one.event) for one in there.sink.reactors([there.object]) if one.name.startswith(mark)]
    assert ours == [(f"{mark} a", f"{there.object}.created")]


def test_members_are_listed_by_mail(there: Destination) -> None:
    """Owners are found by e-mail in lower case."""
    mark = value()
    joined = there.member(f"{mark}@example.com")
    assert Counter(one.email for one in there.sink.members())[f"{mark}@example.com"] == 1
    assert {one.id for one in there.sink.members() if one.email == f"{mark}@example.com"} == {joined}
