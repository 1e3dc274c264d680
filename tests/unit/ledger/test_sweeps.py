"""What each worker finds by itself every second: dead leases, second looks, lost wakes, lost work (law 2, H-18)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ledger_desk import Desk
from ledger_kit import Ledger
from line_actors import Partitions
from memory_sink import MemorySink, Odds

from ledger import desired, journal, records, states, waits
from ledger.desired import State, Verb
from schemas.run_file import RunFile
from sinks import worker
from sinks.steps import Ends, Gone, Unanswered
from sinks.worker import Worker

SHARDS = [0, 1, 2, 3]


def run_file(ledger: Ledger) -> RunFile:
    """A worker's run."""
    return RunFile.model_validate(
        {
            "migration": ledger.migration,
            "source": "atomic_crm",
            "kafka": "",
            "ledger_dsn": ledger.dsn,
            "destination": "memory",
            "destination_url": "",
            "destination_key_env": "",
            "topics": (),
            "data_dir": Path(),
        }
    )


def sweep(desk: Desk) -> None:
    """One worker's sweep."""
    one = Worker(run_file(desk.ledger), "sweeper", MemorySink(), Partitions(shards=SHARDS))  # type: ignore[arg-type]
    one._sweep(one._connected())
    one._leave()


def leased_contact(desk: Desk, **columns: Any) -> None:
    """Contact 1 under a lease."""
    desk.contact(1, **columns)
    desk.project()
    desk.claim("contact", Verb.CREATE)


def test_an_expired_lease_is_unknown_and_looked_at(desk: Desk) -> None:
    """H-02: B reads before it writes; a lease that still runs is left alone."""
    leased_contact(desk)
    sweep(desk)
    assert desk.record("contact", 1).leased
    desk.leases_end()
    sweep(desk)
    record = desk.record("contact", 1)
    assert (record.leased, record.unknown) == (False, True)
    assert (desk.state("contact", 1), desk.desired("contact", 1).verb) == (("queued", None), "look")


def test_a_taken_over_write_is_looked_at_once_more_and_only_once(desk: Desk) -> None:
    """H-03: one timeout later; the second look is no take-over of its own."""
    leased_contact(desk)
    desk.leases_end()
    sweep(desk)
    desk.written(desk.claim("contact", Verb.LOOK))
    assert states.pending(desk.conn, 1).looks == 1
    sweep(desk)
    assert desk.state("contact", 1) == ("delivered", None)
    desk.conn.execute("update records set look_at = now() where look_at is not null")
    sweep(desk)
    assert desk.desired("contact", 1).verb == "look"
    desk.written(desk.claim("contact", Verb.LOOK))
    assert states.pending(desk.conn, 1).looks == 0
    assert desk.state("contact", 1) == ("delivered", None)


def test_a_removal_taken_over_is_looked_at_once_more(desk: Desk) -> None:
    """H-03: the unanswered create may come true after the look found nothing to remove."""
    leased_contact(desk)
    desk.drop("contact", 1)
    desk.project()
    desk.leases_end()
    sweep(desk)
    desk.settle(desk.claim("contact", Verb.LOOK), Gone())
    assert desk.state("contact", 1) == ("removed", None)
    desk.conn.execute("update records set look_at = now() where look_at is not null")
    sweep(desk)
    assert desk.claim("contact", Verb.LOOK).keys() == ["1"]


@pytest.mark.parametrize("landed", [True, False])
def test_a_child_whose_wake_was_lost_is_found(desk: Desk, landed: bool) -> None:
    """H-18 (a, b): the parent landed, or ended, while the child's parking was not to be seen yet."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.claim("contact", Verb.CREATE)
    kept = desk.conn.execute("select * from waits").fetchall()
    if landed:
        desk.written(desk.claim("company", Verb.CREATE))
    else:
        desk.settle(desk.claim("company", Verb.CREATE), Ends(state=State.DEAD, code="LG-0601", reason="no"))
    desk.conn.execute("update desired set state = 'parked', code = 'LG-0606' where kind = 'contact'")
    for wait in kept:
        desk.conn.execute("insert into waits values (%s, %s, %s, %s, %s, %s)", list(wait.values()))
    sweep(desk)
    assert desk.state("contact", 1) == ("queued", None)


def test_a_double_release_costs_no_second_write(desk: Desk) -> None:
    """H-18: released by the receipt and by the sweep, written once."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.claim("contact", Verb.CREATE)
    desk.deliver()
    desired.requeue(desk.conn, 1, [("contact", "1")], "wake was lost", desired.OWN_LANE)
    assert desk.deliver() == 0
    assert desk.state("contact", 1) == ("delivered", None)


