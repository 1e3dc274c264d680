"""`uniques`: per value the destination holds unique, its claimants (from rows) and its holder (in the destination)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ledger import desired
from ledger.connection import Connection, columns
from ledger.desired import RecordKey
from ledger.sql import query

#: (kind, field, value), e.g. ("contact", "emails.primaryEmail", "x@example.com")
Value = tuple[str, str, str]


def reclaim(conn: Connection, claims: Mapping[RecordKey, Sequence[tuple[str, str]]]) -> dict[Value, str]:
    """Replaces the claims of these records; returns who won each value that was or is claimed, before this change.

    Locks the values in order, so that two projections of rival records never miss each other's claim."""
    pairs = desired.pairs(claims)
    wanted = {(kind, field, value) for (kind, _), own in claims.items() for field, value in own}
    before = _claimed_by(conn, pairs)
    touched = wanted | before
    if not touched:
        return {}
    lock(conn, touched)
    old_winners = winners(conn, touched)
    conn.execute(query("uniques", "forget_claims"), pairs)
    flat = sorted((kind, field, value, key) for (kind, key), own in claims.items() for field, value in own)
    if flat:
        conn.execute(query("uniques", "claim"), _named(flat, ("kinds", "fields", "values", "keys")))
    return {value: old_winners.get(value, "") for value in touched}


def winners(conn: Connection, values: Iterable[Value]) -> dict[Value, str]:
    """Smallest source key among the claimants of each value."""
    args = _named(sorted(values), ("kinds", "fields", "values"))
    rows = conn.execute(query("uniques", "winners"), args)
    return {(r["kind"], r["field"], r["value"]): r["key"] for r in rows}


def lock(conn: Connection, values: Iterable[Value]) -> dict[Value, str | None]:
    """Locks these values in order; returns who holds each in the destination."""
    ordered = sorted(values)
    if not ordered:
        return {}
    args = _named(ordered, ("kinds", "fields", "values"))
    conn.execute(query("uniques", "ensure"), args)
    rows = conn.execute(query("uniques", "lock"), args)
    return {(r["kind"], r["field"], r["value"]): r["holder_key"] for r in rows}


def hold(conn: Connection, holders: Mapping[Value, str]) -> None:
    """Notes who will hold each value once the call that leaves now is applied."""
    if holders:
        flat = sorted((*value, key) for value, key in holders.items())
        conn.execute(query("uniques", "hold"), _named(flat, ("kinds", "fields", "values", "keys")))


def receipted(
    conn: Connection, carried: Mapping[RecordKey, Sequence[tuple[str, str]]], giving_up: Iterable[RecordKey]
) -> None:
    """After a receipt: what each record carries stays its own; anything else that those `giving_up` held is free."""
    if not carried:
        return
    flat = sorted((kind, field, value, key) for (kind, key), own in carried.items() for field, value in own)
    names = ("kinds", "fields", "values", "keys")
    kept = _named(flat, names) if flat else {name: [] for name in names}
    conn.execute(query("uniques", "keep"), kept)
    conn.execute(
        query("uniques", "give_up"), {**desired.pairs(giving_up), **{f"c_{name}": kept[name] for name in names}}
    )


def refused(conn: Connection, keys: Iterable[RecordKey]) -> None:
    """After a call that was not applied: values taken for it alone are free again."""
    conn.execute(query("uniques", "give_back"), desired.pairs(keys))


def settled(conn: Connection, keys: Iterable[RecordKey]) -> None:
    """After a read that saw what an unanswered call wrote: what that call took is held."""
    conn.execute(query("uniques", "keep_all"), desired.pairs(keys))


def _claimed_by(conn: Connection, pairs: Mapping[str, list[str]]) -> set[Value]:
    rows = conn.execute(query("uniques", "claimed_by"), pairs)
    return {(r["kind"], r["field"], r["value"]) for r in rows}


def _named(flat: Sequence[tuple[str, ...]], names: tuple[str, ...]) -> dict[str, list[str]]:
    return dict(zip(names, columns(list(flat)) if flat else [[] for _ in names], strict=True))
