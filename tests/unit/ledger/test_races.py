"""Transactions that meet: take beside take, take beside project, receipt beside receipt (H-12, H-18, H-19, H-21)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import line_kit
import pytest
from ledger_desk import SHARDS, Desk

from infra.clock import Deadline
from ledger import rows, waits
from ledger.connection import Connection
from ledger.desired import State, Verb
from sinks.steps import Ends, Gone
from streams.take import Taker
from streams.transform import projection


@contextmanager
def beside(desk: Desk, work: Callable[[], object]) -> Iterator[None]:
    """`work` runs in a thread and comes to wait for a lock of ours; it ends after the block."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    _until_done_or_waiting(desk, thread)
    assert thread.is_alive(), errors
    yield
    thread.join(10)
    assert errors == []


def _until_done_or_waiting(desk: Desk, thread: threading.Thread) -> None:
    watch = desk.ledger.connect("watch")
    deadline = Deadline(10)
    waiting = "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'"
    while thread.is_alive() and watch.execute(waiting).fetchone() == {"n": 0}:
        assert not deadline.passed()


def store(desk: Desk, conn: Connection, object_: str, last: int = 1) -> None:
    """A take inside the caller's transaction."""
    Taker(desk.ledger.pool(), 1)._store(conn, desk.capture.batch(object_, -last))


ORDERS = [order for order in itertools.permutations("aAbB") if order.index("a") < order.index("A")]
ORDERS = [order for order in ORDERS if order.index("b") < order.index("B")]


@pytest.mark.parametrize("projected_after", (1, 2, 3))
@pytest.mark.parametrize("order", ORDERS, ids=["".join(order) for order in ORDERS])
@pytest.mark.parametrize("known", [False, True], ids=["new link", "known link"])
def test_a_row_and_the_row_it_reads_change_at_the_same_time(
    desk: Desk, order: tuple[str, ...], projected_after: int, known: bool
) -> None:
    """H-12: takes a and b begin in small letters and commit in capitals, a projection comes anywhere between: the end
    has the new name and the new owner. Each side would miss the other if it followed links in its own transaction."""
    desk.put("sale", line_kit.sale(3, email="old@example.com"))
    if known:
        desk.contact(42, sales_id=3)
        desk.through()
    desk.capture.write("contact", "u", 42, line_kit.contact(42, last_name="New", sales_id=3))
    desk.capture.write("sale", "u", 3, line_kit.sale(3, email="new@example.com"))
    conns = {"a": desk.ledger.connect(), "b": desk.ledger.connect()}
    objects = {"a": "contact", "b": "sale"}
    projection_beside = threading.Thread(target=desk.project)
    for at, step in enumerate(order):
        if at == projected_after:
            projection_beside.start()
            _until_done_or_waiting(desk, projection_beside)
        if step.islower():
            conns[step].execute("begin")
            store(desk, conns[step], objects[step])
        else:
            conns[step.lower()].execute("commit")
    if projection_beside.ident:
        projection_beside.join(10)
    desk.project()
    fields = desk.fields("contact", 42)
    assert (fields["name"], fields["ownerEmail"]) == ("New", "new@example.com")


def test_a_take_between_the_projections_read_and_write_is_not_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """H-12, second run: the newer image waits for the mark and sets it again."""
    desk.contact(42, last_name="Old")
    desk.capture.write("contact", "u", 42, line_kit.contact(42, last_name="New"))
    real, seen = projection.project, []
    taker = Taker(desk.ledger.pool(), 1)
    stack: list[Any] = []

    def between(*args: Any) -> Any:
        if not seen:
            seen.append(1)
            held = beside(desk, lambda: taker.take(desk.capture.batch("contact", -1)))
            held.__enter__()
            stack.append(held)
        return real(*args)

    monkeypatch.setattr(projection, "project", between)
    desk.projector.step()
    stack[0].__exit__(None, None, None)
    assert desk.fields("contact", 42)["name"] == "Old"
    assert desk.dirty() == {("contact", "42")}
    desk.project()
    assert (desk.fields("contact", 42)["name"], desk.desired("contact", 42).seq) == ("New", 2)


