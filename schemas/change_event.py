"""A Debezium 3.7 change event as JSON without schemas, and its placeholder for values it did not see (law 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

UNAVAILABLE = "__debezium_unavailable_value"
_UNAVAILABLE_CODES = list(UNAVAILABLE.encode())  # how `bigint[]` columns carry it (`atomic_crm.md` 5.6)
_UNAVAILABLE_BASE64 = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="  # how `bytea` columns carry it


class Op(StrEnum):
    """What happened to the row."""

    READ = "r"  #: read by a snapshot
    CREATE = "c"  #: inserted
    UPDATE = "u"  #: updated
    DELETE = "d"  #: deleted; only its key is known
    TRUNCATE = "t"  #: the whole table was emptied; no key


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeEvent:
    """One row event of a cdc topic."""

    table: str  #: with its schema, `public.contacts`
    op: Op
    key: Mapping[str, Any]  #: primary-key columns; empty for a truncate or a table without primary key
    image: Mapping[str, Any] | None  #: the row after the change as Debezium wrote it; None for delete and truncate
    source_ts_ms: int  #: the source's clock at commit, for lag only, never for order
    snapshot: bool  #: it comes from a snapshot, initial or incremental
    snapshot_mark: str  #: Debezium's word: `true`, `first`, `last`, `incremental`, …; empty when streamed
    lsn: int | None  #: not unique, not monotone: for people, never for order (`engine.md` 3)
    tx: str | None  #: transaction id, the part before `:`; None for snapshot reads


def decode(topic: str, key: bytes | None, value: bytes | None) -> ChangeEvent | None:
    """Reads one record of a cdc topic.

    None for a tombstone and for what is no row event (heartbeat, message, transaction boundary).
    Raises ValueError for bytes that are not JSON: a topic we do not understand, so the caller halts.
    """
    if value is None:
        return None
    try:
        envelope = orjson.loads(value)
        key_fields = orjson.loads(key) if key else {}
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{topic}: a record is not JSON") from error
    if not isinstance(envelope, dict) or envelope.get("op") not in _OPS:
        return None
    op = Op(envelope["op"])
    source = envelope.get("source") or {}
    mark = _snapshot_mark(source.get("snapshot"))
    return ChangeEvent(
        table=_table(topic, source),
        op=op,
        key=key_fields if isinstance(key_fields, dict) else {},
        image=envelope.get("after") if op in _WITH_IMAGE else None,
        source_ts_ms=int(source.get("ts_ms") or 0),
        snapshot=bool(mark),
        snapshot_mark=mark,
        lsn=source.get("lsn"),
        tx=_transaction(envelope.get("transaction"), source.get("txId")),
    )


_OPS = frozenset(str(op) for op in Op)
_WITH_IMAGE = frozenset({Op.READ, Op.CREATE, Op.UPDATE})


def _table(topic: str, source: Mapping[str, Any]) -> str:
    if source.get("schema") and source.get("table"):
        return f"{source['schema']}.{source['table']}"
    return ".".join(topic.split(".")[-2:])


def _snapshot_mark(raw: Any) -> str:
    text = str(raw).lower() if raw is not None else "false"
    return "" if text == "false" else text


def _transaction(transaction: Any, tx_id: Any) -> str | None:
    """`transaction.id` is `xid:LSN of that event` and differs inside one transaction (`engine.md` 3)."""
    if isinstance(transaction, Mapping) and transaction.get("id"):
        return str(transaction["id"]).partition(":")[0]
    return None if tx_id is None else str(tx_id)


def source_key(row: Mapping[str, Any], columns: Iterable[str] | None = None) -> str:
    """Key values as text joined by `/`, in the order of `columns` (or of the mapping): `17`, `4/9`."""
    return "/".join(str(row[name]) for name in (row if columns is None else columns))


def is_unavailable(value: Any) -> bool:
    """True for Debezium's placeholder of an unchanged large value, in every form a column type gives it."""
    if isinstance(value, str):
        return value in (UNAVAILABLE, _UNAVAILABLE_BASE64)
    if isinstance(value, list | tuple):
        return _is_unavailable_list(value)
    if isinstance(value, Mapping):
        return len(value) == 1 and value.get(UNAVAILABLE) == UNAVAILABLE
    return isinstance(value, bytes) and value == UNAVAILABLE.encode()


def _is_unavailable_list(values: Sequence[Any]) -> bool:
    if len(values) == 1:
        return isinstance(values[0], str) and values[0] == UNAVAILABLE
    return len(values) == len(_UNAVAILABLE_CODES) and list(values) == _UNAVAILABLE_CODES


def fill(image: Mapping[str, Any], older: Mapping[str, Any] | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Replaces every placeholder of `image` by the value of the older image.

    Returns the whole image and the columns still unknown: the row was never seen with them (LG-0603).
    """
    whole = dict(image)
    missing = []
    for name, value in image.items():
        if not is_unavailable(value):
            continue
        if older is not None and name in older and not is_unavailable(older[name]):
            whole[name] = older[name]
        else:
            missing.append(name)
    return whole, tuple(missing)
