"""ledger.rows: newest image wins, links follow it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ledger_kit import Ledger

from ledger import rows
from ledger.connection import Connection
from ledger.rows import Image


def image(off: int, *, epoch: int = 1, key: str = "42", deleted: bool = False, **columns: Any) -> Image:
    """A contact as of an offset."""
    return Image(
        object="contact", key=key, epoch=epoch, off=off, image={"id": key, **columns}, deleted=deleted, source_at=None
    )


@pytest.mark.parametrize("order", list(itertools.permutations([(1, 10), (1, 20), (2, 5)])))
def test_the_newest_image_wins_in_every_order(ledger: Ledger, order: tuple[tuple[int, int], ...]) -> None:
    """Law 1: (epoch, offset) decides, whatever comes when, however often."""
    for epoch, off in (*order, *order):
        rows.upsert(ledger.conn, [image(off, epoch=epoch, name=f"{epoch}.{off}")])
    found = rows.images(ledger.conn, [("contact", "42")])["contact", "42"]
    assert found.image["name"] == "2.5"
    stored = rows.lock(ledger.conn, [("contact", "42")])["contact", "42"]
    assert (stored.epoch, stored.off) == (2, 5)


def test_only_rows_that_moved_are_told(ledger: Ledger) -> None:
    """The caller relinks those alone."""
    assert rows.upsert(ledger.conn, [image(10), image(5, key="7")]) == {("contact", "42"), ("contact", "7")}
    assert rows.upsert(ledger.conn, [image(10), image(6, key="7")]) == {("contact", "7")}
    assert rows.upsert(ledger.conn, []) == set()


def test_a_nul_in_a_json_column_is_kept(ledger: Ledger) -> None:
    """Images are `json`: what the source holds is held."""
    rows.upsert(ledger.conn, [image(1, text="a\0b", emoji="🌉")])
    found = rows.images(ledger.conn, [("contact", "42")])["contact", "42"]
    assert (found.image["text"], found.image["emoji"]) == ("a\0b", "🌉")


def test_links_are_replaced_and_forgotten(ledger: Ledger) -> None:
    """A row links to what its newest image names, nothing else."""
    conn = ledger.conn
    rows.relink(conn, {("contact", "1"): [("company", "7"), ("sale", "3")], ("contact", "2"): [("company", "7")]})
    assert linked(conn, "company", "7") == [("contact", "1"), ("contact", "2")]
    rows.relink(conn, {("contact", "1"): [("company", "8")], ("contact", "2"): []})
    assert linked(conn, "company", "7") == []
    assert linked(conn, "sale", "3") == []
    assert linked(conn, "company", "8") == [("contact", "1")]


def linked(conn: Connection, object_: str, key: str) -> list[tuple[str, str]]:
    """Rows that link to this one."""
    found = conn.execute(
        "select object, key from links where ref_object = %s and ref_key = %s order by 1, 2", [object_, key]
    )
    return [(r["object"], r["key"]) for r in found]
