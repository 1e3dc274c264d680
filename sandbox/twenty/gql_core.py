"""The roots of `/graphql`: find, create, update, delete, restore and destroy, one or many (recording 13)."""

from __future__ import annotations

from typing import Any

from sandbox.twenty import filters, gql_filters, gql_types, groups, paging, reads, scalars
from sandbox.twenty.acts import Acts
from sandbox.twenty.catalogue import ObjectType
from sandbox.twenty.errors import not_found, unsupported
from sandbox.twenty.gql_select import Root, pick
from sandbox.twenty.store import Row
from sandbox.twenty.workspace import Workspace

DEFAULT_FIRST = 200
_VERBS = ("create", "update", "delete", "destroy", "restore")


def run(workspace: Workspace, key_name: str, kind: str, root: Root) -> Any:
    """The value of one root. Costs a token, as a REST call does. Raises TwentyError."""
    if root.name.startswith("__"):
        return pick(gql_types.answer(workspace.store, root), root.selection)
    item, verb, many = _meant(workspace, kind, root.name)
    _check_selection(item, verb, many, root)
    workspace.take_token()
    if kind == "query":
        return _find(workspace, item, verb, many, root)
    acts = Acts(workspace=workspace, item=item, key_name=key_name)
    rows = _write(acts, verb, many, root)
    shown = [row if verb == "destroy" else item.render(row) for row in rows]
    return pick(shown if many else shown[0], root.selection)


def _check_selection(item: ObjectType, verb: str, many: bool, root: Root) -> None:
    """Selections the stand-in cannot answer are refused before anything is written or read."""
    blank = item.render({})
    if many and verb in {"find", "duplicates"}:
        pick(_connection(item, [blank], 1, False, paging.BY_ID, root), root.selection)
    else:
        pick({"id": None} if verb == "destroy" else blank, root.selection)


def _meant(workspace: Workspace, kind: str, name: str) -> tuple[ObjectType, str, bool]:
    for item in workspace.store.objects.values():
        if not item.has_records:
            continue
        if kind == "query":
            for verb, text, many in (
                ("find", item.name, False),
                ("find", item.plural, True),
                ("duplicates", f"{item.name}Duplicates", True),
            ):
                if name == text:
                    return item, verb, many
        elif kind == "mutation":
            for verb in _VERBS:
                if name in {verb + item.capital, verb + item.capital_plural}:
                    return item, verb, name == verb + item.capital_plural
    raise unsupported(f"the GraphQL root {name}")


def _allow(root: Root, *names: str) -> None:
    unknown = set(root.arguments) - set(names)
    if unknown:
        raise unsupported(f"the argument {min(unknown)} of {root.name}")


def _row_id(root: Root) -> str:
    value = root.arguments.get("id")
    if not isinstance(value, str) or not scalars.UUID.fullmatch(value):
        raise unsupported(f"{root.name} with an id that is not a UUID")
    return value.lower()


def _write(acts: Acts, verb: str, many: bool, root: Root) -> list[Row]:
    if verb == "create":
        _allow(root, "data", "upsert")
        data = root.arguments.get("data")
        if isinstance(data, list) != many:
            raise unsupported(f"{root.name} with data of another shape")
        return acts.create(data if isinstance(data, list) else [data], root.arguments.get("upsert") is True)
    if verb == "update":
        _allow(root, "data", "filter" if many else "id")
        data = root.arguments.get("data")
        if many:
            return acts.update_many(_filter(root), data)
        return [acts.update_one(_row_id(root), data)]
    _allow(root, "filter" if many else "id")
    target = _filter(root) if many else _row_id(root)
    if verb == "restore":
        if target is None:
            raise unsupported("restoring everything")
        return acts.restore(target)
    return acts.remove(target, soft=verb == "delete")


def _filter(root: Root) -> filters.Node | None:
    if "filter" not in root.arguments:
        raise unsupported(f"{root.name} without a filter")
    return gql_filters.node(root.arguments["filter"])


def _find(workspace: Workspace, item: ObjectType, verb: str, many: bool, root: Root) -> Any:
    store = workspace.store
    if verb == "duplicates":
        _allow(root, "data")
        found = groups.duplicates(store, item, root.arguments.get("data"))
        return [pick(_connection(item, rows, len(rows), False, paging.BY_ID, root), root.selection) for rows in found]
    if not many:
        _allow(root, "filter")
        rows = reads.matching(store, item, _filter(root))
        if not rows:
            raise not_found()
        return pick(item.render(rows[0]), root.selection)
    _allow(root, "filter", "orderBy", "first", "after")
    first = root.arguments.get("first", DEFAULT_FIRST)
    if isinstance(first, bool) or not isinstance(first, int) or first < 0:
        raise unsupported("first that is not a whole number")
    keys = _order(root.arguments.get("orderBy"))
    paging.check_order(item, keys)
    after = root.arguments.get("after")
    if after is not None and not _covers(paging.decode_cursor(str(after)), keys):
        raise unsupported("a cursor without the fields it is ordered by")
    rows = reads.matching(store, item, gql_filters.node(root.arguments.get("filter")))
    query = reads.Query(filter=None, order=keys, limit=first, depth=0, after=after, before=None)
    page, more = reads.page_of(item, rows, query)
    return pick(_connection(item, page, len(rows), more, keys, root), root.selection)


def _order(given: Any) -> tuple[paging.Key, ...]:
    keys = []
    for one in given if isinstance(given, list) else [given] if given else []:
        if not isinstance(one, dict) or len(one) != 1:
            raise unsupported("orderBy with anything but one field each")
        ((name, direction),) = one.items()
        if direction not in paging.DIRECTIONS:
            raise unsupported(f"orderBy {direction}")
        keys.append(paging.Key(path=(name,), direction=direction))
    return tuple(keys) + (() if any(key.path == ("id",) for key in keys) else paging.BY_ID)


def _covers(mark: dict[str, Any], keys: tuple[paging.Key, ...]) -> bool:
    return all(key.path[0] in mark for key in keys)


def _connection(
    item: ObjectType, rows: list[Row], total: int, more: bool, keys: tuple[paging.Key, ...], root: Root
) -> dict[str, Any]:
    """Cursors carry only what the document selects of the order, and the id (recording 13)."""
    selected = root.fields("edges", "node")
    kept = tuple(key for key in keys if key.path == ("id",) or key.path[0] in selected)
    edges = [{"node": item.render(row), "cursor": paging.cursor_of(row, kept)} for row in rows]
    info = {
        "hasNextPage": more,
        "startCursor": edges[0]["cursor"] if edges else None,
        "endCursor": edges[-1]["cursor"] if edges else None,
    }
    return {"totalCount": total, "pageInfo": info, "edges": edges}
