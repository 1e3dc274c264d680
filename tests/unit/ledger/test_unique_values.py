"""ledger.uniques: who wins a value, who holds it, who waits (DESIGN 2, Uniqueness)."""

from __future__ import annotations

import itertools
import threading

import pytest
from ledger_desk import Desk

from infra.clock import Deadline
from ledger import desired, uniques, waits
from ledger.desired import State, Verb
from ledger.records import Known
from sinks.steps import SECOND_LOOK, Back, Ends, Gone, Looked, Unanswered

X = "x@example.com"
REFUSED = Ends(state=State.DEAD, code="LG-0601", reason="no", known=Known.ABSENT)


def primary(desk: Desk, key: int) -> str:
    """The address a contact should carry as its primary one."""
    return str(desk.fields("contact", key)["emails"]["primaryEmail"])


@pytest.mark.parametrize("order", list(itertools.permutations((9, 10, 100))))
def test_the_smallest_key_wins_by_number_in_every_order(desk: Desk, order: tuple[int, ...]) -> None:
    """H-24: 9 before 10, whatever comes first; the others carry it elsewhere, flagged."""
    for key in order:
        desk.contact(key, email=X)
        desk.project()
    assert [primary(desk, key) for key in (9, 10, 100)] == [X, "", ""]
    assert desk.fields("contact", 10)["keptValues"] == X
    assert "emails:duplicate" in desk.desired("contact", 10).flags
    assert list(desk.desired("contact", 10).claims) == []


def test_a_winner_that_leaves_hands_the_value_on(desk: Desk) -> None:
    """The next smallest is marked and projected again."""
    for key in (9, 10, 100):
        desk.contact(key, email=X)
    desk.project()
    desk.contact(9, email="other@example.com")
    desk.project()
    assert [primary(desk, key) for key in (9, 10, 100)] == ["other@example.com", X, ""]
    desk.drop("contact", 10)
    desk.project()
    assert primary(desk, 100) == X


def test_only_those_whose_chance_changed_are_marked(desk: Desk) -> None:
    """The old and the new winner; the other losers stay as they are."""
    for key in (9, 10, 100):
        desk.contact(key, email=X)
    desk.project()
    desk.contact(2, email=X)
    desk.projector.step()
    assert desk.dirty() == {("contact", "9")}


def test_rivals_projected_at_the_same_time_do_not_miss_each_other(desk: Desk) -> None:
    """Two connections, each sees only its own claim until it has the value's lock: write skew of uniques."""
    one, two = desk.conn, desk.ledger.connect()
    value = ("contact", "emails.primaryEmail", X)
    with one.transaction():
        uniques.reclaim(one, {("contact", "10"): [value[1:]]})
        assert uniques.winners(one, [value]) == {value: "10"}
        found: dict[str, object] = {}

        def rival() -> None:
            with two.transaction():
                found["before"] = uniques.reclaim(two, {("contact", "9"): [value[1:]]})
                found["now"] = uniques.winners(two, [value])

        thread = threading.Thread(target=rival)
        thread.start()
        _until_waiting(desk, 1)
    thread.join(10)
    assert found == {"before": {value: "10"}, "now": {value: "9"}}


def test_the_holder_is_known_from_the_moment_the_call_leaves(desk: Desk) -> None:
    """H-26: another who may carry it waits, also while the call is not answered."""
    desk.contact(10, email=X)
    desk.project()
    claimed = desk.claim("contact", Verb.CREATE)
    assert desk.holders() == {X: "10"}
    desk.contact(9, email=X)
    desk.project()
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.state("contact", 9) == ("parked", "LG-0607")
    desk.settle(claimed, Unanswered(reason="cut"))
    assert desk.holders() == {X: "10"}
    assert waits.overdue(desk.conn, 1, [0, 1, 2, 3]) == set()


def test_the_smaller_key_comes_later(desk: Desk) -> None:
    """H-24: 50 is written first without the value; its receipt frees it and releases 10."""
    desk.contact(50, email=X)
    desk.through()
    desk.contact(10, email=X)
    desk.project()
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.state("contact", 10) == ("parked", "LG-0607")
    desk.written(desk.claim("contact", Verb.UPDATE))
    assert desk.state("contact", 10) == ("queued", None)
    desk.deliver()
    assert desk.holders() == {X: "10"}


@pytest.mark.parametrize("outcome", [REFUSED, Back(wait_s=1)])
def test_a_call_that_was_not_applied_frees_what_it_took(desk: Desk, outcome: Ends | Back) -> None:
    """And whoever waited is found by the sweep."""
    desk.contact(10, email=X)
    desk.project()
    claimed = desk.claim("contact", Verb.CREATE)
    desk.contact(9, email=X)
    desk.project()
    desk.claim("contact", Verb.CREATE)
    desk.settle(claimed, outcome)
    assert desk.holders() == {}
    freed = waits.overdue(desk.conn, 1, [0, 1, 2, 3]) | {("contact", "9")}
    assert freed == {("contact", "9")}


