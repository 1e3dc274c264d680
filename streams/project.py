"""Project: dirty records, from the newest images by the approved plan, into `desired`; then a hint.

1. lock the dirty marks, 2. lock the current desired, 3. read images and revision in statements of their own (H-12),
4. the pure transform, 5. claims of unique values, 6. write desired, 7. clear the marks. One transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import failpoints, logs
from ledger import desired, dirty, plans, records, rows, snapshots, uniques, waits
from ledger.connection import Connection, in_transaction
from ledger.desired import Current, Desired, RecordKey, State, Verb
from ledger.dirty import Mark
from ledger.pool import Pool
from ledger.records import ABSENT, Record
from ledger.rows import Image, RowKey
from ledger.waits import Wait, Why
from schemas import column_types, murmur2, naming
from schemas import desired as shapes
from schemas.desired import Claim
from schemas.plan import Plan
from streams.transform import projection
from streams.transform.projection import Projected, Refused

#: Marks worked off in one transaction.
AT_ONCE = 200
#: Causes that are the row's own change: only these have a latency from the source's commit.
OWN_CAUSES = frozenset({"create", "update", "delete", "snapshot"})
#: What a record that should not be there hashes to: every change to or from it raises seq.
NOTHING = "nothing"
_log = logs.get("streams")


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The record reads a row that has not been captured yet."""

    on: RowKey


@dataclass(frozen=True, kw_only=True)
class Removed:
    """The source row is deleted."""


Result = Projected | Refused | Waiting | Removed


@dataclass(frozen=True, kw_only=True)
class World:
    """What one projection reads, after the locks."""

    plan: Plan
    revision: str
    images: Mapping[RowKey, Image]
    current: Mapping[RecordKey, Current]
    records: Mapping[RecordKey, Record]
    complete: frozenset[str]  #: objects read to the end: a row of theirs that is not there will not come


class Projector:
    """Works off the dirty marks of one generation."""

    def __init__(self, pool: Pool, generation: int) -> None:
        self._pool = pool
        self._generation = generation

    def step(self) -> list[Desired]:
        """Projects up to 200 dirty records; returns those that are due now. Empty and quiet: nothing was dirty."""
        with self._pool.use() as conn:
            queued, marks = in_transaction(conn, self._project)
            followed = marks < AT_ONCE and in_transaction(conn, self._fan_out)
        if queued:
            failpoints.hit("project.after-ledger")
        self.idle = not (marks or followed)
        return queued

    idle = False  #: whether the last step found nothing to do

    def sweep(self) -> None:
        """Each second: records parked for a row that has come, or cannot come any more, are projected again."""
        with self._pool.use() as conn, conn.transaction():
            late = snapshots.awaited(conn, self._generation)
            dirty.mark(conn, [Mark(kind=k, key=key, lane="backfill", cause="row awaited") for k, key in sorted(late)])

    def _fan_out(self, conn: Connection) -> bool:
        _, plan = plans.obeyed(conn, self._generation)
        readers = {o.object: sorted(plan.readers(o.object)) for o in plan.objects}
        return dirty.advance(conn, self._generation, readers)

    def _project(self, conn: Connection) -> tuple[list[Desired], int]:
        marks = dirty.lock(conn, self._generation, AT_ONCE)
        if not marks:
            return [], 0
        names = [(m.kind, m.key) for m in marks]
        current = desired.lock(conn, self._generation, names)
        world = self._read(conn, names, current)
        rows.relink(conn, _links_anew(world, marks))
        results = {m: _project_one(world, m, frozenset()) for m in marks}
        losing = self._claim(conn, results)
        results |= {m: _project_one(world, m, losing[m]) for m in marks if losing.get(m)}
        wanted = [_desired(world, m, results[m], losing.get(m, frozenset())) for m in marks]
        desired.upsert(conn, self._generation, wanted)
        self._note_waits(conn, results, wanted)
        dirty.clear(conn, self._generation, marks)
        return [d for d in wanted if d.state is State.QUEUED], len(marks)

    def _read(self, conn: Connection, names: Sequence[RecordKey], current: Mapping[RecordKey, Current]) -> World:
        revision, plan = plans.obeyed(conn, self._generation)
        own = rows.images(conn, names)
        related = {r for (kind, _), image in own.items() for r in projection.reads(plan.object(kind), image.image)}
        return World(
            plan=plan,
            revision=revision,
            images={**own, **rows.images(conn, related)},
            current=current,
            records=records.read(conn, names),
            complete=snapshots.complete(conn),
        )

    def _claim(self, conn: Connection, results: Mapping[Mark, Result]) -> dict[Mark, frozenset[Claim]]:
        """Renews the claims of these records; a record whose chance at a value changed is projected again."""
        claims = {
            (m.kind, m.key): [(c.field, c.value) for c in r.claims] if isinstance(r, Projected) else []
            for m, r in results.items()
        }
        before = uniques.reclaim(conn, claims)
        now = uniques.winners(conn, before) if before else {}
        here = set(claims)
        touched = {
            (value[0], key)
            for value, winner in before.items()
            if now.get(value, "") != winner
            for key in (winner, now.get(value, ""))
            if key and (value[0], key) not in here
        }
        dirty.mark(conn, [Mark(kind=k, key=key, lane="live", cause="unique value") for k, key in sorted(touched)])
        return {
            m: frozenset(c for c in r.claims if now.get((m.kind, c.field, c.value)) != m.key)
            for m, r in results.items()
            if isinstance(r, Projected)
        }

    def _note_waits(self, conn: Connection, results: Mapping[Mark, Result], wanted: Sequence[Desired]) -> None:
        on = [
            Wait(kind=m.kind, key=m.key, on_kind=r.on[0], on_key=r.on[1], why=Why.PARENT)
            for m, r in results.items()
            if isinstance(r, Waiting)
        ]
        if on:
            waits.replace(conn, self._generation, [(w.kind, w.key) for w in on], on)
        ended = [(d.kind, d.key) for d in wanted if d.state in (State.DEAD, State.FILTERED, State.REMOVED)]
        waits.replace(conn, self._generation, ended, [])
        waits.free(conn, self._generation, ended, "parent ended", desired.OWN_LANE)


