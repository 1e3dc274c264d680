"""Options of SELECT fields: what is there is kept under its ids, what is missing comes after it (`twenty.md` 0.7, 3.4).

A PATCH replaces the whole list, and a row follows its option's id: a list without the ids resets every row of the
object to the default, and an option left out resets its rows. So nothing is sent unless every id is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schemas.catalog import WantedField
from schemas.errors import LockgateError
from sinks.twenty import catalog, shape, words
from sinks.twenty.client import Client, Reply

#: The record API's words for an option it does not know (capture 07), and PostgreSQL's own where it gets that far.
_UNKNOWN = re.compile(r"^(Invalid value .* for field|invalid input value for enum)")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A SELECT as it is in the destination."""

    id: str  #: of the field's metadata
    options: tuple[Mapping[str, Any], ...]  #: as the server tells them

    def ids(self) -> Mapping[str, str]:
        """Option id → value."""
        return {str(one["id"]): str(one["value"]) for one in self.options if one.get("id")}


#: By destination object and field name.
Selects = Mapping[tuple[str, str], Held]


def selects(listed: Sequence[Mapping[str, Any]]) -> Selects:
    """Every SELECT of the metadata answer. Pure."""
    return {
        (raw["nameSingular"], field["name"]): Held(id=str(field.get("id", "")), options=tuple(catalog.options(field)))
        for raw in listed
        if raw.get("isActive", True)
        for field in raw.get("fields", [])
        if field["type"] in catalog.WITH_OPTIONS and field.get("isActive", True)
    }


def lacking(field: WantedField, held: Held | None) -> WantedField:
    """The wanted field with those options only that are not there. Pure."""
    there = {one["value"] for one in held.options} if held is not None else set()
    return replace(field, options=tuple(one for one in field.options if one.name not in there))


def check(field: WantedField, held: Held) -> None:
    """Raises LG-0504 when an option has no id: the field cannot be changed without resetting its rows (3.4)."""
    nameless = [str(one["value"]) for one in held.options if not one.get("id")]
    if nameless or not held.id:
        why = "has options without ids: adding one would reset every row. Run Twenty's upgrade command"
        more = "backfill-select-field-option-ids, or add the missing ones by hand"
        names = ", ".join(one.name for one in field.options)
        raise LockgateError("LG-0504", f"{field.object}.{field.name} {why} {more}: {names}.", details=nameless)


def kept(field: WantedField, before: Mapping[str, str], after: Held | None) -> None:
    """Raises LG-0504 when an option that was there (id → value) is gone or another: two changed the field at once."""
    now = after.ids() if after is not None else {}
    lost = [
        f"{field.object}.{field.name} option {value} ({one}) is " + (f"{now[one]} now" if one in now else "gone")
        for one, value in before.items()
        if now.get(one) != value
    ]
    if lost:
        why = "Somebody changed the options at the same time. Rows that stood on these may stand on the default now:"
        raise LockgateError("LG-0504", f"{why} compare them with the source.", details=lost)


def add(client: Client, field: WantedField, held: Held) -> bool:
    """Appends the field's options to those held, which must be all that are there. True when this call did it; False
    when no answer tells: the read-back does. Raises LG-0504 for what the server refuses."""
    first = max((int(one.get("position") or 0) for one in held.options), default=-1) + 1
    new = described(field, first)
    body = shape.encode({"options": [*held.options, *new]})
    outcome = client.call("PATCH", f"/rest/metadata/fields/{held.id}", body=body)
    if not isinstance(outcome, Reply) or outcome.status >= 500 or outcome.status == 429:
        return False
    if outcome.status < 300:
        return True
    raise LockgateError("LG-0504", f"{field.object}.{field.name}: {words.metadata_why(outcome.body)}")


def described(field: WantedField, first: int = 0) -> list[dict[str, Any]]:
    """The field's options as the server takes new ones; positions from `first` on (none twice, 3.3)."""
    return [
        {"value": one.name, "label": one.label, "color": one.color, "position": first + place}
        for place, one in enumerate(field.options)
    ]


def unknown(client: Client, plural: str, field: WantedField) -> bool:
    """Whether the record API does not know the last of the options, all of which came in one call. One counted call.

    Other processes of a server may know an option 10 s later (3.2); a record written there would be dead. Any answer
    that does not refuse the value (a limit, a fault) is not about the option."""
    outcome = client.get(f"/rest/{plural}", {"filter": f"{field.name}[eq]:{field.options[-1].name}", "limit": "1"})
    return isinstance(outcome, Reply) and outcome.status == 400 and bool(_UNKNOWN.match(words.of(outcome.body)))
