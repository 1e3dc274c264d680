"""Owners: a source user's e-mail → a workspace member of the destination, by the approved table (S0-33)."""

from __future__ import annotations

from streams.transform import emails, references, text
from streams.transform.converted import Converted, Given

MISSING = "owner_not_in_source"
UNMATCHED = "owner_unmatched"
#: What Atomic CRM writes where a log-in gave no name (`atomic_crm.md` 1.5).
_PENDING = "Pending Pending"


def owner(given: Given) -> Converted:
    """`sales_id` → member id, matched by e-mail, trimmed and in any case; no match is null and flagged, not a guess."""
    if references.key_of(given.value) is None:
        return Converted(value=None)
    sale = references.row(given)
    if sale is None:
        return Converted(value=None, flags=(MISSING,))
    member = given.owners.get(emails.address_text(sale.get("email")))
    return Converted(value=member, flags=() if member else (UNMATCHED,))


def owner_email(given: Given) -> Converted:
    """`sales_id` → the owner's e-mail as text; kept also where the destination has no owner field."""
    if references.key_of(given.value) is None:
        return Converted(value="")
    sale = references.row(given)
    if sale is None:
        return Converted(value="", flags=(MISSING,))
    value, flags = text.cleaned(sale.get("email"))
    return Converted(value=value, flags=flags)


def author(given: Given) -> Converted:
    """`sales_id` → ACTOR: `{source: IMPORT, name: Jane Doe}`; the e-mail where the name says nothing, and
    `with: {otherwise: …}` where there is nobody. Twenty takes no e-mail in an ACTOR (`twenty.md` 1.9)."""
    otherwise = str(given.settings.get("otherwise", ""))
    if references.key_of(given.value) is None:
        return Converted(value={"source": "IMPORT", "name": otherwise})
    sale = references.row(given)
    if sale is None:
        return Converted(value={"source": "IMPORT", "name": otherwise}, flags=(MISSING,))
    first, last, *addresses = (sale.get(column) for column in given.settings["reads"])
    name, flags = text.cleaned(" ".join(part for part in (text.plain(first).strip(), text.plain(last).strip()) if part))
    if name in ("", _PENDING):
        address, found = text.cleaned(addresses[0] if addresses else None)
        name, flags = address.strip() or name or otherwise, (*flags, *found)
    return Converted(value={"source": "IMPORT", "name": name}, flags=flags)
