"""The REST filter grammar: parsed character by character as the server does, quirks included, then tested on rows.

Quirks kept on purpose: parentheses and brackets count inside quotes, `in` lists are split at every comma, and only
one leading `or(…)`, `and(…)`, `not(…)` is seen as such; anything else is wrapped in `and(…)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.twenty import scalars, words
from sandbox.twenty.catalogue import EMPTY, Field, ObjectType
from sandbox.twenty.clock import iso
from sandbox.twenty.errors import bad_request, data_error, unsupported

_OPAQUE = frozenset({"RAW_JSON", "ARRAY", "MULTI_SELECT", "FILES", "TS_VECTOR"})
Test = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """`field.part[op]:value`."""

    path: tuple[str, ...]
    op: str
    value: Any


@dataclass(frozen=True, kw_only=True)
class Group:
    """`and(…)`, `or(…)` or `not(…)`."""

    kind: str
    members: tuple[Leaf | Group, ...]


Node = Leaf | Group


def parse(text: str) -> Node:
    """A filter text as a tree. Raises the 400s of the parser; fields are not looked up yet."""
    if not re.match(r"^(or|and|not)\(.*\)$", text):
        text = f"and({text})"
    return _parse(text)


def _parse(text: str) -> Node:
    found = re.match(r"^(or|and|not)\((.+)\)$", text)
    if not found:
        return _leaf(text)
    members = tuple(_parse(part) for part in _split(text))
    if found[1] == "not" and len(members) > 1:
        raise bad_request("'filter' invalid. 'not' conjunction should contain only 1 condition. eg: not(field[eq]:1)")
    return Group(kind=found[1], members=members)


def _split(text: str) -> list[str]:
    depth, in_brackets, in_double, in_single = 0, False, False, False
    parts, current = [], ""
    for char in text:
        keep = depth >= 1
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            keep = depth >= 1
        in_brackets ^= char in "[]"
        in_double ^= char == '"'
        in_single ^= char == "'"
        if char == "," and depth == 1 and not (in_brackets or in_double or in_single):
            parts.append(current)
            current = ""
        elif keep:
            current += char
    return [*parts, current]


def _leaf(text: str) -> Leaf:
    if not re.match(r"^(.+)\[(.+)\]:(.+)$", text):
        raise bad_request(f"'filter' invalid for '{text}'. eg: price[gte]:10")
    path, rest = text.split("[", 1)
    op, rest = rest.split("]", 1)
    value = rest.split(":", 1)[1]
    if op not in words.COMPARATORS:
        raise bad_request(f"'filter' invalid for '{text}', comparator {op} not in {', '.join(words.COMPARATORS)}")
    return Leaf(path=tuple(path.split(".")), op=op, value=_value(op, value))


def _value(op: str, text: str) -> Any:
    if op in {"in", "containsAny"}:
        if text[0] != "[" or text[-1] != "]":
            raise bad_request(
                f"'filter' invalid for '{op}' operator. Received '{text}' but array value expected"
                f" eg: 'field[{op}]:[value_1,value_2]'"
            )
        return [_unquoted(part) for part in text[1:-1].split(",")]
    return text if op == "is" else _unquoted(text)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] in "\"'" and text[-1] in "\"'" else text


def names_deleted(node: Node | None) -> bool:
    """Does the filter name deletedAt anywhere? Only then are soft-deleted rows seen (`twenty.md` 1.7)."""
    return any(leaf.path[0] == "deletedAt" for leaf in leaves(node))


def leaves(node: Node | None) -> Iterator[Leaf]:
    """Every condition of a tree."""
    if isinstance(node, Leaf):
        yield node
    elif node is not None:
        for member in node.members:
            yield from leaves(member)


def id_candidates(node: Node | None) -> set[str] | None:
    """Ids that alone can match, where the tree says so (`id[eq]`, `id[in]` under and); None = any row may match."""
    if isinstance(node, Leaf) and node.path == ("id",) and node.op in {"eq", "in"}:
        return {item.lower() for item in ([node.value] if node.op == "eq" else node.value)}
    if isinstance(node, Group) and node.kind == "and":
        sets = [found for member in node.members if (found := id_candidates(member)) is not None]
        return set.intersection(*sets) if sets else None
    return None


def compile_test(item: ObjectType, node: Node | None) -> Test:
    """The tree as a test of one row. Raises 400 for unknown fields and values, 501 for unrecorded operations."""
    if node is None:
        return lambda row: True
    if isinstance(node, Leaf):
        return _compile_leaf(item, node)
    tests = [compile_test(item, member) for member in node.members]
    if node.kind == "not":
        inner = tests[0]
        return lambda row: not inner(row)
    if node.kind == "or":
        return lambda row: any(test(row) for test in tests)
    return lambda row: all(test(row) for test in tests)


def _compile_leaf(item: ObjectType, leaf: Leaf) -> Test:
    field = item.joins.get(leaf.path[0]) or item.fields.get(leaf.path[0])
    if field is None:
        raise bad_request(f'Object {item.name} doesn\'t have any "{leaf.path[0]}" field.')
    get, kind = _getter(item, field, leaf.path)
    if leaf.op == "is":
        if kind == "TEXT":
            raise unsupported("[is] on texts")
        if leaf.value not in {"NULL", "NOT_NULL"}:
            raise unsupported(f"[is]:{leaf.value}")
        return lambda row: (get(row) is None) == (leaf.value == "NULL")
    if leaf.op == "in":
        wanted = {_typed(kind, leaf, text) for text in leaf.value}
        return lambda row: get(row) in wanted
    return _comparison(kind, leaf, get)


def _getter(item: ObjectType, field: Field, path: tuple[str, ...]) -> tuple[Callable[[Mapping[str, Any]], Any], str]:
    name = path[0]
    if name in item.joins:
        return (lambda row: row.get(name)), "UUID"
    shape = EMPTY.get(field.type)
    if isinstance(shape, dict):
        if len(path) != 2 or path[1] not in shape:
            raise unsupported(f"filtering {field.type} by {'.'.join(path)}")
        part, default = path[1], shape[path[1]]
        if isinstance(default, list | dict) or part == "context":
            raise unsupported(f"filtering by {'.'.join(path)}")
        kinds = {"workspaceMemberId": "UUID", "amountMicros": "NUMBER", "addressLat": "NUMBER", "addressLng": "NUMBER"}
        return (lambda row: (row.get(name) or shape).get(part)), kinds.get(part, "TEXT")
    if len(path) != 1 or field.relation or field.type in _OPAQUE:
        raise unsupported(f"filtering {field.type} by {'.'.join(path)}")
    empty = field.empty()
    return (lambda row: row.get(name, empty)), field.type


def _typed(kind: str, leaf: Leaf, text: str) -> Any:
    name = ".".join(leaf.path)
    if "\x00" in text:
        raise data_error()
    if kind == "UUID":
        return scalars.uuid_value(text, name)
    if kind in {"NUMBER", "POSITION"}:
        try:
            return float(text)
        except ValueError as error:
            raise unsupported(f"a number filter with {text!r}") from error
    if kind == "BOOLEAN":
        return text.lower() == "true"
    if kind in {"DATE_TIME", "DATE"}:
        moment = scalars.instant(text)
        if moment is None:
            raise unsupported(f"a {kind} filter with {text!r}")
        return iso(moment) if kind == "DATE_TIME" else moment.date().isoformat()
    return text


def _comparison(kind: str, leaf: Leaf, get: Callable[[Mapping[str, Any]], Any]) -> Test:
    if leaf.op in {"like", "ilike", "startsWith", "endsWith"}:
        if kind != "TEXT":
            raise unsupported(f"[{leaf.op}] on {kind}")
        pattern = _pattern(leaf.op, leaf.value)
        return lambda row: pattern.fullmatch(get(row) or "") is not None
    if leaf.op == "containsAny":
        raise unsupported("[containsAny]")
    value = _typed(kind, leaf, leaf.value)
    tests: dict[str, Callable[[Any], bool]] = {
        "eq": lambda held: bool(held == value),
        "neq": lambda held: bool(held is not None and held != value),
        "gt": lambda held: bool(held is not None and held > value),
        "gte": lambda held: bool(held is not None and held >= value),
        "lt": lambda held: bool(held is not None and held < value),
        "lte": lambda held: bool(held is not None and held <= value),
    }
    test = tests[leaf.op]
    return lambda row: test(get(row))


def _pattern(op: str, text: str) -> re.Pattern[str]:
    if op == "startsWith":
        return re.compile(re.escape(text) + ".*", re.DOTALL)
    if op == "endsWith":
        return re.compile(".*" + re.escape(text), re.DOTALL)
    parts = [{"%": ".*", "_": "."}.get(char, re.escape(char)) for char in text]
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if op == "ilike" else 0))
