"""streams.take and streams.project on a real ledger: what becomes of `desired` (DESIGN 2, laws 1 and 3)."""

from __future__ import annotations

import json
from typing import Any

import line_kit
import pytest
from ledger_desk import Desk

from ledger.desired import Verb
from schemas import murmur2, naming
from schemas.change_event import UNAVAILABLE
from schemas.desired import Link
from sinks.steps import Back, Ends, Gone
from streams import project
from streams.transform import projection

DEAD = Ends(state=project.State.DEAD, code="LG-0601", reason="no")
ASKED = Ends(state=project.State.ASKED, code="LG-0604", reason="taken")


def test_a_new_row_is_queued_to_be_created(desk: Desk) -> None:
    """Its shard is the partition of its hint."""
    desk.contact(42, email="x@example.com")
    desk.project()
    found = desk.desired("contact", 42)
    assert (found.seq, found.state.value, found.verb, found.lane, found.wanted) == (1, "queued", "create", "live", True)
    assert found.cause == "create"
    assert [dict(claim) for claim in found.claims] == [{"field": "emails.primaryEmail", "value": "x@example.com"}]
    shards = desk.conn.execute("select shard from desired").fetchone()
    assert shards == {"shard": murmur2.partition(naming.hint_key("contact", "42"), naming.PARTITIONS)}
    assert desk.dirty() == set()


def test_an_equal_image_changes_nothing(desk: Desk) -> None:
    """H-13, H-16: equal hash, same seq, and a delivered record stays delivered: no call."""
    desk.contact(42)
    desk.through()
    desk.contact(42, background="long")
    desk.contact(42)
    assert desk.dirty() == {("contact", "42")}
    desk.project()
    assert desk.state("contact", 42) == ("delivered", None)
    assert desk.desired("contact", 42).seq == 1
    assert desk.deliver() == 0


def test_a_changed_image_raises_seq_and_is_queued_as_an_update(desk: Desk) -> None:
    """What the destination is known to hold decides the verb."""
    desk.contact(42)
    desk.through()
    desk.contact(42, last_name="Other")
    desk.project()
    found = desk.desired("contact", 42)
    assert (found.seq, found.state.value, found.verb) == (2, "queued", "update")


def test_a_column_nobody_reads_marks_nothing(desk: Desk) -> None:
    """H-14: kanban drags, log-ins and logo fill-ins."""
    desk.contact(42)
    desk.project()
    desk.contact(42, avatar="https://example.com/new.png")
    assert desk.dirty() == set()


def test_a_repeated_or_older_event_marks_nothing(desk: Desk) -> None:
    """H-08, H-16: a batch read again is one effect."""
    desk.contact(42)
    desk.contact(42, last_name="Newer")
    desk.project()
    desk.take("contact", 2)
    assert desk.dirty() == set()
    assert desk.fields("contact", 42)["name"] == "Newer"


def test_a_snapshot_is_backfill_and_a_live_cause_lifts_it(desk: Desk) -> None:
    """Lane = cause; what is queued live does not sink (H-29)."""
    desk.put("contact", line_kit.contact(42), op="r", snapshot=True)
    desk.project()
    assert desk.desired("contact", 42).lane == "backfill"
    desk.contact(42, last_name="Edited")
    desk.project()
    assert desk.desired("contact", 42).lane == "live"
    desk.put("contact", line_kit.contact(42, last_name="Read"), op="r", snapshot=True)
    desk.project()
    assert desk.desired("contact", 42).lane == "live"


def test_a_delete_of_what_was_never_written_is_removed_without_a_call(desk: Desk) -> None:
    """H-09 (a): a `removed` record exists; a late repeat creates nothing, a later insert does."""
    desk.contact(42)
    desk.project()
    desk.drop("contact", 42)
    desk.project()
    assert desk.state("contact", 42) == ("removed", None)
    assert desk.next_step() is None
    desk.take("contact", 3)
    desk.project()
    assert desk.state("contact", 42) == ("removed", None)
    desk.contact(42, last_name="Again")
    desk.project()
    found = desk.desired("contact", 42)
    assert (found.state.value, found.verb, found.wanted) == ("queued", "create", True)