def test_a_refused_update_keeps_what_is_settled(desk: Desk) -> None:
    """The old value is still there; the new one is free again."""
    desk.contact(10, email=X)
    desk.through()
    desk.contact(10, email="y@example.com")
    desk.project()
    claimed = desk.claim("contact", Verb.UPDATE)
    assert desk.holders() == {X: "10", "y@example.com": "10"}
    desk.settle(claimed, Ends(state=State.DEAD, code="LG-0601", reason="no", known=Known.THERE))
    assert desk.holders() == {X: "10"}


def test_weather_during_the_look_frees_nothing(desk: Desk) -> None:
    """H-26: the unanswered call may have been applied; a 503 to the read says nothing about it."""
    desk.contact(10, email=X)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), Unanswered(reason="cut"))
    desk.waits_end()
    desk.settle(desk.claim("contact", Verb.LOOK), Back(wait_s=1))
    assert desk.holders() == {X: "10"}


def test_a_taken_over_write_frees_nothing_until_the_second_look(desk: Desk) -> None:
    """H-03: the unanswered call may still come true with the old value."""
    desk.contact(10, email=X)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), Unanswered(reason="cut"))
    desk.contact(10, email="y@example.com")
    desk.project()
    desk.waits_end()
    desk.written(desk.claim("contact", Verb.LOOK))
    assert desk.holders() == {X: "10", "y@example.com": "10"}


def test_a_look_that_finds_nothing_frees_at_the_second_time(desk: Desk) -> None:
    """H-03: after the first look the unanswered create may still come true, after the second nobody waits for it."""
    desk.contact(10, email=X)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), Unanswered(reason="cut"))
    desk.contact(10, email=X, company_id=7)
    desk.project()
    for cause, held in (("lease ended", {X: "10"}), (SECOND_LOOK, {})):
        desk.conn.execute("update records set unknown = true")
        desired.requeue(desk.conn, 1, [("contact", "10")], cause, desired.OWN_LANE)
        desk.waits_end()
        look = desk.claim("contact", Verb.LOOK)
        assert look.one(10).only_look
        desk.settle(look, Looked(known=Known.ABSENT))
        assert desk.holders() == held


def test_a_removal_frees(desk: Desk) -> None:
    """Its receipt, not its order: the bin keeps values taken, so they are emptied first."""
    desk.contact(10, email=X)
    desk.through()
    desk.drop("contact", 10)
    desk.contact(11, email=X)
    desk.project()
    claimed = desk.claim("contact", Verb.REMOVE)
    assert claimed.one(10).frees == ("emails.primaryEmail",)
    assert desk.claim("contact", Verb.CREATE).batch == []
    desk.settle(claimed, Gone())
    assert desk.holders() == {}
    assert desk.state("contact", 11) == ("queued", None)


def test_parked_behind_a_holder_that_keeps_another_value(desk: Desk) -> None:
    """The sweep compares the value that is waited for, not whether the holder holds anything."""
    desk.contact(10, email=X)
    desk.project()
    claimed = desk.claim("contact", Verb.CREATE)
    desk.contact(9, email=X)
    desk.project()
    desk.claim("contact", Verb.CREATE)
    desk.written(claimed)
    desk.conn.execute("update uniques set holder_key = null where value = %s", (X,))
    uniques.lock(desk.conn, [("contact", "emails.primaryEmail", "z@example.com")])
    desk.conn.execute("update uniques set holder_key = '10' where value = 'z@example.com'")
    desk.conn.execute("update desired set state = 'parked' where key = '9'")
    waits.replace(
        desk.conn,
        1,
        [("contact", "9")],
        [waits.Wait(kind="contact", key="9", on_kind="contact", on_key="10", why=waits.Why.VALUE)],
    )
    assert waits.overdue(desk.conn, 1, [0, 1, 2, 3]) == {("contact", "9")}


@pytest.mark.parametrize(
    ("behind", "smallest"),
    [
        ({"2": "10", "10": "2"}, {"2"}),
        ({"9": "100", "100": "10", "10": "9"}, {"9"}),
        ({"1": "2", "2": "3"}, set()),
        ({"1": "2", "2": "3", "3": "2"}, {"2"}),
        ({"1": "2", "2": "1", "5": "4", "4": "5", "6": "5"}, {"1", "4"}),
        ({}, set()),
    ],
)
def test_the_smallest_of_each_ring(behind: dict[str, str], smallest: set[str]) -> None:
    """H-25: by number; who only waits behind a ring is none of it."""
    edges = {("contact", key): ("contact", on) for key, on in behind.items()}
    assert waits.smallest_of_rings(edges) == {("contact", key) for key in smallest}


def _until_waiting(desk: Desk, many: int) -> None:
    """Until that many sessions wait for a lock."""
    watch = desk.ledger.connect()
    deadline = Deadline(10)
    waiting = "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'"
    while watch.execute(waiting).fetchone() != {"n": many}:
        assert not deadline.passed()
