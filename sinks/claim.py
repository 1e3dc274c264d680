"""The claim: newest desired, parents resolved, unique values held, leases taken; one ledger transaction (law 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from ledger import desired, records, snapshots, uniques, waits
from ledger.connection import Connection, in_transaction
from ledger.desired import Desired, RecordKey, Settlement, State, Step
from ledger.records import ABSENT, Record
from ledger.uniques import Value
from ledger.waits import RING, Wait, Why
from schemas import desired as shapes
from schemas import ids
from schemas.desired import Link, Part
from sinks import deliver
from sinks.base import Outgoing
from sinks.steps import Ready


@dataclass(frozen=True, kw_only=True)
class Whose:
    """For whom a worker claims."""

    generation: int
    worker: str
    namespace: UUID  #: `id_namespace` of the migration file
    source: str  #: source kind, the first part of every id path
    destinations: Mapping[str, str]  #: kind → destination object
    unique: Mapping[str, tuple[str, ...]]  #: kind → fields whose values the destination holds unique
    lease_s: float = records.LEASE_S  #: how long a claim holds its records


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a claim must know of other records."""

    records: Mapping[RecordKey, Record]  #: the candidates' own and their parents'
    parents: Mapping[RecordKey, State | None]  #: how parents ended; None: may land; never projected ones are absent
    holders: Mapping[Value, str | None]  #: who holds each unique value in the destination
    asked: frozenset[RecordKey] = frozenset()  #: parents and holders that wait for a person
    stuck: frozenset[RecordKey] = frozenset()  #: holders that will not give a value up by themselves


@dataclass(kw_only=True)
class Sorted:
    """Candidates by what becomes of them."""

    go: list[Ready] = field(default_factory=list)
    same: list[Ready] = field(default_factory=list)  #: the destination already holds it: no call
    parked: list[tuple[Desired, Wait]] = field(default_factory=list)
    asked: list[tuple[Desired, Wait]] = field(default_factory=list)  #: behind a holder that will not move by itself
    orphans: list[Desired] = field(default_factory=list)  #: a required parent ended without a record


def claim(conn: Connection, whose: Whose, step: Step, shards: Sequence[int], most: int, token: UUID) -> list[Ready]:
    """Leases at most `most` records of one step and returns them ready to leave; parks and settles the others."""

    def work(conn: Connection) -> list[Ready]:
        found = records.candidates(conn, whose.generation, step, shards, most)
        if not found:
            return []
        what = sort(found, _look_around(conn, whose.generation, found), whose)
        _settle(conn, whose.generation, what)
        removing = {one.name: not one.desired.wanted for one in what.go}
        mine = records.lease(conn, removing, token, whose.worker, whose.lease_s)
        go = [one for one in what.go if one.name in mine]
        uniques.hold(conn, {(one.name[0], *value): one.name[1] for one in go for value in one.carries})
        return go

    return in_transaction(conn, work)


def sort(found: Iterable[Desired], around: Around, whose: Whose) -> Sorted:
    """Pure: who may go, who must wait for whom, who needs no call."""
    what, holders = Sorted(), dict(around.holders)
    around = replace(around, holders=holders)  # a value goes to one record of a batch; its rivals wait behind that one
    for one in found:
        record = around.records.get((one.kind, one.key), ABSENT)
        if record.leased:  # since the candidates were chosen: what that call writes is not known yet
            continue
        wait = _blocked(one, around) if one.wanted else None
        orphan = one.wanted and wait is None and _orphaned(one, around)
        ready = _resolve(one, record, around, whose)
        if record.unknown and (wait is not None or orphan):
            what.go.append(replace(ready, only_look=True))
        elif wait is not None and wait.why is Why.VALUE and (wait.on_kind, wait.on_key) in around.stuck:
            what.asked.append((one, wait))
        elif wait is not None and not _opens_a_ring(one, wait):
            what.parked.append((one, wait))
        elif orphan:
            what.orphans.append(one)
        elif one.wanted and record.present and not record.unknown and record.again is None and _equal(ready):
            what.same.append(ready)
        else:
            what.go.append(ready)
            holders |= {(one.kind, *value): one.key for value in ready.carries}
    return what


def _look_around(conn: Connection, generation: int, found: Sequence[Desired]) -> Around:
    own = {(one.kind, one.key) for one in found}
    parents = {(ref["kind"], ref["key"]) for one in found for ref in one.refs}
    holders = uniques.lock(conn, {value for one in found for value in _values(one)})
    rivals = {(value[0], key) for value, key in holders.items() if key is not None} - own
    fates = desired.fates(conn, generation, parents | rivals)
    ends = {name: fate.ended for name, fate in fates.items() if name in parents}
    ends |= dict.fromkeys(snapshots.dangling(conn, parents - set(ends)), State.REMOVED)
    return Around(
        records=records.read(conn, own | parents),
        parents=ends,
        holders=holders,
        asked=frozenset(name for name, fate in fates.items() if fate.state is State.ASKED),
        stuck=frozenset(name for name in rivals if name in fates and fates[name].stuck),
    )


def _blocked(one: Desired, around: Around) -> Wait | None:
    """The first thing this record must wait for: a parent that may still land, or a value that another holds.

    An optional parent that waits for a person is not waited for: the link is left out until it lands."""
    for ref in one.refs:
        parent = (ref["kind"], ref["key"])
        optional = ref["link"] == Link.OPTIONAL.value and parent in around.asked
        if _landed(parent, around) is None and around.parents.get(parent) is None and not optional:
            return Wait(kind=one.kind, key=one.key, on_kind=parent[0], on_key=parent[1], why=Why.PARENT)
    return next(iter(_others_values(one, around).values()), None)


