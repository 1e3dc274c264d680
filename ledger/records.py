"""`records`: what is in the destination, once for all generations; leases and receipts (law 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from ledger import desired
from ledger.connection import Connection, columns
from ledger.desired import Desired, RecordKey, Step
from ledger.sql import query

#: A lease outlives the HTTP timeout (10 s in all) with a margin, so that its end means: no call of ours is under way.
LEASE_S = 30.0


class Known(StrEnum):
    """What a call that wrote nothing told of a record."""

    NOTHING_NEW = "nothing new"  #: it was not applied
    UNANSWERED = "unanswered"  #: it may have been applied: read before anyone writes
    THERE = "there"  #: a read saw it, holding something else than what is wanted
    ABSENT = "absent"  #: a read, or a refused create, says that it is not there
    LEFT = "left"  #: a person deleted it; it counts as ours, so that nobody creates it again


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the destination holds of one record, as far as receipts say."""

    remote_id: str | None = None
    present: bool = False
    unknown: bool = False  #: a call left and was not answered
    removing: bool = False  #: the last call that may have changed it was a removal of ours
    written_generation: int | None = None
    written_seq: int | None = None
    written_hash: str | None = None
    created_by_us: bool | None = None
    again: str | None = None  #: cause of an order to write the same again
    leased: bool = False
    parts: tuple[tuple[str, str], ...] = ()  #: (object, remote id) of its further rows, as of the last receipt
    orphaned_seq: int | None = None  #: the seq at which the destination missed a parent of it


@dataclass(frozen=True, kw_only=True)
class Written:
    """A receipt: the destination holds the record as of `seq`."""

    kind: str
    key: str
    seq: int
    hash: str  #: of the resolved payload
    remote_id: str
    ours: bool  #: created by us, not found there
    before: Mapping[str, Any] | None = None
    look: bool = False  #: taken over from an unanswered call: look once more
    parts: tuple[tuple[str, str], ...] = ()  #: (object, remote id) of its further rows


@dataclass(frozen=True, kw_only=True)
class Released:
    """A lease given back without a write."""

    kind: str
    key: str
    known: Known
    remote_id: str | None = None  #: where it was seen
    look: bool = False  #: taken over from an unanswered call: look once more
    orphaned_seq: int | None = None  #: the seq at which the destination missed a parent of it


@dataclass(frozen=True, kw_only=True)
class Receipted:
    """A receipt the ledger took."""

    landed: bool  #: the record was not there before
    again: bool  #: an order to write it again came while the call was under way


ABSENT = Record()


def candidates(conn: Connection, generation: int, step: Step, shards: Sequence[int], most: int) -> list[Desired]:
    """Due records of one step, their desired rows locked; those of other workers are skipped."""
    args = {
        "generation": generation,
        "lane": step.lane,
        "kind": step.kind,
        "verb": step.verb.value,
        "shards": list(shards),
        "most": most,
    }
    return [desired.from_row(r) for r in conn.execute(query("records", "candidates"), args)]


def read(conn: Connection, keys: Iterable[RecordKey]) -> dict[RecordKey, Record]:
    """What is known of these records; those never touched are absent."""
    rows = conn.execute(query("records", "read"), desired.pairs(keys))
    return {(r.pop("kind"), r.pop("key")): Record(**{**r, "parts": _pairs_of(r["parts"])}) for r in rows}


def lease(
    conn: Connection, removing: Mapping[RecordKey, bool], token: UUID, worker: str, seconds: float = LEASE_S
) -> set[RecordKey]:
    """Takes the lease of each record that nobody has, for `seconds`; the others are absent from the answer.

    `removing` says per record whether the call may remove it."""
    if not removing:
        return set()
    kinds, keys, removings = columns([(kind, key, removing[kind, key]) for kind, key in sorted(removing)])
    args = {"token": token, "worker": worker, "seconds": seconds, "kinds": kinds, "keys": keys, "removings": removings}
    return _keys(conn.execute(query("records", "lease"), args))


