"""`desired`: what should be in the destination, one record a row, and the state it is in (law 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from ledger.connection import Connection, columns
from ledger.sql import query

RecordKey = tuple[str, str]

#: A record is not written again sooner than this after its last receipt; its first change goes at once.
CALM_S = 0.3

#: Given as a lane: the record keeps the one it has; a wake is no cause of its own to overtake the backfill.
OWN_LANE = "own"


class State(StrEnum):
    """The one state of a row (law 3)."""

    FILTERED = "filtered"  #: stays behind, with why
    QUEUED = "queued"  #: to be written
    PARKED = "parked"  #: waits for a parent or a value
    ASKED = "asked"  #: waits for a person
    DEAD = "dead"  #: the destination will never take it
    DELIVERED = "delivered"
    REMOVED = "removed"  #: deleted in the source, and no longer in the destination


#: A parent in one of these states has ended without a record: nobody waits for it.
ENDED = (State.DEAD, State.FILTERED, State.REMOVED)


class Verb(StrEnum):
    """The next step of a queued record."""

    LOOK = "look"  #: a call was not answered: read before anyone writes (law 2)
    REMOVE = "remove"
    CREATE = "create"
    UPDATE = "update"


@dataclass(frozen=True, kw_only=True)
class Desired:
    """What should be there for one record."""

    kind: str
    key: str
    object: str  #: object of the source row it is made from
    seq: int  #: rises when the hash differs
    wanted: bool  #: False: it should not be there
    payload: list[dict[str, Any]] | None  #: parts in order, see schemas.desired
    refs: Sequence[Mapping[str, Any]] = ()
    claims: Sequence[Mapping[str, Any]] = ()
    flags: Sequence[str] = ()
    hash: str
    revision: str
    state: State
    verb: Verb
    lane: str
    shard: int = 0
    cause: str
    code: str | None = None
    reason: str | None = None
    source_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Current:
    """The part of a stored desired that a projection compares itself with."""

    seq: int
    hash: str
    revision: str
    state: State
    verb: Verb
    wanted: bool
    lane: str
    code: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of one record at the seq that was delivered."""

    kind: str
    key: str
    seq: int
    state: State
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """A kind of work that is due."""

    lane: str
    kind: str
    verb: Verb = field(default=Verb.CREATE)


_JSON = {"payload", "refs", "claims", "flags"}
_FIELDS = [f.name for f in fields(Desired)]


def lock(conn: Connection, generation: int, keys: Iterable[RecordKey]) -> dict[RecordKey, Current]:
    """The current desired of these records, locked."""
    args = {"generation": generation, **pairs(keys)}
    return {
        (r.pop("kind"), r.pop("key")): Current(**{**r, "state": State(r["state"]), "verb": Verb(r["verb"])})
        for r in conn.execute(query("desired", "lock"), args)
    }


def upsert(conn: Connection, generation: int, items: Sequence[Desired]) -> None:
    """Stores what should be there; the caller has decided seq and state under the lock."""
    if not items:
        return
    values = columns([tuple(_cell(i, name) for name in _FIELDS) for i in items])
    args = {"generation": generation, "calm_s": CALM_S, **dict(zip(_FIELDS, values, strict=True))}
    conn.execute(query("desired", "upsert"), args)


def read(conn: Connection, generation: int, keys: Iterable[RecordKey]) -> dict[RecordKey, Desired]:
    """What should be there for these records."""
    args = {"generation": generation, **pairs(keys)}
    return {(r["kind"], r["key"]): from_row(r) for r in conn.execute(query("desired", "read"), args)}


def due(conn: Connection, generation: int, lanes: list[str], kinds: list[str], shards: list[int]) -> list[Step]:
    """The kinds of work due in these shards, most urgent first."""
    args = {
        "generation": generation,
        "lanes": lanes,
        "kinds": kinds,
        "verbs": [v.value for v in Verb],
        "shards": shards,
    }
    return [
        Step(lane=r["lane"], kind=r["kind"], verb=Verb(r["verb"])) for r in conn.execute(query("desired", "due"), args)
    ]


