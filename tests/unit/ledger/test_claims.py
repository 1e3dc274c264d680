"""sinks.claim on a real ledger: who may write a record, and who must wait (law 2)."""

from __future__ import annotations

import line_kit
import pytest
from ledger_desk import Desk
from ledger_kit import Ledger

from ledger import desired, records, waits
from ledger.desired import State, Step, Verb
from ledger.waits import RING
from schemas import murmur2, naming
from sinks import claim
from sinks.steps import Back, Ends, Orphan

FILTERED = Ends(state=State.FILTERED, code="LG-0605", reason="bin", known=records.Known.LEFT)
ASKED = Ends(state=State.ASKED, code="LG-0604", reason="taken")
DEAD = Ends(state=State.DEAD, code="LG-0601", reason="no")


def contacts(desk: Desk, *keys: int) -> None:
    """Some, projected."""
    for key in keys:
        desk.contact(key)
    desk.project()


def test_a_lease_excludes_every_other_claim(desk: Desk) -> None:
    """H-01: whatever lane, worker or generation; the receipt gives it back."""
    contacts(desk, 1)
    claimed = desk.claim("contact", Verb.CREATE)
    assert desk.record("contact", 1).leased
    desk.contact(1, last_name="Newer")
    desk.project()
    assert desk.claim("contact", Verb.CREATE, worker="b").batch == []
    assert desk.next_step() is None
    desk.written(claimed)
    assert desk.claim("contact", Verb.UPDATE, worker="b").keys() == ["1"]


def test_smallest_source_key_first_by_number(desk: Desk) -> None:
    """9 before 10; `most` is the batch."""
    contacts(desk, 100, 9, 10, 2)
    assert desk.claim("contact", Verb.CREATE, most=3).keys() == ["2", "9", "10"]


def test_two_claims_at_once_share_the_work(desk: Desk) -> None:
    """`skip locked`: the second worker takes what the first has not, without waiting."""
    contacts(desk, *range(1, 7))
    other = desk.ledger.connect()
    with desk.conn.transaction():
        mine = desk.claim("contact", Verb.CREATE, most=3)
        theirs = desk.claim("contact", Verb.CREATE, worker="b", conn=other)
    assert (mine.keys(), theirs.keys()) == (["1", "2", "3"], ["4", "5", "6"])


def test_a_worker_claims_its_shards_only(desk: Desk) -> None:
    """Both lanes of a shard move together."""
    keys = range(1, 30)
    contacts(desk, *keys)
    shard = {key: murmur2.partition(naming.hint_key("contact", str(key)), naming.PARTITIONS) for key in keys}
    claimed = desk.claim("contact", Verb.CREATE, shards=[1])
    assert claimed.keys() == [str(key) for key in keys if shard[key] == 1]
    assert claimed.batch


def test_what_is_postponed_is_not_due(desk: Desk) -> None:
    """Neither claimed nor announced as due."""
    contacts(desk, 1)
    desk.settle(desk.claim("contact", Verb.CREATE), Back(wait_s=30))
    assert desk.next_step() is None
    desk.waits_end()
    assert desk.next_step() == Step(lane="live", kind="contact", verb=Verb.CREATE)


def test_live_before_backfill_and_parents_before_children(desk: Desk) -> None:
    """Live never waits behind backfill; in each lane the plan's order decides."""
    desk.put("company", line_kit.company(7), op="r", snapshot=True)
    desk.put("contact", line_kit.contact(1), op="r", snapshot=True)
    desk.contact(2)
    desk.company(8)
    desk.project()
    due = desired.due(desk.conn, 1, list(naming.LANES), ["company", "contact"], [0, 1, 2, 3])
    assert [(step.lane, step.kind) for step in due] == [
        ("live", "company"),
        ("live", "contact"),
        ("backfill", "company"),
        ("backfill", "contact"),
    ]


def test_an_equal_payload_costs_no_call(desk: Desk) -> None:
    """Requeued though nothing differs: delivered at once."""
    contacts(desk, 1)
    desk.deliver()
    desired.requeue(desk.conn, 1, [("contact", "1")], "by hand", desired.OWN_LANE)
    assert desk.claim("contact", Verb.UPDATE).batch == []
    assert desk.state("contact", 1) == ("delivered", None)


