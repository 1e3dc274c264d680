"""`email_jsonb` → Twenty's EMAILS (`twenty.md` 1.9): lower case, checked, unique on the primary address only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from streams.transform import elements, text
from streams.transform.converted import Converted, Given

# Twenty 2.21 takes one @, a local part of 1 to 64 characters without quotes or blanks, a domain of 1 to 255 without
# blanks; "a@b", "a..b@example.com" and umlauts pass (measured). Control characters are kept out on top.
_ADDRESS = re.compile(
    r'[^\s@"\x00-\x20\x7f-\xa0\ufeff\ufffd]{1,64}@[^\s@\x00-\x20\x7f-\xa0\ufeff\ufffd]{1,255}', re.UNICODE
)
UNUSABLE = "unusable"


def normalise(raw: str) -> str | None:
    """The address as Twenty stores it, or None when Twenty would refuse it."""
    address = raw.strip().lower()
    return address if _ADDRESS.fullmatch(address) else None


def emails(given: Given) -> Converted:
    """Element 0 that is usable → primary, the others → additional, in order, without repeats.

    `leftover` gets a line for each element with a type or an address that Twenty would refuse: the type has no place
    in EMAILS (S0-21: order and type are kept).
    A loser of its primary keeps *all* its addresses as additional ones and no primary: Twenty takes additional
    addresses without a primary (capture 06, "patch additional only"), and an address may be primary here and
    additional there. The next address is never made primary in its place: it would claim a value by itself, and
    winners would depend on who lost before.
    """
    found = elements.read(given.value, "email")
    usable: list[str] = []
    leftover: list[str] = []
    flags: list[str] = list(elements.flags(found))
    for element in found:
        address = normalise(element.text)
        if address is None and element.text:
            flags.append(UNUSABLE)
        elif address is not None and address not in usable:
            usable.append(address)
        if element.kind or (address is None and element.text):
            leftover.append(elements.line(address or element.text, element.kind))
    return Converted(
        value=_shape(usable[:1], usable[1:]),
        flags=tuple(dict.fromkeys(flags)),
        leftover=tuple(leftover),
        claim=usable[0] if usable else "",
        unclaimed=_shape([], usable),
    )


def email_text(given: Given) -> Converted:
    """One text column (until January 2025) → EMAILS; where several addresses stand in it they are parted at commas and
    semicolons (`atomic_crm.md` 7.5)."""
    raw = text.plain(given.value)
    parted = [address for address in re.split(r"[,;]", raw) if address.strip()]
    whole = [raw] if any(normalise(text.clean(address)[0]) is None for address in parted) else parted
    return emails(replace(given, values=(whole,)))


def _shape(primary: Sequence[str], additional: Sequence[str]) -> dict[str, Any]:
    """Always the whole value: a PATCH of additional addresses alone wipes the primary one (`twenty.md` 0.8)."""
    return {"primaryEmail": primary[0] if primary else "", "additionalEmails": list(additional)}


def address_text(value: Any) -> str:
    """An owner's e-mail for comparing: trimmed, lower case (S0-33)."""
    return text.cleaned(value)[0].strip().lower()
