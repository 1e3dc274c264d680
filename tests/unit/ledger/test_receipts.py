"""sinks.receipts on a real ledger: what a batch's outcomes change, and what a receipt without its token may not."""

from __future__ import annotations

from dataclasses import replace

import line_kit
import pytest
from ledger_desk import Claimed, Desk

from ledger import desired, journal, records
from ledger.desired import State, Verb
from ledger.records import Known
from sinks.steps import Back, Ends, Gone, Holds, Looked, Orphan, Unanswered

DEAD = Ends(state=State.DEAD, code="LG-0601", reason="refused", known=Known.ABSENT)
ASKED = Ends(state=State.ASKED, code="LG-0604", reason="taken", known=Known.ABSENT)
BINNED = Ends(state=State.FILTERED, code="LG-0605", reason="it is in the bin", known=Known.LEFT)


def claimed_contact(desk: Desk, **columns: object) -> Claimed:
    """Contact 1, projected and leased for its create."""
    desk.contact(1, **columns)
    desk.project()
    return desk.claim("contact", Verb.CREATE)


def taken_over(desk: Desk, verb: Verb = Verb.LOOK) -> Claimed:
    """The lease ends without an answer; another worker takes the record."""
    desk.leases_end()
    ended = records.expire(desk.conn)
    desired.requeue(desk.conn, 1, ended, "lease ended", desired.OWN_LANE)
    desk.waits_end()
    return desk.claim("contact", verb, worker="b")


def test_a_receipt_delivers_and_remembers(desk: Desk) -> None:
    """What was written, by whom it was made, and the trail."""
    claimed = claimed_contact(desk)
    assert desk.written(claimed) == ["1"]
    record = desk.record("contact", 1)
    assert (record.present, record.unknown, record.leased) == (True, False, False)
    assert (record.written_generation, record.written_seq, record.created_by_us) == (1, 1, True)
    assert (record.written_hash, record.remote_id) == (claimed.one(1).hash, line_kit.remote_id("contact", 1))
    assert desk.state("contact", 1) == ("delivered", None)
    trail = journal.trail(desk.conn, "contact", "1")
    assert [(t["seq"], t["verb"], t["lane"], t["cause"]) for t in trail] == [(1, "create", "live", "create")]


def test_a_receipt_whose_token_is_lost_is_refused_and_the_record_written_again(desk: Desk) -> None:
    """H-02 (b): A's late receipt changes nothing but `again`; B's receipt does not clear it, the next one does."""
    late = claimed_contact(desk)
    taken = taken_over(desk)
    assert desk.written(late) == []
    record = desk.record("contact", 1)
    assert (record.present, record.again) == (False, "lost token")
    desk.written(taken)
    assert desk.record("contact", 1).again == "lost token"
    assert desk.state("contact", 1) == ("queued", None)
    desk.deliver()
    assert desk.record("contact", 1).again is None
    assert desk.state("contact", 1) == ("delivered", None)


@pytest.mark.parametrize(
    "outcome", [DEAD, Back(wait_s=9), Unanswered(reason="?"), Orphan(reason="no"), Looked(known=Known.THERE)]
)
def test_any_other_outcome_without_its_token_changes_nothing(desk: Desk, outcome: object) -> None:
    """The lease, the state and the knowledge are the other's."""
    late = claimed_contact(desk, company_id=None)
    taken_over(desk)
    before = desk.conn.execute("select * from records").fetchall()
    desk.settle(late, outcome)  # type: ignore[arg-type]
    assert desk.conn.execute("select * from records").fetchall() == before
    assert desk.state("contact", 1) == ("queued", None)


def test_a_removal_without_its_token_is_written_again_if_wanted(desk: Desk) -> None:
    """What the late removal took away comes back."""
    desk.contact(1)
    desk.through()
    desk.drop("contact", 1)
    desk.project()
    late = desk.claim("contact", Verb.REMOVE)
    desk.contact(1, last_name="Back")
    desk.project()
    desk.written(taken_over(desk))
    desk.settle(late, Gone())
    assert desk.state("contact", 1) == ("queued", None)
    assert desk.record("contact", 1).again == "lost token"


