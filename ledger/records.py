"""`records`: what is in the destination, once for all generations; leases and receipts (law 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from ledger import desired
from ledger.connection import Connection, columns
from ledger.desired import Desired, RecordKey, Step
from ledger.sql import query

#: A lease outlives the HTTP timeout (10 s in all) with a margin, so that its end means: no call of ours is under way.
LEASE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the destination holds of one record, as far as receipts say."""

    remote_id: str | None = None
    present: bool = False
    unknown: bool = False  #: a call left and was not answered
    written_generation: int | None = None
    written_seq: int | None = None
    written_hash: str | None = None
    created_by_us: bool | None = None
    again: str | None = None  #: cause of an order to write the same again
    leased: bool = False


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
    return {(r.pop("kind"), r.pop("key")): Record(**r) for r in rows}


def lease(conn: Connection, keys: Iterable[RecordKey], token: UUID, worker: str) -> set[RecordKey]:
    """Takes the lease of each record that nobody has; the others are absent from the answer."""
    args = {"token": token, "worker": worker, "seconds": LEASE_S, **desired.pairs(keys)}
    return _keys(conn.execute(query("records", "lease"), args))


def written(
    conn: Connection, generation: int, token: UUID, receipts: Sequence[Written], look_s: float
) -> dict[RecordKey, Receipted]:
    """Stores receipts of writes; a receipt whose token is lost is absent from the answer and changed nothing."""
    if not receipts:
        return {}
    ordered = sorted(receipts, key=lambda r: (r.kind, r.key))
    names = ("kinds", "keys", "seqs", "hashes", "remote_ids", "ours", "befores", "looks")
    values = columns([(r.kind, r.key, r.seq, r.hash, r.remote_id, r.ours, _json(r.before), r.look) for r in ordered])
    args = {"generation": generation, "token": token, "look_seconds": look_s, **dict(zip(names, values, strict=True))}
    rows = conn.execute(query("records", "written"), args)
    return {(r["kind"], r["key"]): Receipted(landed=r["landed"], again=r["again"]) for r in rows}


def gone(conn: Connection, generation: int, token: UUID, items: Sequence[tuple[str, str, int]]) -> set[RecordKey]:
    """Stores receipts of removals: (kind, key, seq)."""
    if not items:
        return set()
    kinds, keys, seqs = columns(sorted(items))
    args = {"generation": generation, "token": token, "kinds": kinds, "keys": keys, "seqs": seqs}
    return _keys(conn.execute(query("records", "gone"), args))


def release(conn: Connection, token: UUID, items: Sequence[tuple[str, str, bool]]) -> set[RecordKey]:
    """Gives leases back: (kind, key, unknown); unknown = the call may have been applied."""
    if not items:
        return set()
    kinds, keys, unknowns = columns(sorted(items))
    args = {"token": token, "kinds": kinds, "keys": keys, "unknowns": unknowns}
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


def look_due(conn: Connection, most: int) -> dict[RecordKey, str]:
    """Records to be looked at once more, with their remote ids."""
    rows = conn.execute(query("records", "look_due"), {"most": most})
    return {(r["kind"], r["key"]): r["remote_id"] for r in rows}


def leased(conn: Connection) -> int:
    """Records under a lease now."""
    row = conn.execute(query("records", "leased")).fetchone()
    return row["n"] if row else 0


def remote_ids(conn: Connection, kinds: Sequence[str]) -> dict[RecordKey, str]:
    """Remote ids of all records that are there."""
    rows = conn.execute(query("records", "remote_ids"), {"kinds": list(kinds)})
    return {(r["kind"], r["key"]): r["remote_id"] for r in rows}


def _keys(rows: Iterable[Mapping[str, Any]]) -> set[RecordKey]:
    return {(r["kind"], r["key"]) for r in rows}


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