def requeue(conn: Connection, generation: int, keys: Iterable[RecordKey], cause: str, lane: str) -> None:
    """Sets records to be delivered again; a record that is neither wanted nor there stays as it is."""
    named = pairs(keys)
    if named["keys"]:
        conn.execute(query("desired", "requeue"), {"generation": generation, "cause": cause, "lane": lane, **named})


def settle(conn: Connection, generation: int, settlements: Sequence[Settlement]) -> set[RecordKey]:
    """Writes states down; returns those whose seq was still the newest. The others stay queued under a newer seq."""
    if not settlements:
        return set()
    ordered = sorted(settlements, key=lambda s: (s.kind, s.key))
    kinds, keys, seqs, states, codes, reasons = columns(
        [(s.kind, s.key, s.seq, s.state.value, s.code, s.reason) for s in ordered]
    )
    args = {"kinds": kinds, "keys": keys, "seqs": seqs, "states": states, "codes": codes, "reasons": reasons}
    found = conn.execute(query("desired", "settle"), {"generation": generation, **args})
    return {(r["kind"], r["key"]) for r in found}


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What those who depend on a record must know of it."""

    state: State
    wanted: bool

    @property
    def ended(self) -> State | None:
        """The state in which it ended without a record, or None while it may still land."""
        return self.state if self.state in ENDED else None if self.wanted else State.REMOVED

    @property
    def stuck(self) -> bool:
        """It stays as it is until a person or a newer image moves it."""
        return self.state in (State.ASKED, State.DEAD, State.FILTERED)


def fates(conn: Connection, generation: int, keys: Iterable[RecordKey]) -> dict[RecordKey, Fate]:
    """The fate of those that were projected."""
    named = pairs(keys)
    if not named["keys"]:
        return {}
    rows = conn.execute(query("desired", "states"), {"generation": generation, **named})
    return {(r["kind"], r["key"]): Fate(state=State(r["state"]), wanted=r["wanted"]) for r in rows}


def children(conn: Connection, generation: int, keys: Iterable[RecordKey]) -> set[RecordKey]:
    """Delivered records whose rows point to these."""
    rows = conn.execute(query("desired", "children"), {"generation": generation, **pairs(keys)})
    return {(r["kind"], r["key"]) for r in rows}


def next_step(conn: Connection, generation: int, keys: Iterable[RecordKey]) -> None:
    """Gives queued records the step that fits what the destination holds now."""
    named = pairs(keys)
    if named["keys"]:
        conn.execute(query("desired", "next_step"), {"generation": generation, **named})


def postpone(
    conn: Connection, generation: int, keys: Iterable[RecordKey], seconds: float, verb: Verb | None = None
) -> None:
    """Leaves records queued, not to be tried before `seconds` have passed (the ledger's clock)."""
    named = pairs(keys)
    if named["keys"]:
        args = {"generation": generation, "seconds": seconds, "verb": verb.value if verb else None, **named}
        conn.execute(query("desired", "postpone"), args)


def lost_work(conn: Connection, generation: int, most: int = 1000) -> list[RecordKey]:
    """The full comparison, desired against written: must find nothing outside the index of due work (DESIGN 2)."""
    found = conn.execute(query("desired", "lost_work"), {"generation": generation, "most": most})
    return [(r["kind"], r["key"]) for r in found]


def _cell(item: Desired, name: str) -> Any:
    value = getattr(item, name)
    if name in _JSON:
        return None if value is None else orjson.dumps(value).decode()
    return value.value if isinstance(value, StrEnum) else value


def from_row(row: Mapping[str, Any]) -> Desired:
    """Reads a row of `desired` whose json columns came as text."""
    loaded = {name: orjson.loads(row[name]) if row[name] is not None else None for name in _JSON}
    return Desired(**{**row, **loaded, "state": State(row["state"]), "verb": Verb(row["verb"])})


def pairs(keys: Iterable[RecordKey]) -> dict[str, list[str]]:
    """The two arrays that `unnest` takes, sorted."""
    ordered = sorted(set(keys))
    return {"kinds": [k for k, _ in ordered], "keys": [k for _, k in ordered]}
