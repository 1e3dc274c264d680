"""`/groupBy` and `/duplicates` of the record API, as far as recordings 06 and 11 show them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.twenty import paging, reads
from sandbox.twenty.catalogue import EMPTY, ObjectType
from sandbox.twenty.errors import unsupported
from sandbox.twenty.store import Row, Store


def by(store: Store, item: ObjectType, params: Mapping[str, str]) -> list[dict[str, Any]]:
    """The values one select field has, in no order."""
    try:
        wanted = json.loads(params.get("group_by", ""))
    except ValueError as error:
        raise unsupported("group_by that is not JSON") from error
    if set(params) != {"group_by"} or not isinstance(wanted, list) or len(wanted) != 1:
        raise unsupported("groupBy with more than one dimension, a filter or an aggregate")
    ((name, on),) = wanted[0].items() if isinstance(wanted[0], dict) and len(wanted[0]) == 1 else (("", False),)
    field = item.fields.get(name)
    if on is not True or field is None or field.type != "SELECT":
        raise unsupported("groupBy of anything but one select field")
    held = dict.fromkeys(row.get(name, field.empty()) for row in reads.matching(store, item, None))
    return [{"groupByDimensionValues": [value]} for value in held]


def duplicates(store: Store, item: ObjectType, given: Any) -> list[list[Row]]:
    """Per record given the living rows that a criterion of the object's metadata calls the same."""
    if not isinstance(given, list) or not given or any(not isinstance(one, dict) for one in given):
        raise unsupported("duplicates of anything but a list of records")
    criteria = item.raw.get("duplicateCriteria")
    if not criteria:
        raise unsupported(f"duplicates of {item.plural}")
    found = []
    for one in given:
        wanted = [pairs for names in criteria if (pairs := list(_pairs(item, one, names)))]
        rows = reads.matching(store, item, None)
        same = [row for row in rows if any(all(_at(row, path) == value for path, value in pairs) for pairs in wanted)]
        found.append([row for row in same if row["id"] != one.get("id")])
    return found


def connection(item: ObjectType, rows: list[Row]) -> dict[str, Any]:
    """`totalCount` and `pageInfo` of rows that are all on one page."""
    info = {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": paging.cursor_of(rows[0], paging.BY_ID) if rows else None,
        "endCursor": paging.cursor_of(rows[-1], paging.BY_ID) if rows else None,
    }
    return {f"{item.name}Duplicates": [item.render(row) for row in rows], "totalCount": len(rows), "pageInfo": info}


def _pairs(item: ObjectType, one: Row, names: list[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Column and value of each name of a criterion; nothing when the record lacks one of them."""
    paths = [_path(item, name) for name in names]
    if all(_at(one, path) for path in paths):
        yield from ((path, _at(one, path)) for path in paths)


def _path(item: ObjectType, column: str) -> tuple[str, ...]:
    """`emailsPrimaryEmail` is the part primaryEmail of emails."""
    for field in item.fields.values():
        shape = EMPTY.get(field.type)
        for part in shape if isinstance(shape, dict) else ():
            if column == field.name + part[0].upper() + part[1:]:
                return field.name, part
    return (column,)


def _at(row: Row, path: tuple[str, ...]) -> Any:
    value: Any = row
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
