"""Take: newest row images into `rows`, and every record whose plan reads a changed column dirty. One transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra import failpoints, logs
from ledger import dirty, journal, offsets, plans, rows, snapshots, wishes
from ledger.connection import Connection, in_transaction
from ledger.dirty import Mark
from ledger.offsets import Offset
from ledger.pool import Pool
from ledger.rows import Image, RowKey
from schemas import change_event, naming
from schemas.change_event import ChangeEvent, Op
from schemas.plan import Plan
from streams.batches import Batch
from streams.transform import projection

_log = logs.get("streams")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The newest event of one row in a batch."""

    object: str
    key: str
    off: int
    event: ChangeEvent
    image: Mapping[str, Any] | None  #: placeholders filled from earlier events of the batch; None = deleted


@dataclass(kw_only=True)
class Change:
    """What a batch does to the ledger."""

    images: list[Image] = field(default_factory=list)
    links: dict[RowKey, Sequence[RowKey]] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    fed: list[RowKey] = field(default_factory=list)  #: rows that others read and that changed in a column they read


class Taker:
    """Takes batches of one generation's cdc topics into the ledger."""

    def __init__(self, pool: Pool, generation: int) -> None:
        self._pool = pool
        self._generation = generation

    def take(self, batch: Batch) -> None:
        """Stores one batch. Twice is one effect: a row moves only to a higher (epoch, offset) (law 1).

        Raises ValueError for a record that is not JSON: the process halts with nothing acknowledged (law 4)."""
        with self._pool.use() as conn:
            in_transaction(conn, lambda conn: self._store(conn, batch))
        failpoints.hit("take.after-ledger")

    def _store(self, conn: Connection, batch: Batch) -> None:
        _, plan = plans.obeyed(conn, self._generation)
        newest, ends, truncated = _fold(batch, plan)
        snapshots.seen(conn, _read_to_the_end(plan, newest.values()))
        epoch = offsets.epochs(conn).get(batch.topic, 1)
        stored = rows.lock(conn, newest)
        change = compare(plan, newest.values(), stored, epoch)
        moved = rows.upsert(conn, change.images)
        rows.relink(conn, {row: refs for row, refs in change.links.items() if row in moved})
        dirty.mark(conn, change.marks)
        for row in sorted(change.fed):
            dirty.fan_out(conn, row, f"{row[0]} changed")
        for object_ in truncated:
            _truncated(conn, object_)
        offsets.advance(conn, ends)


def compare(plan: Plan, newest: Iterable[Seen], stored: Mapping[RowKey, Image], epoch: int) -> Change:
    """Pure: what the newest events of a batch change, given the stored images."""
    change = Change()
    for seen in newest:
        older = stored.get((seen.object, seen.key))
        if older is not None and (older.epoch, older.off) >= (epoch, seen.off):
            continue
        image = _image(seen, older, epoch)
        change.images.append(image)
        object_plan = plan.object(seen.object)
        others = frozenset[str]().union(*plan.readers(seen.object).values())
        if others and _differs(older, image, others):
            change.fed.append((seen.object, seen.key))
        if not _differs(older, image, object_plan.read_columns() | set(object_plan.key)):
            continue
        row = (seen.object, seen.key)
        change.links[row] = () if image.deleted else projection.references(object_plan, image.image)
        if object_plan.destination is not None:
            lane = "backfill" if seen.event.snapshot else "live"
            change.marks.append(Mark(kind=seen.object, key=seen.key, lane=lane, cause=_cause(seen.event)))
    return change


def _fold(batch: Batch, plan: Plan) -> tuple[dict[RowKey, Seen], dict[tuple[str, int], Offset], list[str]]:
    """Newest event a row, how far each partition is taken, and objects whose table was truncated."""
    tables = plan.by_table()
    newest: dict[RowKey, Seen] = {}
    ends: dict[tuple[str, int], Offset] = {}
    truncated: list[str] = []
    for record in batch.events:
        event = change_event.decode(record.topic, record.key, record.value)
        at = _instant(event.source_ts_ms) if event else None
        ends[record.topic, record.partition] = Offset(next_offset=record.offset + 1, source_at=at)
        object_plan = tables.get(event.table) if event else None
        if event is None or object_plan is None:
            continue
        if event.op is Op.TRUNCATE:
            truncated.append(object_plan.object)
            continue
        key = change_event.source_key(event.key or (event.image or {}), object_plan.key)
        earlier = newest.get((object_plan.object, key))
        newest[object_plan.object, key] = _seen(object_plan.object, key, record.offset, event, earlier)
    return newest, ends, truncated


def _seen(object_: str, key: str, off: int, event: ChangeEvent, earlier: Seen | None) -> Seen:
    """Two updates of a row in one batch: a large value the second left alone is the first one's, not the stored."""
    image = event.image
    if image is not None and earlier is not None:
        image = change_event.fill(image, earlier.image)[0]
    return Seen(object=object_, key=key, off=off, event=event, image=image)


def _image(seen: Seen, older: Image | None, epoch: int) -> Image:
    """The whole image: placeholders of unchanged large values come from the stored one (law 8)."""
    before = older.image if older else None
    deleted = seen.image is None
    image = dict(before or seen.event.key) if seen.image is None else change_event.fill(seen.image, before)[0]
    return Image(
        object=seen.object,
        key=seen.key,
        epoch=epoch,
        off=seen.off,
        image=image,
        deleted=deleted,
        source_at=_instant(seen.event.source_ts_ms),
    )


def _differs(older: Image | None, image: Image, columns: Iterable[str]) -> bool:
    """A column that no plan reads marks nothing (kanban drags, log-ins); a row that comes or goes does."""
    if older is None or older.deleted != image.deleted:
        return True
    return any(older.image.get(c) != image.image.get(c) for c in columns)


def _read_to_the_end(plan: Plan, newest: Iterable[Seen]) -> set[str]:
    """Objects whose last snapshot row is among these."""
    marks = {(seen.object, seen.event.snapshot_mark) for seen in newest}
    if any(mark == snapshots.LAST_OF_ALL for _, mark in marks):
        return {o.object for o in plan.objects}
    return {object_ for object_, mark in marks if mark == snapshots.LAST_OF_TABLE}


def _cause(event: ChangeEvent) -> str:
    return "snapshot" if event.snapshot else event.op.name.lower()


def _instant(ts_ms: int) -> datetime | None:
    return datetime.fromtimestamp(ts_ms / 1000, tz=UTC) if ts_ms else None


def _truncated(conn: Connection, object_: str) -> None:
    """TRUNCATE pauses its object and asks: nothing is deleted before the answer (H-23)."""
    for lane in naming.LANES:
        wishes.want(conn, (object_, "sinks", lane), "paused", "take", "LG-0704 its table was truncated in the source")
    journal.note(conn, "take", "truncated", object_=object_)
    _log.error("truncated", object=object_, code="LG-0704")