def _links_anew(world: World, marks: Sequence[Mark]) -> dict[RowKey, Sequence[RowKey]]:
    """Another revision may point elsewhere: the links of what was last projected under an older one follow from it."""
    stale = [(m.kind, m.key) for m in marks if _revision_of(world, m) != world.revision]
    own = {name: world.images.get(name) for name in stale}
    return {
        name: projection.references(world.plan.object(name[0]), image.image)
        for name, image in own.items()
        if image is not None and not image.deleted
    }


def _revision_of(world: World, mark: Mark) -> str | None:
    current = world.current.get((mark.kind, mark.key))
    return None if current is None else current.revision


def _project_one(world: World, mark: Mark, losing: frozenset[Claim]) -> Result:
    image = world.images.get((mark.kind, mark.key))
    if image is None or image.deleted:
        return Removed()
    object_plan = world.plan.object(mark.kind)
    related: dict[RowKey, Mapping[str, Any] | None] = {}
    for row in projection.reads(object_plan, image.image):
        fed = world.images.get(row)
        if fed is None and row[0] not in world.complete:
            return Waiting(on=row)
        there = fed is not None and not fed.deleted
        related[row] = column_types.decode_row(fed.image, world.plan.columns[row[0]]) if fed and there else None
    try:
        typed = column_types.decode_row(image.image, world.plan.columns[mark.kind])
        return projection.project(world.plan, object_plan, mark.key, typed, related, losing)
    except Exception as error:  # law 4: an exception in the pure transform is that record's own `dead`
        _log.exception("transform failed", object=mark.kind, key=mark.key)
        return Refused(code="LG-0602", reason=type(error).__name__)


def _desired(world: World, mark: Mark, result: Result, losing: frozenset[Claim]) -> Desired:
    """Pure: the new row of `desired`; seq rises when the hash differs, and a newer image replaces an older fate."""
    old = world.current.get((mark.kind, mark.key))
    record = world.records.get((mark.kind, mark.key), ABSENT)
    wanted = not isinstance(result, Removed)
    parts = shapes.to_json(result.parts) if isinstance(result, Projected) else None
    refs = [_ref(r) for r in result.refs] if isinstance(result, Projected) else []
    claims = [c for c in result.claims if c not in losing] if isinstance(result, Projected) else []
    digest = shapes.payload_hash([parts, refs]) if isinstance(result, Projected) else _digest(result)
    changed = old is None or old.hash != digest
    state, code, reason = _state(result, record)
    if old is not None and not changed and state is State.QUEUED:
        state, code, reason = old.state, old.code, old.reason
    image = world.images.get((mark.kind, mark.key))
    return Desired(
        kind=mark.kind,
        key=mark.key,
        object=mark.kind,
        seq=(old.seq if old else 0) + (1 if changed else 0),
        wanted=wanted,
        payload=parts,
        refs=refs,
        claims=[{"field": c.field, "value": c.value} for c in claims],
        flags=list(result.flags) if isinstance(result, Projected) else [],
        hash=digest,
        revision=world.revision,
        state=state,
        verb=_verb(wanted, record),
        lane=_lane(old, mark, changed),
        shard=murmur2.partition(naming.hint_key(mark.kind, mark.key), naming.PARTITIONS),
        cause=mark.cause,
        code=code,
        reason=reason,
        source_at=image.source_at if image and mark.cause in OWN_CAUSES else None,
    )


def _state(result: Result, record: Record) -> tuple[State, str | None, str | None]:
    match result:
        case Projected():
            return State.QUEUED, None, None
        case Refused():
            return State.DEAD, result.code, result.reason
        case Waiting():
            return State.PARKED, "LG-0606", f"waits for {result.on[0]} {result.on[1]}"
        case Removed():
            never = not (record.present or record.unknown or record.leased)
            return (State.REMOVED if never else State.QUEUED), None, None


def _verb(wanted: bool, record: Record) -> Verb:
    if record.unknown:
        return Verb.LOOK
    if not wanted:
        return Verb.REMOVE
    return Verb.UPDATE if record.present else Verb.CREATE


def _lane(old: Current | None, mark: Mark, changed: bool) -> str:
    """A live cause lifts a queued backfill record; nothing that is queued live sinks to backfill."""
    if mark.lane == "live" or old is None or old.state is not State.QUEUED:
        return mark.lane
    return old.lane


def _digest(result: Refused | Waiting | Removed) -> str:
    match result:
        case Removed():
            return NOTHING
        case Refused():
            return shapes.payload_hash([result.code, result.reason])
        case Waiting():
            return shapes.payload_hash(["waits", *result.on])


def _ref(ref: shapes.Ref) -> dict[str, Any]:
    return {"field": ref.field, "kind": ref.kind, "key": ref.key, "link": ref.link.value, "part": ref.part}