def test_a_delete_seen_first_leaves_a_removed_record(desk: Desk) -> None:
    """Also for a key nobody ever saw."""
    desk.drop("contact", 42)
    desk.project()
    assert desk.state("contact", 42) == ("removed", None)


def test_a_delete_of_what_is_there_is_queued_for_removal(desk: Desk) -> None:
    """And once gone it is removed."""
    desk.contact(42)
    desk.through()
    desk.drop("contact", 42)
    desk.project()
    assert (desk.state("contact", 42), desk.desired("contact", 42).verb) == (("queued", None), "remove")
    desk.settle(desk.claim("contact", Verb.REMOVE), Gone())
    assert desk.state("contact", 42) == ("removed", None)


def test_a_delete_while_the_create_is_under_way_is_not_forgotten(desk: Desk) -> None:
    """A lease means that it may be there."""
    desk.contact(42)
    desk.project()
    claimed = desk.claim("contact", Verb.CREATE)
    desk.drop("contact", 42)
    desk.project()
    assert desk.state("contact", 42) == ("queued", None)
    desk.written(claimed)
    assert (desk.state("contact", 42), desk.desired("contact", 42).verb) == (("queued", None), "remove")


def test_a_value_never_captured_is_dead_with_its_reason(desk: Desk) -> None:
    """H-11, law 8: the placeholder is never written; the line goes on."""
    desk.contact(42, background=UNAVAILABLE)
    desk.contact(43)
    desk.project()
    assert desk.state("contact", 42) == ("dead", "LG-0603")
    assert desk.state("contact", 43) == ("queued", None)


def test_an_unchanged_large_value_comes_from_the_stored_image(desk: Desk) -> None:
    """H-11: also when the event that held it is in the same batch."""
    desk.contact(42, background="long")
    desk.contact(42, background=UNAVAILABLE, last_name="Other")
    desk.capture.write("contact", "c", 43, line_kit.contact(43, background="both"))
    desk.capture.write("contact", "u", 43, line_kit.contact(43, background=UNAVAILABLE))
    desk.take("contact", 2)
    desk.project()
    assert desk.fields("contact", 42)["background"] == "long"
    assert desk.fields("contact", 43)["background"] == "both"


def test_a_bug_in_the_transform_is_that_records_own_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """H-34 (a), law 4: dead with a code and no values; the others go on."""
    real = projection.project

    def broken(plan: Any, object_plan: Any, key: str, *rest: Any) -> Any:
        if key == "42":
            raise KeyError("a secret value")
        return real(plan, object_plan, key, *rest)

    monkeypatch.setattr(projection, "project", broken)
    desk.contact(42)
    desk.contact(43)
    desk.project()
    found = desk.desired("contact", 42)
    assert (found.state.value, found.code, found.reason) == ("dead", "LG-0602", "KeyError")
    assert desk.state("contact", 43) == ("queued", None)


@pytest.mark.parametrize("end", [DEAD, ASKED])
def test_a_newer_image_replaces_dead_and_asked(desk: Desk, end: Ends) -> None:
    """H-09 (b): both leave their lists without an operator."""
    desk.contact(42)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), end)
    assert desk.state("contact", 42) == (end.state.value, end.code)
    desk.contact(42, last_name="Good")
    desk.project()
    found = desk.desired("contact", 42)
    assert (found.state.value, found.code, found.reason, found.verb) == ("queued", None, None, "create")


def test_a_newer_image_replaces_parked(desk: Desk) -> None:
    """H-09 (b): it waits for nobody any more, and the old wait wakes nobody."""
    desk.company(7)
    desk.contact(42, company_id=7)
    desk.project()
    assert desk.claim("contact", Verb.CREATE).batch == []
    assert desk.state("contact", 42) == ("parked", "LG-0606")
    desk.contact(42, company_id=None)
    desk.project()
    assert desk.state("contact", 42) == ("queued", None)


