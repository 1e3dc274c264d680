"""Values of an enum → options of a SELECT (S0-25, S0-31). None is guessed in silence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.enums import Option
from streams.transform import text
from streams.transform.converted import OMIT, Converted, Given

UNKNOWN = "unknown_value"
_NO_WORD = re.compile(r"[^a-z0-9]+")


def slug(value: str) -> str:
    """As Atomic CRM makes values of labels: `Follow-up` → `follow-up`, `R&D` → `r-d` (`atomic_crm.md` 2.3)."""
    return _NO_WORD.sub("-", value.lower()).strip("-")


def _find(options: Sequence[Option], value: str, loose: bool) -> Option | None:
    exact = next((option for option in options if option.value == value), None)
    if exact is not None or not loose:
        return exact
    folded, made = value.strip().casefold(), slug(value)
    by_label = next((option for option in options if option.label.casefold() == folded), None)
    return by_label or next((option for option in options if made and option.value == made), None)


def choice(given: Given) -> Converted:
    """A value → its option; null and "" → null; an unknown one → null, flagged (its text stands in a field of its own).

    `with: {enum: …, loose: true}` also finds a label, or what the value's slug is: rows from before February 2026 hold
    labels (`atomic_crm.md` 3.1)."""
    value, flags = text.cleaned(given.value)
    if not value:
        return Converted(value=None, flags=flags)
    option = _find(given.enums.get(given.settings["enum"], ()), value, bool(given.settings.get("loose")))
    return Converted(value=option.name, flags=flags) if option else Converted(value=None, flags=(*flags, UNKNOWN))


def choice_or_first(given: Given) -> Converted:
    """A value → its option; any other → the first option, flagged, with the value in `leftover`: what is not
    configured stands in the first column of Atomic CRM's board (`atomic_crm.md` 4.5)."""
    value, flags = text.cleaned(given.value)
    options = given.enums.get(given.settings["enum"], ())
    option = _find(options, value, loose=False)
    if option is not None:
        return Converted(value=option.name, flags=flags)
    first = options[0].name if options else OMIT
    return Converted(value=first, flags=(*flags, UNKNOWN), leftover=(value,) if value else ())


def presence(given: Given) -> Converted:
    """Whether there is a value → one of two options, `with: {present: DONE, absent: TODO}` (S0-32)."""
    return Converted(value=given.settings["absent" if given.value is None else "present"])