@pytest.mark.parametrize("newer_first", [False, True])
def test_two_takes_bring_a_new_row_at_the_same_time(desk: Desk, newer_first: bool) -> None:
    """Law 1, H-33: a worker that lost its partition and the one that has it now; image and links are the newer's."""
    desk.capture.write("contact", "c", 42, line_kit.contact(42, sales_id=1))
    desk.capture.write("contact", "u", 42, line_kit.contact(42, sales_id=2))
    older, newer = desk.capture.batch("contact", 0, 1), desk.capture.batch("contact", 1, 2)
    first, second = (newer, older) if newer_first else (older, newer)
    one = Taker(desk.ledger.pool(), 1)
    with desk.conn.transaction():
        one._store(desk.conn, first)
        meeting = beside(desk, lambda: one.take(second))
        meeting.__enter__()
    meeting.__exit__(None, None, None)
    stored = rows.lock(desk.conn, [("contact", "42")])["contact", "42"]
    assert (stored.off, stored.image["sales_id"]) == (1, 2)
    assert linked(desk, "2") == [("contact", "42")]
    assert linked(desk, "1") == []


def test_a_claim_passes_by_what_is_being_projected(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest desired leaves, never the one that is about to be replaced; nobody waits."""
    desk.contact(42)
    desk.project()
    desk.contact(42, last_name="New")
    other = desk.ledger.connect()
    real, claimed = projection.project, []

    def between(*args: Any) -> Any:
        claimed.append(desk.claim("contact", Verb.CREATE, conn=other).keys())
        return real(*args)

    monkeypatch.setattr(projection, "project", between)
    desk.project()
    assert claimed == [[]]
    ready = desk.claim("contact", Verb.CREATE).one(42)
    assert (ready.desired.seq, ready.outgoing.fields["name"]) == (2, "New")


def family(desk: Desk) -> None:
    """Company 7 is there, contact 42 points to it and is not written yet."""
    desk.company(7)
    desk.contact(42, company_id=7)
    desk.project()
    desk.written(desk.claim("company", Verb.CREATE))


@pytest.mark.parametrize("child_first", [True, False])
def test_the_receipts_of_a_child_and_of_its_parents_removal_meet(desk: Desk, child_first: bool) -> None:
    """H-21: neither transaction sees the other's half, and yet no child keeps a link to what is gone."""
    family(desk)
    child = desk.claim("contact", Verb.CREATE)
    desk.drop("company", 7)
    desk.project()
    parent = desk.claim("company", Verb.REMOVE)
    other = desk.ledger.connect()
    settled = [
        lambda conn: desk.written(child, conn=conn),
        lambda conn: desk.settle(parent, Gone(), conn),
    ]
    first, second = settled if child_first else settled[::-1]
    with desk.conn.transaction():
        first(desk.conn)
        meeting = beside(desk, lambda: second(other))
        meeting.__enter__()
    meeting.__exit__(None, None, None)
    assert desk.state("contact", 42) == ("queued", None)
    assert desk.claim("contact", Verb.UPDATE).one(42).outgoing.fields["companyId"] is None


def test_a_parent_lands_while_its_child_is_registered_without_the_link(desk: Desk) -> None:
    """H-19: the landing does not see the registration, the registration not the landing: the sweep sees both."""
    desk.company(7)
    desk.contact(42, company_id=7)
    desk.project()
    desk.settle(desk.claim("company", Verb.CREATE), Ends(state=State.DEAD, code="LG-0601", reason="no"))
    child = desk.claim("contact", Verb.CREATE)
    desk.company(7, name="Good")
    desk.project()
    parent = desk.claim("company", Verb.CREATE)
    other = desk.ledger.connect()
    with desk.conn.transaction():
        waits.free(desk.conn, 1, [("company", "7")], "parent landed", "own")
        desk.written(child, conn=other)
        desk.written(parent)
    with desk.conn.transaction():
        desk.conn.execute(
            "insert into waits values (1, 'contact', '42', 'company', '7', 'left_out') on conflict do nothing"
        )
        desk.conn.execute("update desired set state = 'delivered' where kind = 'contact'")
    assert waits.overdue(desk.conn, 1, SHARDS) == {("contact", "42")}


def linked(desk: Desk, sale: str) -> list[tuple[str, str]]:
    """Rows that link to this sale."""
    found = desk.conn.execute("select object, key from links where ref_object = 'sale' and ref_key = %s", [sale])
    return [(r["object"], r["key"]) for r in found]
