"""ledger.dirty: marks, and fan-outs worked off in steps."""

from __future__ import annotations

from ledger_desk import Desk
from ledger_kit import Ledger

from ledger import dirty, rows
from ledger.dirty import FAN_OUT_STEP, Mark

READERS = {"sale": ["company", "contact"]}


def mark(key: str, lane: str = "live", cause: str = "update") -> Mark:
    """A contact's mark."""
    return Mark(kind="contact", key=key, lane=lane, cause=cause)


def stored(desk: Desk) -> list[tuple[str, str, str, int]]:
    """Marks as they lie there."""
    found = desk.conn.execute("select key, lane, cause, mark from dirty order by key")
    return [(r["key"], r["lane"], r["cause"], r["mark"]) for r in found]


def test_a_live_cause_lifts_and_nothing_sinks(desk: Desk) -> None:
    """Lane = cause: live lifts a backfill mark, backfill never lowers a live one (H-29)."""
    dirty.mark(desk.conn, [mark("1", "backfill", "snapshot"), mark("2", "live", "update")])
    dirty.mark(desk.conn, [mark("1", "live", "update"), mark("2", "backfill", "sale changed")])
    assert stored(desk) == [("1", "live", "update", 2), ("2", "live", "update", 2)]


def test_one_statement_may_mark_a_record_twice(desk: Desk) -> None:
    """Live wins."""
    dirty.mark(desk.conn, [mark("1", "backfill", "snapshot"), mark("1", "live", "update")])
    assert stored(desk) == [("1", "live", "update", 1)]


def test_a_mark_that_moved_is_not_cleared(desk: Desk) -> None:
    """H-12: the projection clears only what it has read."""
    dirty.mark(desk.conn, [mark("1"), mark("2")])
    read = dirty.lock(desk.conn, 1, 10)
    dirty.mark(desk.conn, [mark("2")])
    dirty.clear(desk.conn, 1, read)
    assert [key for key, *_ in stored(desk)] == ["2"]


def test_live_marks_are_read_first_and_each_by_one_worker(desk: Desk) -> None:
    """`for update skip locked`: two workers never hold the same mark."""
    dirty.mark(desk.conn, [mark("1", "backfill"), mark("2", "backfill"), mark("3", "live")])
    other = desk.ledger.connect()
    with desk.conn.transaction(), other.transaction():
        mine = [m.key for m in dirty.lock(desk.conn, 1, 2)]
        theirs = [m.key for m in dirty.lock(other, 1, 2)]
    assert (mine, theirs) == (["1", "3"], ["2"])


def test_only_active_generations_are_marked(desk: Desk) -> None:
    """A sealed one projects nothing more."""
    desk.conn.execute("update generations set state = 'sealed'")
    dirty.mark(desk.conn, [mark("1")])
    assert stored(desk) == []


def fan(ledger: Ledger, many: int) -> None:
    """That many contacts read sale 3."""
    rows.relink(ledger.conn, {("contact", f"{n:05}"): [("sale", "3")] for n in range(many)})


def test_a_fan_out_marks_in_steps_behind_live_causes(desk: Desk) -> None:
    """H-14: at most 500 marks a transaction, backfill lane; then it is gone."""
    fan(desk.ledger, FAN_OUT_STEP + 20)
    dirty.fan_out(desk.conn, ("sale", "3"), "sale changed")
    assert dirty.count(desk.conn, 1) == 1
    assert dirty.advance(desk.conn, 1, READERS)
    assert dirty.count(desk.conn, 1) == FAN_OUT_STEP + 1
    assert dirty.advance(desk.conn, 1, READERS)
    assert dirty.count(desk.conn, 1) == FAN_OUT_STEP + 20
    assert not dirty.advance(desk.conn, 1, READERS)
    assert {lane for _, lane, _, _ in stored(desk)} == {"backfill"}


def test_a_fan_out_of_exactly_a_step_ends(desk: Desk) -> None:
    """The last piece may be empty."""
    fan(desk.ledger, FAN_OUT_STEP)
    dirty.fan_out(desk.conn, ("sale", "3"), "sale changed")
    assert [dirty.advance(desk.conn, 1, READERS) for _ in range(3)] == [True, True, False]


def test_a_fan_out_goes_on_at_its_cursor_and_starts_anew_when_the_row_changes_again(desk: Desk) -> None:
    """H-14: killed at the cursor it goes on; renamed again, those behind the cursor are marked again too."""
    fan(desk.ledger, FAN_OUT_STEP + 20)
    dirty.fan_out(desk.conn, ("sale", "3"), "sale changed")
    dirty.advance(desk.conn, 1, READERS)
    desk.conn.execute("delete from dirty")
    dirty.fan_out(desk.conn, ("sale", "3"), "sale changed")
    dirty.advance(desk.conn, 1, READERS)
    assert dirty.count(desk.conn, 1) == FAN_OUT_STEP + 1
    dirty.advance(desk.conn, 1, READERS)
    assert dirty.count(desk.conn, 1) == FAN_OUT_STEP + 20


def test_a_fan_out_being_worked_off_is_skipped_by_others(desk: Desk) -> None:
    """Two workers, one fan-out: the second finds nothing to do and does not wait."""
    fan(desk.ledger, 3)
    dirty.fan_out(desk.conn, ("sale", "3"), "sale changed")
    other = desk.ledger.connect()
    with desk.conn.transaction():
        assert dirty.advance(desk.conn, 1, READERS)
        assert not dirty.advance(other, 1, READERS)
