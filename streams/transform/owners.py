"""Owners: a source user's e-mail → a workspace member of the destination, by the approved table (S0-33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.transform import emails, text
from streams.transform.converted import Converted, Given

MISSING = "owner_not_in_source"
UNMATCHED = "owner_unmatched"


def _owner(given: Given) -> Mapping[str, Any] | None:
    key = key_of(given.value)
    return None if key is None else given.related.get((given.settings["object"], key))


def key_of(value: Any) -> str | None:
    """The source key that a foreign-key column names, or None: null, or no key at all."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    return str(value)


def owner(given: Given) -> Converted:
    """`sales_id` → member id, matched by e-mail, trimmed and in any case; no match is null and flagged, not a guess."""
    if key_of(given.value) is None:
        return Converted(value=None)
    sale = _owner(given)
    if sale is None:
        return Converted(value=None, flags=(MISSING,))
    member = given.owners.get(emails.address_text(sale.get("email")))
    return Converted(value=member, flags=() if member else (UNMATCHED,))


def owner_email(given: Given) -> Converted:
    """`sales_id` → the owner's e-mail as text; kept also where the destination has no owner field."""
    if key_of(given.value) is None:
        return Converted(value="")
    sale = _owner(given)
    if sale is None:
        return Converted(value="", flags=(MISSING,))
    value, flags = text.cleaned(sale.get("email"))
    return Converted(value=value, flags=flags)
