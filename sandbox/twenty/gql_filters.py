"""GraphQL filters as the tree that REST filters become: `{name: {startsWith: "n"}}`, and, or, not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.twenty import words
from sandbox.twenty.errors import unsupported
from sandbox.twenty.filters import Group, Leaf, Node


def node(given: Any) -> Node | None:
    """The tree of a filter; None for an empty one, which every row passes."""
    if given is None or given == {}:
        return None
    return _group("and", [given])


def _group(kind: str, given: Any) -> Group:
    members = [member for one in (given if isinstance(given, list) else [given]) for member in _members(one)]
    if kind == "or" and any(len(one) != 1 for one in given if isinstance(one, dict)):
        members = [_group("and", [one]) for one in given]
    if not members:
        raise unsupported("an empty GraphQL filter inside another")
    return Group(kind=kind, members=tuple(members))


def _members(given: Any) -> Iterator[Node]:
    if not isinstance(given, dict):
        raise unsupported("a GraphQL filter that is not an object")
    for name, inner in given.items():
        if name in {"and", "or"}:
            yield _group(name, inner)
        elif name == "not":
            yield Group(kind="not", members=(_group("and", [inner]),))
        else:
            yield _leaf((name,), inner)


def _leaf(path: tuple[str, ...], given: Any) -> Leaf:
    if not isinstance(given, dict) or len(given) != 1:
        raise unsupported("a GraphQL filter of a field with anything but one operation")
    ((op, value),) = given.items()
    if op not in words.COMPARATORS:
        return _leaf((*path, op), value)
    if op in {"in", "containsAny"}:
        if not isinstance(value, list):
            raise unsupported(f"{op} without a list")
        return Leaf(path=path, op=op, value=[_text(item) for item in value])
    return Leaf(path=path, op=op, value=_text(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise unsupported("null, lists and objects as filter values over GraphQL")
    return str(value)