def test_an_order_to_write_again_is_obeyed_though_nothing_differs(desk: Desk) -> None:
    """H-13: `again` with its cause, cleared by its receipt only."""
    contacts(desk, 1)
    desk.deliver()
    records.again(desk.conn, [("contact", "1")], "reconcile", "ann")
    desired.requeue(desk.conn, 1, [("contact", "1")], "reconcile", "live")
    claimed = desk.claim("contact", Verb.UPDATE)
    assert claimed.keys() == ["1"]
    desk.settle(claimed, Back(wait_s=0))
    assert desk.record("contact", 1).again == "reconcile"
    desk.written(desk.claim("contact", Verb.UPDATE))
    assert desk.record("contact", 1).again is None


def test_a_record_leased_since_it_was_chosen_is_left_alone(desk: Desk) -> None:
    """H-01: the no-call rule never protects an older image that is on its way: B's statement began before A's lease."""
    contacts(desk, 1)
    desk.deliver()
    desk.contact(1, last_name="Changed")
    desk.project()
    desk.claim("contact", Verb.UPDATE)
    desk.contact(1)
    desk.project()
    found = desk.desired("contact", 1)
    around = claim.Around(records=records.read(desk.conn, [("contact", "1")]), parents={}, holders={})
    what = claim.sort([found], around, desk.whose("b"))
    assert (what.same, what.go, what.parked, what.orphans) == ([], [], [], [])


def test_a_child_waits_for_its_parent_and_carries_its_id(desk: Desk) -> None:
    """A parent that may still land parks its child; landing it releases."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.state("contact", 1) == ("parked", "LG-0606")
    assert desk.written(desk.claim("company", Verb.CREATE)) == ["7"]
    assert desk.state("contact", 1) == ("queued", None)
    ready = desk.claim("contact", Verb.CREATE).one(1)
    assert ready.outgoing.fields["companyId"] == line_kit.remote_id("company", 7)
    assert ready.left_out == ()


def test_a_parent_nobody_has_seen_yet_parks(desk: Desk) -> None:
    """Its topic may be behind."""
    desk.contact(1, company_id=7)
    desk.project()
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.desired("contact", 1).reason == "waits for company 7"


@pytest.mark.parametrize("end", [DEAD, FILTERED, "removed"])
def test_an_optional_link_to_a_parent_that_ended_is_left_out_and_registered(desk: Desk, end: Ends | str) -> None:
    """H-19 (a, b): the child is delivered without it; when the parent lands, it is written again with it."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    if isinstance(end, Ends):
        desk.settle(desk.claim("company", Verb.CREATE), end)
    else:
        desk.drop("company", 7)
        desk.project()
    ready = desk.claim("contact", Verb.CREATE)
    assert ready.one(1).outgoing.fields["companyId"] is None
    desk.written(ready)
    assert desk.state("contact", 1) == ("delivered", None)
    desk.company(7, name="Good")
    desk.project()
    desk.written(desk.claim("company", desk.desired("company", 7).verb))
    ready = desk.claim("contact", Verb.UPDATE)
    assert ready.one(1).outgoing.fields["companyId"] == line_kit.remote_id("company", 7)


def test_a_registered_link_survives_a_claim_without_a_call(desk: Desk) -> None:
    """H-19: the parent ends a second time, the child is woken for nothing, and still gets its link at the third."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.settle(desk.claim("company", Verb.CREATE), DEAD)
    desk.written(desk.claim("contact", Verb.CREATE))
    desk.company(7, name="Still bad")
    desk.project()
    desk.settle(desk.claim("company", Verb.CREATE), DEAD)
    assert desk.deliver() == 0
    desk.company(7, name="Good")
    desk.through()
    assert desk.record("company", 7).present
    found = desk.conn.execute("select count(*) as n from deliveries where kind = 'contact'").fetchone()
    assert found == {"n": 2}


def test_a_required_parent_that_ended_makes_its_child_dead_and_redrives_it(ledger: Ledger) -> None:
    """H-19 (a): dead with the parent, and re-driven with it."""
    desk = Desk(ledger=ledger, plan=line_kit.plan("required"))
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.settle(desk.claim("company", Verb.CREATE), DEAD)
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.state("contact", 1) == ("dead", "LG-0601")
    desk.company(7, name="Good")
    desk.through()
    assert desk.state("contact", 1) == ("delivered", None)


def test_an_asked_parent_keeps_the_children_that_require_it_parked(ledger: Ledger) -> None:
    """H-19 (c): until somebody decides."""
    desk = Desk(ledger=ledger, plan=line_kit.plan("required"))
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.settle(desk.claim("company", Verb.CREATE), ASKED)
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.state("contact", 1) == ("parked", "LG-0606")
    assert waits.overdue(desk.conn, 1, [0, 1, 2, 3]) == set()


def test_an_optional_link_to_an_asked_parent_is_left_out_and_added_when_it_lands(desk: Desk) -> None:
    """A company that a person must decide about does not hold up its contacts (H-19, optional links)."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.settle(desk.claim("company", Verb.CREATE), ASKED)
    desk.written(desk.claim("contact", Verb.CREATE))
    assert desk.state("contact", 1) == ("delivered", None)
    desk.company(7, name="Another")
    desk.through()
    found = desk.conn.execute("select count(*) as n from deliveries where kind = 'contact'").fetchone()
    assert found == {"n": 2}


