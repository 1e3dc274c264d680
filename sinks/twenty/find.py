"""Rows by a unique value, soft-deleted ones included: who holds this e-mail, this domain (`twenty.md` 0.1, 1.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.answers import Found, Weather
from schemas.catalog import Object
from sinks.twenty import catalog, rest, same
from sinks.twenty.client import Client

#: The filter's parser splits lists at every comma and counts brackets, quotes or not (`format-field-values`).
_SPLITS = frozenset("\",'[]()\\")
_FILTER_LENGTH = 4000


def find(client: Client, there: Object, path: str, values: Sequence[str]) -> Mapping[str, Found] | Weather:
    """The row that holds each value at `path` (`emails.primaryEmail`, `domainName.primaryLinkUrl`, `legacyId`).

    Keys are the values as given; a value nobody holds is absent. One call for about 100 values; a value with a comma,
    quote or bracket in it costs a call of its own, by the part before that and compared here. Changes nothing."""
    name, _, subfield = path.partition(".")
    kind = there.fields[name].type
    given: dict[str, list[str]] = {}
    for value in values:
        if value:
            given.setdefault(same.canonical(kind, subfield, value), []).append(value)
    found: dict[str, Found] = {}
    for wanted in _filters(path, list(given)):
        rows = catalog.pages(client, f"/rest/{there.plural}", rest.rows, f"{wanted},{rest.WITH_DELETED}")
        if isinstance(rows, Weather):
            return rows
        for row in rows:
            held = _at(row, name, subfield)
            for value in given.get(same.canonical(kind, subfield, held), ()):
                found[value] = rest.found(row)
    return found


def _filters(path: str, values: Sequence[str]) -> Iterator[str]:
    some: list[str] = []
    for value in values:
        if _SPLITS & set(value):
            before = value[: next(place for place, sign in enumerate(value) if sign in _SPLITS)]
            if before:
                yield f'{path}[startsWith]:"{before}"'
            continue
        if some and sum(len(one) + 3 for one in some) + len(value) > _FILTER_LENGTH:
            yield _in(path, some)
            some = []
        some.append(value)
    if some:
        yield _in(path, some)


def _in(path: str, values: Sequence[str]) -> str:
    listed = ",".join(f'"{one}"' for one in values)
    return f"{path}[in]:[{listed}]"


def _at(row: Mapping[str, Any], name: str, subfield: str) -> str:
    held = row.get(name)
    if subfield:
        held = held.get(subfield) if isinstance(held, Mapping) else None
    return str(held or "")
