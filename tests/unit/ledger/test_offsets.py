"""ledger.offsets: how far each partition is taken, and the topic we know."""

from __future__ import annotations

from datetime import UTC, datetime

from ledger_kit import Ledger

from ledger import offsets
from ledger.offsets import Offset, Topic

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def test_offsets_only_move_forward(ledger: Ledger) -> None:
    """A batch read again moves nothing back, neither the offset nor the source's time (H-16)."""
    offsets.advance(ledger.conn, {("t", 0): Offset(next_offset=10, source_at=LATE)})
    offsets.advance(ledger.conn, {("t", 0): Offset(next_offset=4, source_at=EARLY)})
    offsets.advance(ledger.conn, {("t", 1): Offset(next_offset=1, source_at=None)})
    offsets.advance(ledger.conn, {})
    found = offsets.read(ledger.conn)
    assert {place: (o.next_offset, o.source_at) for place, o in found.items()} == {
        ("t", 0): (10, LATE),
        ("t", 1): (1, None),
    }


def test_a_tombstone_without_a_time_keeps_the_time(ledger: Ledger) -> None:
    """Control records and tombstones have no commit time of the source."""
    offsets.advance(ledger.conn, {("t", 0): Offset(next_offset=10, source_at=EARLY)})
    offsets.advance(ledger.conn, {("t", 0): Offset(next_offset=11, source_at=None)})
    found = offsets.read(ledger.conn)["t", 0]
    assert (found.next_offset, found.source_at) == (11, EARLY)


def test_a_topic_is_known_from_its_first_sight(ledger: Ledger) -> None:
    """H-07: another topic of the same name does not pass for it."""
    offsets.register(ledger.conn, "t", "id-1", 4)
    offsets.register(ledger.conn, "t", "id-2", 8)
    assert offsets.known(ledger.conn) == {"t": Topic(topic="t", topic_id="id-1", partitions=4, epoch=1)}
    assert offsets.epochs(ledger.conn) == {"t": 1}