def test_rivals_of_one_batch_go_one_after_the_other(desk: Desk) -> None:
    """Two records that both still want a value: the second waits behind the first, the batch is not refused."""
    desk.contact(9, email_jsonb=[{"email": "x@y.example"}])
    desk.project()
    desk.contact(10, email_jsonb=[{"email": "z@y.example"}])
    desk.project()
    desk.conn.execute("update desired set claims = (select claims from desired where key = '9') where key = '10'")
    assert [one.name for one in desk.claim("contact", Verb.CREATE).batch] == [("contact", "9")]
    assert desk.state("contact", 10) == ("parked", "LG-0607")


def test_a_value_behind_a_holder_that_stays_is_a_persons_turn(desk: Desk) -> None:
    """The holder was binned by a person, or is asked or dead: waiting would never end; it is asked, and woken."""
    desk.contact(50, email_jsonb=[{"email": "x@y.example"}])
    desk.through()
    desk.conn.execute("update desired set state = 'filtered', code = 'LG-0605' where key = '50'")
    desk.contact(10, email_jsonb=[{"email": "x@y.example"}])
    desk.project()
    desk.conn.execute("update desired set state = 'filtered', code = 'LG-0605' where key = '50'")
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.state("contact", 10) == ("asked", "LG-0604")
    desk.conn.execute("update uniques set holder_key = null")
    assert waits.overdue(desk.conn, 1, [0, 1, 2, 3]) == {("contact", "10")}


def test_a_parent_missed_twice_at_one_seq_is_a_persons_turn(desk: Desk) -> None:
    """The fault is none of our parents' (a member who left the workspace): not parked for ever (F9)."""
    desk.company(7)
    desk.through()
    desk.contact(1, company_id=7)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), Orphan(reason="violates foreign key"))
    assert desk.state("contact", 1) == ("parked", "LG-0606")
    desk.written(desk.claim("company", Verb.LOOK), verb=Verb.LOOK)
    desk.settle(desk.claim("contact", Verb.CREATE), Orphan(reason="violates foreign key"))
    assert desk.state("contact", 1) == ("asked", "LG-0601")


def test_an_unanswered_record_that_must_park_is_looked_at_first(desk: Desk) -> None:
    """Nothing stays unknown behind a parent that may never land."""
    contacts(desk, 1)
    desk.claim("contact", Verb.CREATE)
    desk.contact(1, company_id=7)
    desk.project()
    desk.leases_end()
    records.expire(desk.conn)
    desired.requeue(desk.conn, 1, [("contact", "1")], "lease ended", desired.OWN_LANE)
    ready = desk.claim("contact", Verb.LOOK).one(1)
    assert ready.only_look


def test_a_ring_is_opened_by_writing_without_the_value(desk: Desk) -> None:
    """H-25: ordered by the sweep, the smallest leaves without what it waits for, and holds nothing more by it."""
    desk.contact(1, email="a@example.com")
    desk.contact(2, email="b@example.com")
    desk.through()
    desk.contact(1, email="b@example.com")
    desk.contact(2, email="a@example.com")
    desk.project()
    assert desk.claim("contact", Verb.UPDATE).batch == []
    assert waits.rings(desk.conn, 1) == {("contact", "1")}
    desired.requeue(desk.conn, 1, [("contact", "1")], RING, desired.OWN_LANE)
    claimed = desk.claim("contact", Verb.UPDATE)
    assert claimed.keys() == ["1"]
    assert claimed.one(1).outgoing.fields["emails"]["primaryEmail"] == ""
    desk.written(claimed)
    assert desk.states("contact", [1, 2]) == ["parked", "queued"]
    assert desk.holders() == {"b@example.com": "2"}
    desk.deliver()
    assert desk.states("contact", [1, 2]) == ["delivered", "delivered"]
    assert desk.holders() == {"b@example.com": "1", "a@example.com": "2"}
