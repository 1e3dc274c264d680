"""ledger.states: the one state of every row; the sums equal the row count in every situation (law 3)."""

from __future__ import annotations

import random

import line_kit
import pytest
from ledger_desk import Desk

from ledger import records, states
from ledger.desired import State, Verb
from ledger.records import Known
from sinks.steps import Back, Ends, Gone, Holds, Outcome, Unanswered

DEAD = Ends(state=State.DEAD, code="LG-0601", reason="no", known=Known.ABSENT)
ASKED = Ends(state=State.ASKED, code="LG-0604", reason="taken", known=Known.ABSENT)


def live(desk: Desk, kind: str) -> dict[str, int]:
    """The states that are not empty."""
    return {state: n for state, n in states.sums(desk.conn, 1, ["sale"])[kind].live.items() if n}


def test_each_state_is_counted_where_it_belongs(desk: Desk) -> None:
    """Filtered feeders, queued, parked, asked, dead, delivered; and deleted rows apart."""
    desk.put("sale", line_kit.sale(3))
    for key in range(1, 7):
        desk.contact(key, company_id=99 if key == 6 else None)
    desk.project()
    claimed = desk.claim("contact", Verb.CREATE)
    outcomes: dict[str, Outcome] = {
        "1": Holds(verb=Verb.CREATE, remote_id=claimed.one(1).id, ours=True),
        "2": DEAD,
        "3": ASKED,
        "4": Back(wait_s=60),
        "5": Holds(verb=Verb.CREATE, remote_id=claimed.one(5).id, ours=True),
    }
    desk.settle(claimed, outcomes)
    desk.drop("contact", 5)
    assert live(desk, "contact") == {"delivered": 1, "dead": 1, "asked": 1, "queued": 1, "parked": 1}
    assert states.sums(desk.conn, 1, ["sale"])["contact"].deleted == {"queued": 1}
    assert live(desk, "sale") == {"filtered": 1}
    assert states.sums(desk.conn, 1, ["sale"])["contact"].rows == 5
    desk.through()
    assert states.sums(desk.conn, 1, ["sale"])["contact"].deleted == {"removed": 1}


def test_a_dirty_record_is_queued_whatever_it_was(desk: Desk) -> None:
    """What it will be is not decided yet."""
    desk.contact(1)
    desk.through()
    assert live(desk, "contact") == {"delivered": 1}
    desk.contact(1, last_name="New")
    assert live(desk, "contact") == {"queued": 1}


def test_a_deleted_feeder_is_removed(desk: Desk) -> None:
    """It was never written."""
    desk.put("sale", line_kit.sale(3))
    desk.drop("sale", 3)
    assert states.sums(desk.conn, 1, ["sale"])["sale"].deleted == {"removed": 1}


@pytest.mark.parametrize("seed", range(12))
def test_the_sums_equal_the_rows_after_every_step(desk: Desk, seed: int) -> None:
    """Random edits, claims and outcomes: at every moment each row is counted once."""
    dice = random.Random(seed)
    rows: dict[str, set[int]] = {"company": set(), "contact": set()}
    under_way = []
    for _ in range(60):
        what = dice.choice(("edit", "edit", "drop", "project", "claim", "settle", "expire"))
        kind, key = dice.choice(("company", "contact")), dice.randrange(1, 6)
        if what == "edit":
            make = {"company": desk.company, "contact": desk.contact}[kind]
            more = {"company_id": dice.choice((None, 1, 2))} if kind == "contact" else {}
            make(key, sales_id=dice.choice((None, 3)), **more)
            rows[kind].add(key)
        elif what == "drop" and key in rows[kind]:
            desk.drop(kind, key)
            rows[kind].discard(key)
        elif what == "project":
            desk.project()
        elif what == "claim":
            under_way.append(desk.claim(kind, dice.choice(list(Verb)), most=3))
        elif what == "settle" and under_way:
            claimed = under_way.pop(dice.randrange(len(under_way)))
            desk.settle(claimed, {one.desired.key: _any(dice, one.id, one.desired.wanted) for one in claimed.batch})
            desk.waits_end()
        elif what == "expire":
            desk.leases_end()
            records.expire(desk.conn)
        sums = states.sums(desk.conn, 1, ["sale"])
        for name, keys in rows.items():
            if name in sums:
                assert (sums[name].rows, sum(sums[name].live.values())) == (len(keys), len(keys))
                assert set(sums[name].deleted) <= {"queued", "dead", "removed"}


def _any(dice: random.Random, id_: str, wanted: bool) -> Outcome:
    if not wanted:
        return dice.choice((Gone(), Back(wait_s=1), Unanswered(reason="?")))
    held = Holds(verb=Verb.CREATE, remote_id=id_, ours=True)
    return dice.choice((held, held, DEAD, ASKED, Back(wait_s=1), Unanswered(reason="?")))


def test_quiet_is_when_nothing_moves(desk: Desk) -> None:
    """Marks, queued records, leases and unanswered calls are under way; parked, dead and asked are not."""
    assert states.pending(desk.conn, 1).quiet()
    desk.contact(1, company_id=99)
    desk.contact(2)
    assert states.pending(desk.conn, 1).unprojected == 2
    desk.project()
    assert states.pending(desk.conn, 1).queued == 2
    claimed = desk.claim("contact", Verb.CREATE)
    assert states.pending(desk.conn, 1).open == 1
    desk.settle(claimed, Unanswered(reason="?"))
    assert states.pending(desk.conn, 1).open == 1
    desk.waits_end()
    desk.settle(desk.claim("contact", Verb.LOOK), DEAD)
    pending = states.pending(desk.conn, 1)
    assert (pending.quiet(), pending.parked) == (True, 1)


def test_an_unknown_record_that_cannot_be_sent_does_not_keep_the_line_busy(desk: Desk) -> None:
    """Its newer image was refused while the call was under way: it is dead and listed; whoever comes next reads."""
    from schemas.change_event import UNAVAILABLE

    desk.contact(1)
    desk.project()
    claimed = desk.claim("contact", Verb.CREATE)
    desk.conn.execute("update rows set image = '{\"id\": 1}'")
    desk.contact(1, background=UNAVAILABLE)
    desk.project()
    desk.settle(claimed, Unanswered(reason="?"))
    assert desk.state("contact", 1)[0] == "dead"
    assert states.pending(desk.conn, 1).quiet()
    desk.contact(1, background="good")
    desk.project()
    assert desk.desired("contact", 1).verb == "look"


def test_lists_and_lanes(desk: Desk) -> None:
    """For people: what is listed, with why; what is queued, by lane."""
    desk.contact(1)
    desk.put("contact", line_kit.contact(2), op="r", snapshot=True)
    desk.project()
    assert states.lanes(desk.conn, 1) == {"contact": {"live": 1, "backfill": 1}}
    assert set(states.oldest_live_ms(desk.conn, 1)) == {"contact"}
    desk.settle(desk.claim("contact", Verb.CREATE), DEAD)
    listed = states.listed(desk.conn, 1, ["dead", "asked", "parked"])
    assert [(r["kind"], r["key"], r["state"], r["code"], r["reason"]) for r in listed] == [
        ("contact", "1", "dead", "LG-0601", "no")
    ]