def test_landing_frees_children_and_only_the_first_receipt_lands(desk: Desk) -> None:
    """The worker tells `landed` once."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.claim("contact", Verb.CREATE)
    assert desk.state("contact", 1)[0] == "parked"
    assert desk.written(desk.claim("company", Verb.CREATE)) == ["7"]
    assert desk.state("contact", 1)[0] == "queued"
    desk.company(7, name="New")
    desk.project()
    assert desk.written(desk.claim("company", Verb.UPDATE)) == []


def test_a_child_woken_by_its_parent_keeps_its_lane(desk: Desk) -> None:
    """Lane = cause: a wake does not let the backfill overtake."""
    desk.put("company", line_kit.company(7), op="r", snapshot=True)
    desk.put("contact", line_kit.contact(1, company_id=7), op="r", snapshot=True)
    desk.project()
    desk.claim("contact", Verb.CREATE, lane="backfill")
    desk.written(desk.claim("company", Verb.CREATE, lane="backfill"))
    assert (desk.state("contact", 1)[0], desk.desired("contact", 1).lane) == ("queued", "backfill")


@pytest.mark.parametrize(("end", "state"), [(DEAD, "dead"), (ASKED, "asked"), (BINNED, "filtered")])
def test_an_end_is_stored_with_its_reason_and_gives_the_lease_back(desk: Desk, end: Ends, state: str) -> None:
    """Law 3: listed and explained."""
    claimed = claimed_contact(desk)
    desk.settle(claimed, end)
    found = desk.desired("contact", 1)
    assert (found.state.value, found.code, found.reason) == (state, end.code, end.reason)
    assert not desk.record("contact", 1).leased


def test_an_end_of_an_older_seq_does_not_end_the_newer(desk: Desk) -> None:
    """The newer image gets its own try."""
    claimed = claimed_contact(desk)
    desk.contact(1, last_name="Good")
    desk.project()
    desk.settle(claimed, DEAD)
    assert (desk.state("contact", 1), desk.desired("contact", 1).verb) == (("queued", None), "create")


def test_weather_gives_the_lease_back_and_waits(desk: Desk) -> None:
    """Law 4: as before, later."""
    desk.settle(claimed_contact(desk), Back(wait_s=30))
    record = desk.record("contact", 1)
    assert (record.leased, record.unknown) == (False, False)
    found = desk.conn.execute(
        "select not_before - now() between '28 s' and '30 s' as right, verb, state from desired"
    ).fetchone()
    assert found == {"right": True, "verb": "create", "state": "queued"}


def test_an_unanswered_call_is_looked_at_after_one_timeout(desk: Desk) -> None:
    """Law 2: unknown; read before anyone writes."""
    desk.settle(claimed_contact(desk), Unanswered(reason="cut"))
    record = desk.record("contact", 1)
    assert (record.leased, record.unknown, record.present) == (False, True, False)
    found = desk.conn.execute(
        "select not_before - now() between '8 s' and '10 s' as right, verb, state from desired"
    ).fetchone()
    assert found == {"right": True, "verb": "look", "state": "queued"}


def test_a_newer_image_of_an_unknown_record_is_looked_at_too(desk: Desk) -> None:
    """The projection does not forget that a call was not answered, nor hurries the look."""
    desk.settle(claimed_contact(desk), Unanswered(reason="cut"))
    desk.contact(1, last_name="Newer")
    desk.project()
    assert desk.desired("contact", 1).verb == "look"
    assert desk.next_step() is None


def test_a_removed_record_takes_the_links_to_it_along(desk: Desk) -> None:
    """H-21, H-22: children that were delivered with the link are written again without it."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.through()
    desk.drop("company", 7)
    desk.project()
    desk.settle(desk.claim("company", Verb.REMOVE), Gone())
    ready = desk.claim("contact", Verb.UPDATE).one(1)
    assert ready.outgoing.fields["companyId"] is None


def test_a_parent_that_goes_while_its_child_is_under_way_leaves_no_link(desk: Desk) -> None:
    """H-21: the child's call left with the id of what was removed meanwhile; its receipt finds out."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.written(desk.claim("company", Verb.CREATE))
    under_way = desk.claim("contact", Verb.CREATE)
    assert under_way.one(1).outgoing.fields["companyId"] is not None
    desk.drop("company", 7)
    desk.project()
    desk.settle(desk.claim("company", Verb.REMOVE), Gone())
    desk.written(under_way)
    assert desk.state("contact", 1) == ("queued", None)
    assert desk.claim("contact", Verb.UPDATE).one(1).outgoing.fields["companyId"] is None


def test_a_link_to_a_parent_that_is_about_to_go_is_left_out(desk: Desk) -> None:
    """Its removal is queued: a child that leaves now does not point to it."""
    desk.company(7)
    desk.through()
    desk.drop("company", 7)
    desk.contact(1, company_id=7)
    desk.project()
    ready = desk.claim("contact", Verb.CREATE).one(1)
    assert (ready.outgoing.fields["companyId"], ready.left_out) == (None, (("company", "7"),))


def test_a_missing_parent_parks_the_child_and_the_parent_is_looked_at(desk: Desk) -> None:
    """H-21 (b): never dead at first sight; a parent that a person destroyed lets its child go without the link."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.written(desk.claim("company", Verb.CREATE))
    desk.settle(desk.claim("contact", Verb.CREATE), Orphan(reason="violates foreign key"))
    assert desk.state("contact", 1) == ("parked", "LG-0606")
    look = desk.claim("company", Verb.LOOK)
    assert look.keys() == ["7"]
    gone = Ends(state=State.FILTERED, code="LG-0605", reason="it is no longer there", known=Known.LEFT)
    desk.settle(look, gone)
    ready = desk.claim("contact", Verb.CREATE).one(1)
    assert (ready.outgoing.fields["companyId"], ready.left_out) == (None, (("company", "7"),))


