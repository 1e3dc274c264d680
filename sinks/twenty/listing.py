"""Every row of an object, page by page: for proofs, never for delivery (`twenty.md` 1.7)."""

from __future__ import annotations

from schemas.answers import Found, Page, Weather
from schemas.catalog import Object
from schemas.errors import LockgateError
from sinks.twenty import rest
from sinks.twenty.client import Client, Reply


def page(client: Client, there: Object, after: str | None) -> Page | Weather:
    """GET /rest/{plural}?limit=200 by keyset cursor, deleted rows left out. One counted call; changes nothing."""
    query = {"limit": str(rest.PAGE)} | ({"starting_after": after} if after else {})
    outcome = client.get(f"/rest/{there.plural}", query)
    storm = rest.weather(outcome)
    if storm is not None:
        return storm
    assert isinstance(outcome, Reply)
    rows = rest.rows(outcome.body) if outcome.status < 400 else None
    if rows is None:
        raise LockgateError("LG-0503", f"A page of {there.plural} answered {outcome.status}: {outcome.words()[:300]}")
    found: dict[str, Found] = {str(row["id"]): rest.found(row) for row in rows}
    return Page(rows=found, after=rest.next_cursor(outcome.body) if rows else None)