def test_an_equal_image_leaves_dead_and_asked_as_they_are(desk: Desk) -> None:
    """Nothing has changed: no second try."""
    desk.contact(42)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), DEAD)
    desk.contact(42, background="x")
    desk.contact(42)
    desk.project()
    assert desk.state("contact", 42) == ("dead", "LG-0601")


def test_a_record_waits_for_the_row_it_reads_and_is_released_by_it(desk: Desk) -> None:
    """A feeder that was not captured yet parks; its capture projects the reader (H-12)."""
    desk.contact(42, sales_id=3)
    desk.project()
    assert desk.state("contact", 42) == ("parked", "LG-0606")
    assert desk.desired("contact", 42).reason == "waits for sale 3"
    desk.put("sale", line_kit.sale(3))
    desk.project()
    assert desk.state("contact", 42) == ("queued", None)
    assert desk.fields("contact", 42)["ownerEmail"] == "sale3@example.com"


def test_a_change_of_a_feeder_reaches_its_readers_in_the_backfill_lane(desk: Desk) -> None:
    """H-13: causes other than the own row; a fan-out is backfill."""
    desk.put("sale", line_kit.sale(3))
    desk.contact(42, sales_id=3)
    desk.company(7, sales_id=3)
    desk.through()
    desk.put("sale", line_kit.sale(3, email="new@example.com"), op="u")
    desk.project()
    for kind, key in (("contact", 42), ("company", 7)):
        found = desk.desired(kind, key)
        assert (found.state.value, found.lane, found.source_at) == ("queued", "backfill", None)
        assert desk.fields(kind, key)["ownerEmail"] == "new@example.com"


def test_a_feeder_that_was_deleted_is_no_reason_to_wait(desk: Desk) -> None:
    """It was captured, and it is gone."""
    desk.put("sale", line_kit.sale(3))
    desk.contact(42, sales_id=3)
    desk.drop("sale", 3)
    desk.project()
    assert desk.state("contact", 42) == ("queued", None)
    assert desk.fields("contact", 42)["ownerEmail"] == ""


def test_while_waiting_the_record_in_the_destination_stays(desk: Desk) -> None:
    """A delivered record that now reads an unknown row parks; it is not removed."""
    desk.contact(42)
    desk.through()
    desk.contact(42, sales_id=3)
    desk.project()
    assert desk.state("contact", 42) == ("parked", "LG-0606")
    assert desk.record("contact", 42).present
    desk.put("sale", line_kit.sale(3))
    desk.project()
    assert desk.desired("contact", 42).verb == "update"


def test_a_projection_while_the_call_is_under_way_keeps_the_record_queued(desk: Desk) -> None:
    """The receipt of the older seq does not end the newer one; the next step is an update."""
    desk.contact(42)
    desk.project()
    claimed = desk.claim("contact", Verb.CREATE)
    desk.contact(42, last_name="Newer")
    desk.project()
    desk.written(claimed)
    found = desk.desired("contact", 42)
    assert (found.seq, found.state.value, found.verb) == (2, "queued", "update")


def test_the_revision_is_the_one_approved_when_it_projects(desk: Desk) -> None:
    """H-15: an approval before the projection decides; each record says under which it was made."""
    desk.contact(42)
    new = line_kit.plan(Link.REQUIRED.value)
    desk.plan = line_kit.begin(desk.ledger, new)
    desk.project()
    assert desk.desired("contact", 42).revision == new.revision()


def test_key_columns_with_odd_values_find_their_row(desk: Desk) -> None:
    """A null inside an address array and a NUL in a text change nothing in the ledger's bookkeeping."""
    desk.contact(42, email_jsonb=json.dumps([None, {"email": None}]), last_name="a\0b")
    desk.project()
    assert desk.state("contact", 42) == ("queued", None)
    assert desk.fields("contact", 42)["name"] == "ab"


def test_a_back_does_not_change_what_is_wanted(desk: Desk) -> None:
    """Weather: queued as before, after a while."""
    desk.contact(42)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), Back(wait_s=60))
    assert desk.state("contact", 42) == ("queued", None)
    assert desk.claim("contact", Verb.CREATE).batch == []
    desk.waits_end()
    assert desk.claim("contact", Verb.CREATE).keys() == ["42"]
