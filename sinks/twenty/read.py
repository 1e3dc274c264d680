"""Rows by id, soft-deleted ones included (`twenty.md` 1.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.answers import Found, Weather
from schemas.catalog import Object
from sinks.twenty import catalog, rest
from sinks.twenty.client import Client


def read(client: Client, there: Object, ids: Sequence[str]) -> Mapping[str, Found] | Weather:
    """GET /rest/{plural} with `id[in]` and the deletedAt form. One call per 200 ids; old versions page by 60.

    Changes nothing. Keys are the ids as given; what is not a UUID can be no row's id and is absent."""
    given = {one.lower(): one for one in ids if rest.is_id(one)}
    found: dict[str, Found] = {}
    for some in rest.chunks(list(given)):
        wanted = f"{rest.ids_filter(some)},{rest.WITH_DELETED}"
        rows = catalog.pages(client, f"/rest/{there.plural}", rest.rows, wanted)
        if isinstance(rows, Weather):
            return rows
        for row in rows:
            key = given.get(str(row["id"]).lower())
            if key is not None:
                found[key] = rest.found(row)
    return found