def written(
    conn: Connection, generation: int, token: UUID, receipts: Sequence[Written], look_s: float
) -> dict[RecordKey, Receipted]:
    """Stores receipts of writes; a receipt whose token is lost is absent from the answer and changed nothing."""
    if not receipts:
        return {}
    ordered = sorted(receipts, key=lambda r: (r.kind, r.key))
    names = ("kinds", "keys", "seqs", "hashes", "remote_ids", "ours", "befores", "looks", "parts")
    values = columns([_written_row(r) for r in ordered])
    args = {"generation": generation, "token": token, "look_seconds": look_s, **dict(zip(names, values, strict=True))}
    rows = conn.execute(query("records", "written"), args)
    return {(r["kind"], r["key"]): Receipted(landed=r["landed"], again=r["again"]) for r in rows}


def gone(
    conn: Connection, generation: int, token: UUID, items: Sequence[tuple[str, str, int, bool]], look_s: float
) -> set[RecordKey]:
    """Stores receipts of removals: (kind, key, seq, look once more)."""
    if not items:
        return set()
    kinds, keys, seqs, looks = columns(sorted(items))
    args = {"kinds": kinds, "keys": keys, "seqs": seqs, "looks": looks, "look_seconds": look_s}
    return _keys(conn.execute(query("records", "gone"), {"generation": generation, "token": token, **args}))


def release(conn: Connection, token: UUID, items: Sequence[Released], look_s: float) -> set[RecordKey]:
    """Gives leases back; those whose token is lost are absent from the answer and stay as they are."""
    if not items:
        return set()
    ordered = sorted(items, key=lambda i: (i.kind, i.key))
    names = ("kinds", "keys", "knowns", "remote_ids", "looks", "orphaned")
    values = columns([(i.kind, i.key, i.known.value, i.remote_id, i.look, i.orphaned_seq) for i in ordered])
    args = {"token": token, "look_seconds": look_s, **dict(zip(names, values, strict=True))}
    return _keys(conn.execute(query("records", "release"), args))


def expire(conn: Connection) -> set[RecordKey]:
    """Ends leases past their time; their records are unknown from now on."""
    return _keys(conn.execute(query("records", "expire")))


def again(conn: Connection, keys: Iterable[RecordKey], cause: str, by: str) -> None:
    """Orders these records to be written again though their hash is equal; the caller requeues them."""
    conn.execute(query("records", "again"), {"cause": cause, "by": by, **desired.pairs(keys)})


def same(conn: Connection, generation: int, items: Sequence[tuple[str, str, int]]) -> set[RecordKey]:
    """Records that already hold what is wanted: (kind, key, seq); no call, no lease."""
    if not items:
        return set()
    kinds, keys, seqs = columns(sorted(items))
    args = {"generation": generation, "kinds": kinds, "keys": keys, "seqs": seqs}
    return _keys(conn.execute(query("records", "same"), args))


def suspect(conn: Connection, keys: Iterable[RecordKey]) -> set[RecordKey]:
    """Makes records unknown: whoever comes next reads before writing. Those under a lease are left alone."""
    return _keys(conn.execute(query("records", "suspect"), desired.pairs(keys)))


def share(conn: Connection, keys: Iterable[RecordKey]) -> set[RecordKey]:
    """Which of these records have landed; none of them changes before our transaction ends."""
    rows = conn.execute(query("records", "share"), desired.pairs(keys))
    return {(r["kind"], r["key"]) for r in rows if r["present"] and not r["unknown"]}


def look_due(conn: Connection, most: int) -> dict[RecordKey, str]:
    """Records to be looked at once more, with their remote ids."""
    rows = conn.execute(query("records", "look_due"), {"most": most})
    return {(r["kind"], r["key"]): r["remote_id"] for r in rows}


def leased(conn: Connection) -> int:
    """Records under a lease now."""
    row = conn.execute(query("records", "leased")).fetchone()
    return row["n"] if row else 0


def _written_row(r: Written) -> tuple[Any, ...]:
    return (r.kind, r.key, r.seq, r.hash, r.remote_id, r.ours, _json(r.before), r.look, _json(list(r.parts)))


def _pairs_of(text: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((object_, remote_id) for object_, remote_id in orjson.loads(text or "[]"))


def _keys(rows: Iterable[Mapping[str, Any]]) -> set[RecordKey]:
    return {(r["kind"], r["key"]) for r in rows}


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