def test_a_parent_that_is_there_after_all_releases_its_child(desk: Desk) -> None:
    """The look finds it equal."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.written(desk.claim("company", Verb.CREATE))
    desk.settle(desk.claim("contact", Verb.CREATE), Orphan(reason="violates foreign key"))
    look = desk.claim("company", Verb.LOOK)
    desk.settle(look, Holds(verb=Verb.LOOK, remote_id=look.one(7).id, ours=True, called=False))
    assert desk.state("contact", 1) == ("queued", None)


def test_what_a_look_saw_is_known(desk: Desk) -> None:
    """A record that could only be looked at is no longer unknown, and its hash is not trusted."""
    claimed_contact(desk)
    desk.contact(1, company_id=7)
    desk.project()
    look = taken_over(desk)
    desk.settle(look, Looked(known=Known.THERE))
    record = desk.record("contact", 1)
    assert (record.present, record.unknown, record.written_hash) == (True, False, None)
    assert record.remote_id == line_kit.remote_id("contact", 1)
    assert desk.claim("contact", Verb.UPDATE).batch == []
    assert desk.state("contact", 1) == ("parked", "LG-0606")


def test_a_refusal_after_a_look_keeps_what_the_look_saw(desk: Desk) -> None:
    """The lost create was applied, the newer image is refused: it is there, and a delete of the row removes it."""
    claimed_contact(desk)
    look = taken_over(desk)
    desk.settle(look, Ends(state=State.DEAD, code="LG-0601", reason="no", known=Known.THERE))
    record = desk.record("contact", 1)
    assert (record.present, record.unknown) == (True, False)
    desk.drop("contact", 1)
    desk.project()
    assert (desk.state("contact", 1), desk.desired("contact", 1).verb) == (("queued", None), "remove")


def test_what_a_person_deleted_counts_as_there(desk: Desk) -> None:
    """H-39: an unanswered create that a person binned meanwhile: its delete in the source still empties the bin of the
    values it keeps taken, and frees them."""
    claimed_contact(desk, email="x@example.com")
    desk.settle(taken_over(desk), BINNED)
    assert desk.record("contact", 1).present
    assert desk.holders() == {"x@example.com": "1"}
    desk.drop("contact", 1)
    desk.project()
    removal = desk.claim("contact", Verb.REMOVE)
    assert removal.one(1).frees == ("emails.primaryEmail",)
    desk.settle(removal, Gone())
    assert desk.holders() == {}


@pytest.mark.parametrize("end", [DEAD, ASKED, BINNED])
def test_who_waits_for_the_value_of_a_record_that_ended_is_asked(desk: Desk, end: Ends) -> None:
    """The holder keeps the value in the destination and will not give it up by itself: a person's turn, not a wait."""
    desk.contact(50, email="x@example.com")
    desk.through()
    desk.contact(50, email="y@example.com")
    desk.contact(10, email="x@example.com")
    desk.project()
    desk.claim("contact", Verb.CREATE)
    assert desk.state("contact", 10) == ("parked", "LG-0607")
    desk.settle(desk.claim("contact", Verb.UPDATE), replace(end, known=Known.THERE))
    desk.claim("contact", Verb.CREATE)
    assert desk.state("contact", 10) == ("asked", "LG-0604")


def test_calls_are_counted(desk: Desk) -> None:
    """Per kind, verb and lane."""
    for many in (3, 4):
        journal.count_call(desk.conn, 1, "contact", "create", "live", many)
    assert journal.calls(desk.conn, 1) == [
        {"kind": "contact", "verb": "create", "lane": "live", "calls": 2, "records": 7}
    ]
