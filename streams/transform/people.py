"""Rows that a record names in arrays without foreign keys: tags, and a deal's further contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streams.transform import elements, emails, references, text
from streams.transform.converted import Converted, Given


def tag_names(given: Given) -> Converted:
    """`tags` → ARRAY of their names, in order, each once whatever its case (S0-46, S0-47; `atomic_crm.md` 6.2: tags of
    one name are common, ids of deleted tags stay behind). Null and `{}` are both no tags."""
    names: dict[str, str] = {}
    flags: dict[str, None] = {}
    column = given.settings["reads"][0]
    for _, tag in references.rows(given):
        if tag is None:
            flags[references.MISSING] = None
            continue
        raw, found = text.cleaned(tag.get(column))
        flags |= dict.fromkeys(found)
        if name := raw.strip():
            names.setdefault(name.casefold(), name)
    return Converted(value=list(names.values()), flags=tuple(flags))


def further_people(given: Given) -> Converted:
    """`contact_ids` → ARRAY, a line `First Last <address>` for each contact that is there but the first one, which is
    the point of contact. `with: {reads: [first, last, e-mails…]}`."""
    lines: list[str] = []
    flags: dict[str, None] = {}
    there = [(key, row) for key, row in references.rows(given) if row is not None]
    for key, row in there[1:]:
        line, found = text.clean(_line(key, row, given.settings["reads"]))
        lines.append(line)
        flags |= dict.fromkeys(found)
    return Converted(value=lines, flags=tuple(flags))


def _line(key: str, row: Mapping[str, Any], reads: Sequence[str]) -> str:
    """Somebody without a name and address is told by the number that the source knows."""
    first, last, *addresses = (row.get(column) for column in reads)
    name = " ".join(part for part in (text.plain(first).strip(), text.plain(last).strip()) if part)
    address = next((found for value in addresses if (found := _primary(value))), "")
    line = " ".join(part for part in (name, f"<{address}>" if address else "") if part)
    return line or f"contact {key}"


def _primary(value: Any) -> str:
    """The first address that Twenty would take, as on the contact's own record."""
    found = (emails.normalise(element.text) for element in elements.read(value, "email"))
    return next((address for address in found if address), "")
