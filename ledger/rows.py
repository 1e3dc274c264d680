"""`rows`: per source row the newest image; `links`: which rows its projection reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from ledger.connection import Connection, columns
from ledger.sql import query

RowKey = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Image:
    """One source row as last captured."""

    object: str  #: our name of the table, e.g. `contact`
    key: str  #: source key
    epoch: int  #: rises when a topic is made anew
    off: int  #: offset in its cdc topic
    image: Mapping[str, Any]  #: the Debezium image, undecoded
    deleted: bool
    source_at: datetime | None  #: commit time in the source


def lock(conn: Connection, keys: Iterable[RowKey]) -> dict[RowKey, Image]:
    """Stored versions of these rows, locked; absent rows are absent."""
    objects, names = _pairs(keys)
    found = conn.execute(query("rows", "lock"), {"objects": objects, "keys": names})
    return {(r["object"], r["key"]): _image(r) for r in found}


def upsert(conn: Connection, images: Sequence[Image]) -> set[RowKey]:
    """Stores images whose (epoch, offset) is higher than the stored one's; returns the rows that moved.

    A row that was not there yet cannot be locked beforehand: of two takes that both bring it, one finds here that the
    other was newer."""
    if not images:
        return set()
    ordered = sorted(images, key=lambda i: (i.object, i.key))
    names = ("objects", "keys", "epochs", "offs", "images", "deleted", "source_at")
    values = columns(
        [(i.object, i.key, i.epoch, i.off, orjson.dumps(i.image).decode(), i.deleted, i.source_at) for i in ordered]
    )
    moved = conn.execute(query("rows", "upsert"), dict(zip(names, values, strict=True)))
    return {(r["object"], r["key"]) for r in moved}


def relink(conn: Connection, links: Mapping[RowKey, Sequence[RowKey]]) -> None:
    """Replaces the links of these rows."""
    if not links:
        return
    objects, keys = _pairs(links)
    conn.execute(query("rows", "unlink"), {"objects": objects, "keys": keys})
    flat = [(o, k, ro, rk) for (o, k), refs in sorted(links.items()) for ro, rk in refs]
    if flat:
        names = ("objects", "keys", "ref_objects", "ref_keys")
        conn.execute(query("rows", "link"), dict(zip(names, columns(flat), strict=True)))


def images(conn: Connection, keys: Iterable[RowKey]) -> dict[RowKey, Image]:
    """Newest images of these rows, without a lock."""
    objects, names = _pairs(keys)
    if not objects:
        return {}
    found = conn.execute(query("rows", "images"), {"objects": objects, "keys": names})
    return {(r["object"], r["key"]): _image({"epoch": 0, "off": 0, **r}) for r in found}


def _pairs(keys: Iterable[RowKey]) -> tuple[list[str], list[str]]:
    ordered = sorted(set(keys))
    return [o for o, _ in ordered], [k for _, k in ordered]


def _image(row: Mapping[str, Any]) -> Image:
    return Image(
        object=row["object"],
        key=row["key"],
        epoch=row["epoch"],
        off=row["off"],
        image=orjson.loads(row["image"]),
        deleted=row["deleted"],
        source_at=row.get("source_at"),
    )
