"""Reading records: one, a page, and the neighbours that depth=1 adds."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.twenty import catalogue, filters, paging
from sandbox.twenty.errors import bad_request, not_found
from sandbox.twenty.store import Store

Row = dict[str, Any]
MAX_PAGE = 200
DEFAULT_PAGE = 60
NEIGHBOURS = 60


@dataclass(frozen=True, kw_only=True)
class Query:
    """The parsed query string of a read; parsing errors come before the rate limit."""

    filter: filters.Node | None
    order: tuple[paging.Key, ...]
    limit: int
    depth: int
    after: str | None
    before: str | None


def parse_query(params: Mapping[str, str]) -> Query:
    """Raises 400 for a limit, depth, filter or order that is not one."""
    return Query(
        depth=_depth(params.get("depth")),
        limit=_limit(params.get("limit")),
        filter=filters.parse(params["filter"]) if params.get("filter") else None,
        order=paging.parse_order(params.get("order_by")),
        after=params.get("starting_after"),
        before=params.get("ending_before"),
    )


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    if not text.isascii() or not text.isdigit():
        raise bad_request(f"limit '{text}' is invalid. Should be an integer")
    return min(int(text), MAX_PAGE)


def _depth(text: str | None) -> int:
    if text not in {None, "0", "1"}:
        raise bad_request(f"'depth={text}' parameter invalid. Allowed values are 0, 1")
    return int(text or 0)


def matching(store: Store, item: catalogue.ObjectType, node: filters.Node | None) -> list[Row]:
    """Rows that a filter selects, by id; soft-deleted ones only where the filter names deletedAt."""
    seen = (True, False) if filters.names_deleted(node) else (True,)
    return [row for row in _candidates(store, item, node, store.order[item.name]) if _alive(row) in seen]


def touched(store: Store, item: catalogue.ObjectType, node: filters.Node | None, deleted: bool = False) -> list[Row]:
    """Rows that a bulk call changes, oldest first; `deleted`: the soft-deleted ones, for a restore."""
    rows = _candidates(store, item, node, list(store.rows[item.name]))
    if deleted:
        return [row for row in rows if not _alive(row)]
    return [row for row in rows if _alive(row) or filters.names_deleted(node)]


def _alive(row: Row) -> bool:
    return row.get("deletedAt") is None


def _candidates(
    store: Store, item: catalogue.ObjectType, node: filters.Node | None, order: Sequence[str]
) -> Iterator[Row]:
    test = filters.compile_test(item, node)
    ids = filters.id_candidates(node)
    have = store.rows[item.name]
    wanted = order if ids is None else sorted(one for one in ids if one in have)
    return (row for one in wanted if test(row := have[one]))


def find_one(store: Store, item: catalogue.ObjectType, row_id: str, depth: int) -> Row:
    """One record; a soft-deleted one is not found."""
    row = store.rows[item.name].get(row_id)
    if row is None or row.get("deletedAt") is not None:
        raise not_found()
    return shown(store, item, row, depth)


def find_page(store: Store, item: catalogue.ObjectType, query: Query) -> dict[str, Any]:
    """`{data, totalCount, pageInfo}`; totalCount counts the whole selection."""
    paging.check_order(item, query.order)
    rows = matching(store, item, query.filter)
    page, more = page_of(item, rows, query)
    info = {
        "startCursor": paging.cursor_of(page[0], query.order) if page else None,
        "endCursor": paging.cursor_of(page[-1], query.order) if page else None,
        "hasNextPage": more and not query.before,
        "hasPreviousPage": more and bool(query.before),
    }
    data = [shown(store, item, row, query.depth) for row in page]
    return {"data": {item.plural: data}, "totalCount": len(rows), "pageInfo": info}


def page_of(item: catalogue.ObjectType, rows: list[Row], query: Query) -> tuple[list[Row], bool]:
    """The rows of one page in order, and whether there are more beyond it."""
    if query.order != paging.BY_ID:
        rows = [dict(row) for row in paging.ordered([item.render(row) for row in rows], query.order)]
    page, more = _slice(rows, query)
    return list(page), more


def _slice(rows: Sequence[Row], query: Query) -> tuple[Sequence[Row], bool]:
    compare = paging.comparator(query.order)
    if query.before:
        mark = paging.decode_cursor(query.before)
        end = _place(rows, lambda row: compare(row, mark) >= 0)
        start = max(0, end - query.limit)
        return rows[start:end], start > 0
    start = 0
    if query.after:
        mark = paging.decode_cursor(query.after)
        start = _place(rows, lambda row: compare(row, mark) > 0)
    return rows[start : start + query.limit], len(rows) > start + query.limit


def _place(rows: Sequence[Row], passed: Any) -> int:
    return bisect.bisect_left(rows, True, key=passed)


def shown(store: Store, item: catalogue.ObjectType, row: Mapping[str, Any], depth: int = 0) -> Row:
    """A row as the API shows it; depth 1 adds the records next to it, at most 60 of each relation."""
    found = item.render(row)
    if depth == 0:
        return found
    for name, field in item.fields.items():
        if field.join:
            target = field.target
            parent = store.rows[target].get(row.get(field.join) or "")
            alive = parent is not None and parent.get("deletedAt") is None
            found[name] = store.objects[target].render(parent) if alive and parent else None
        elif field.one_to_many:
            found[name] = _children(store, field, row["id"])
    return found


def _children(store: Store, field: catalogue.Field, parent: str) -> list[Row]:
    child = field.target
    join = store.objects[child].fields[field.back].join if field.back else None
    if join is None:
        return []
    rows = (store.rows[child][one] for one in store.children(child, join, parent))
    alive = [row for row in rows if row.get("deletedAt") is None]
    return [store.objects[child].render(row) for row in alive[:NEIGHBOURS]]
