"""Order and cursors: a cursor is base64 of the order keys and the id, so paging is stable (recording 05)."""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.twenty.catalogue import EMPTY, ObjectType
from sandbox.twenty.errors import bad_request, unsupported

DIRECTIONS = ("AscNullsFirst", "AscNullsLast", "DescNullsFirst", "DescNullsLast")
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Key:
    """One order key."""

    path: tuple[str, ...]
    direction: str


BY_ID = (Key(path=("id",), direction="AscNullsFirst"),)


def parse_order(text: str | None) -> tuple[Key, ...]:
    """`updatedAt[AscNullsFirst],id`; the id is appended as the last key."""
    keys = []
    for part in (text or "").split(",") if text else []:
        name, _, rest = part.partition("[")
        direction = rest.rstrip("]") if rest else "AscNullsFirst"
        if direction not in DIRECTIONS:
            allowed = "', '".join(DIRECTIONS)
            raise bad_request(
                f"'order_by' direction '{direction}' invalid. Allowed values are '{allowed}'."
                " eg: ?order_by=field_1[AscNullsFirst],field_2[DescNullsLast],field_3"
            )
        keys.append(Key(path=tuple(name.split(".")), direction=direction))
    return tuple(keys) + (() if any(key.path == ("id",) for key in keys) else BY_ID)


def check_order(item: ObjectType, keys: Sequence[Key]) -> None:
    """400 for an unknown field, 501 where no recording shows the order."""
    for key in keys:
        name = key.path[0]
        if name in item.joins:
            continue
        field = item.fields.get(name)
        if field is None:
            raise bad_request(f'Object {item.name} doesn\'t have any "{name}" field.')
        shape = EMPTY.get(field.type)
        opaque = field.relation or field.type in {"RAW_JSON", "FILES", "ARRAY"}
        if isinstance(shape, dict) != (len(key.path) == 2) or opaque:
            raise unsupported(f"ordering by {'.'.join(key.path)}")


def cursor_of(row: Row, keys: Sequence[Key]) -> str:
    """The cursor of a row under this order."""
    whole: dict[str, Any] = {}
    for key in keys:
        inner = whole
        for part in key.path[:-1]:
            inner = inner.setdefault(part, {})
        inner[key.path[-1]] = _at(row, key.path)
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(text.encode()).decode()


def decode_cursor(text: str) -> dict[str, Any]:
    """The order keys in a cursor. Raises 400."""
    try:
        found = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise bad_request(f"Invalid cursor: {text}") from error
    if not isinstance(found, dict) or "id" not in found:
        raise bad_request(f"Invalid cursor: {text}")
    return found


def comparator(keys: Sequence[Key]) -> Callable[[Row, Row], int]:
    """Compares two rows (or a row and a decoded cursor) under this order."""

    def compare(left: Row, right: Row) -> int:
        for key in keys:
            found = _compare(_at(left, key.path), _at(right, key.path), key.direction)
            if found:
                return found
        return 0

    return compare


def ordered(rows: list[Row], keys: Sequence[Key]) -> list[Row]:
    """Rows in the order `comparator` defines: stable sorts from the last key to the first."""
    found = list(rows)
    for key in reversed(keys):
        descending = key.direction.startswith("Desc")
        null_rank = 2 if key.direction.endswith("First") == descending else 0
        found.sort(key=functools.partial(_rank, path=key.path, null_rank=null_rank), reverse=descending)
    return found


def _rank(row: Row, path: Sequence[str], null_rank: int) -> tuple[Any, ...]:
    value = _at(row, path)
    return (null_rank,) if value is None else (1, value)


def _compare(left: Any, right: Any, direction: str) -> int:
    if left == right:
        return 0
    if left is None or right is None:
        return -1 if (left is None) == direction.endswith("First") else 1
    less = -1 if direction.startswith("Asc") else 1
    return less if left < right else -less


def _at(row: Row, path: Sequence[str]) -> Any:
    value: Any = row
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