def _others_values(one: Desired, around: Around) -> dict[Value, Wait]:
    """Values it should carry and another record holds in the destination."""
    return {
        value: Wait(kind=one.kind, key=one.key, on_kind=one.kind, on_key=holder, why=Why.VALUE)
        for value in _values(one)
        if (holder := around.holders.get(value)) is not None and holder != one.key
    }


def _opens_a_ring(one: Desired, wait: Wait) -> bool:
    """The smallest of a ring is first written without the value it waits for (H-25)."""
    return wait.why is Why.VALUE and one.cause == RING


def _equal(ready: Ready) -> bool:
    return ready.record.written_hash == ready.hash and not ready.withheld


def _orphaned(one: Desired, around: Around) -> bool:
    return any(
        ref["link"] == Link.REQUIRED.value and _landed((ref["kind"], ref["key"]), around) is None for ref in one.refs
    )


def _landed(parent: RecordKey, around: Around) -> str | None:
    """Its id, while it is there and stays: a link to what is about to go, or what a person deleted, is left out."""
    record = around.records.get(parent, ABSENT)
    goes = around.parents.get(parent) in (State.FILTERED, State.REMOVED)
    return record.remote_id if record.present and not record.unknown and not goes else None


def _resolve(one: Desired, record: Record, around: Around, whose: Whose) -> Ready:
    part, *further = shapes.from_json(one.payload) if one.payload and one.wanted else (None,)
    path = part.id_path if part else ids.record_path(one.kind, one.key)
    own_id = record.remote_id or ids.remote_id(whose.namespace, whose.source, path)

    def lookup(kind: str, key: str) -> str | None:
        return own_id if (kind, key) == (one.kind, one.key) else _landed((kind, key), around)

    fields = shapes.resolve(part.fields, lookup) if part else {}
    others = _others_values(one, around)
    fields = deliver.without(fields, [field for _, field, _ in others])
    outgoing = Outgoing(
        object=part.object if part else whose.destinations[one.kind],
        remote_id=own_id,
        fields=fields,
    )
    rows = _further(further, lookup, whose)
    refs = [(ref["kind"], ref["key"]) for ref in one.refs]
    return Ready(
        desired=one,
        record=record,
        outgoing=outgoing,
        hash=shapes.payload_hash([[row.object, row.fields] for row in (outgoing, *rows)]),
        left_out=tuple(parent for parent in refs if _landed(parent, around) is None),
        carries=tuple((field, value) for kind, field, value in _values(one) if (kind, field, value) not in others),
        withheld=tuple(others.values()),
        frees=() if one.wanted else whose.unique.get(one.kind, ()),
        parts=rows,
    )


def _further(parts: Iterable[Part], lookup: Callable[[str, str], str | None], whose: Whose) -> tuple[Outgoing, ...]:
    """The further rows of a record; one whose link is left out does not exist."""
    there = [part for part in parts if all(lookup(kind, key) is not None for kind, key in shapes.refs_in(part.fields))]
    return tuple(
        Outgoing(
            object=part.object,
            remote_id=ids.remote_id(whose.namespace, whose.source, part.id_path),
            fields=shapes.resolve(part.fields, lookup),
        )
        for part in there
    )


def _settle(conn: Connection, generation: int, what: Sorted) -> None:
    """Writes down those who do not go: parked behind whom, delivered without a call, dead with the parent."""
    states = [
        Settlement(kind=one.kind, key=one.key, seq=one.seq, state=State.PARKED, code=_code(wait), reason=_says(wait))
        for one, wait in what.parked
    ]
    states += [
        Settlement(
            kind=one.kind,
            key=one.key,
            seq=one.seq,
            state=State.ASKED,
            code="LG-0604",
            reason=f"{wait.on_kind} {wait.on_key} holds its value in the destination and stays as it is",
        )
        for one, wait in what.asked
    ]
    same = [one.desired for one in what.same]
    states += [Settlement(kind=one.kind, key=one.key, seq=one.seq, state=State.DELIVERED) for one in same]
    states += [
        Settlement(
            kind=one.kind,
            key=one.key,
            seq=one.seq,
            state=State.DEAD,
            code="LG-0601",
            reason="a parent it requires ended without a record",
        )
        for one in what.orphans
    ]
    desired.settle(conn, generation, states)
    names = [(s.kind, s.key) for s in states]
    if names:
        on = [wait for _, wait in (*what.parked, *what.asked)]
        on += [wait for one in what.same for wait in one.without_links()]
        on += [wait for one in what.orphans for wait in on_parents(one)]
        waits.replace(conn, generation, names, on)
    records.same(conn, generation, [(one.kind, one.key, one.seq) for one in same])
    waits.free(conn, generation, [(one.kind, one.key) for one in what.orphans], "parent ended", desired.OWN_LANE)


def _values(one: Desired) -> list[Value]:
    return [(one.kind, claim["field"], claim["value"]) for claim in one.claims] if one.wanted else []


def on_parents(one: Desired) -> list[Wait]:
    """It waits for whichever of its parents lands: a dead child is re-driven with its parent."""
    return [Wait(kind=one.kind, key=one.key, on_kind=r["kind"], on_key=r["key"], why=Why.PARENT) for r in one.refs]


def _code(wait: Wait) -> str:
    return "LG-0606" if wait.why is Why.PARENT else "LG-0607"


def _says(wait: Wait) -> str:
    return f"waits for {wait.on_kind} {wait.on_key}"