def test_a_sweep_does_not_hurry_what_is_postponed(desk: Desk) -> None:
    """An unanswered call is looked at after its timeout, not at the next wake."""
    desk.contact(1)
    desk.project()
    desk.settle(desk.claim("contact", Verb.CREATE), Unanswered(reason="cut"))
    desired.requeue(desk.conn, 1, [("contact", "1")], "wake was lost", desired.OWN_LANE)
    sweep(desk)
    assert desk.next_step() is None


def test_what_waits_for_nothing_wrong_is_left_alone(desk: Desk) -> None:
    """Parked behind a parent that may still land: no sweep moves it."""
    desk.contact(1, company_id=7)
    desk.project()
    desk.claim("contact", Verb.CREATE)
    sweep(desk)
    assert desk.state("contact", 1) == ("parked", "LG-0606")
    assert waits.overdue(desk.conn, 1, SHARDS) == set()


def test_a_worker_frees_its_own_shards_only(desk: Desk) -> None:
    """Each worker sweeps its own."""
    desk.company(7)
    desk.contact(1, company_id=7)
    desk.project()
    desk.claim("contact", Verb.CREATE)
    desk.conn.execute("update records set present = true")
    desk.conn.execute("insert into records (kind, key, present) values ('company', '7', true)")
    shard = desk.conn.execute("select shard from desired where kind = 'contact'").fetchone()
    assert shard is not None
    others = [s for s in SHARDS if s != shard["shard"]]
    assert waits.overdue(desk.conn, 1, others) == set()
    assert waits.overdue(desk.conn, 1, [shard["shard"]]) == {("contact", "1")}


def test_work_taken_out_of_the_index_by_hand_is_found_at_start(desk: Desk) -> None:
    """H-55: the full comparison finds it, says so, and it is delivered."""
    desk.contact(1)
    desk.contact(2)
    desk.project()
    assert desired.lost_work(desk.conn, 1) == []
    desk.conn.execute("update desired set state = 'delivered' where key = '1'")
    assert desired.lost_work(desk.conn, 1) == [("contact", "1")]
    one = Worker(run_file(desk.ledger), "starter", MemorySink(), Partitions(shards=SHARDS))  # type: ignore[arg-type]
    one._connected()
    one._leave()
    assert desk.state("contact", 1) == ("queued", None)
    assert [line["action"] for line in _journal(desk)] == ["lost work found"]


@pytest.mark.parametrize(
    "damage",
    [
        "update records set present = false",
        "update records set written_seq = 0",
        "update records set again = 'by hand'",
        "delete from records",
    ],
)
def test_a_delivered_record_that_is_not_is_lost_work(desk: Desk, damage: str) -> None:
    """Desired differs from written, and no state explains it."""
    desk.contact(1)
    desk.through()
    assert desired.lost_work(desk.conn, 1) == []
    desk.conn.execute(damage.encode())
    assert desired.lost_work(desk.conn, 1) == [("contact", "1")]


def test_a_removed_record_that_is_there_is_lost_work(desk: Desk) -> None:
    """And requeued for its removal."""
    desk.contact(1)
    desk.through()
    desk.conn.execute("update desired set state = 'removed', wanted = false, payload = null")
    assert desired.lost_work(desk.conn, 1) == [("contact", "1")]
    desired.requeue(desk.conn, 1, [("contact", "1")], "full comparison", desired.OWN_LANE)
    assert desk.desired("contact", 1).verb == "remove"


def test_a_worker_delivers_through_its_own_loop(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real turn: sweep, due, budget, claim, calls, receipts; weather on the way only delays."""
    monkeypatch.setattr(worker, "SWEEP_S", 0.0)
    desk.company(7)
    for key in range(1, 8):
        desk.contact(key, company_id=7, email=f"c{key}@example.com")
    desk.project()
    sink = MemorySink(batch_size=3, odds=Odds(weather=0.3))
    one = Worker(run_file(desk.ledger), "looper", sink, Partitions(shards=SHARDS))  # type: ignore[arg-type]
    for _ in range(200):
        one._turn()
        desk.waits_end()
    one._leave()
    assert desk.states("contact", list(range(1, 8))) == ["delivered"] * 7
    assert len(sink.live("person")) == 7
    assert sink.sins == []
    assert records.leased(desk.conn) == 0


def _journal(desk: Desk) -> list[dict[str, Any]]:
    return [dict(r) for r in desk.conn.execute("select action from journal order by id")] or journal.calls(desk.conn, 1)
