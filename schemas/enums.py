"""Enums of a source as options of a destination's SELECT: names the destination takes, each value once, in order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

#: Twenty's colours; an option without one takes its turn.
COLORS = ("sky", "turquoise", "green", "yellow", "orange", "red", "pink", "purple", "blue", "gray")
_NO_WORD = re.compile(r"[^A-Z0-9]+")
#: Twenty takes 63 characters of a value and of a label (validate-enum-flat-field-metadata.util.ts); a name may get
#: `OPTION_` before it and a hash behind it.
_MOST = 63
_LONGEST = _MOST - len("OPTION_") - len("_01234567")


class Option(BaseModel):
    """One value of an enum."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str  #: as the source stores it, `proposal-sent`
    label: str  #: what people see, `Proposal Sent`
    name: str  #: the destination's value, `PROPOSAL_SENT`
    color: str  #: the destination's word for a colour
    position: int  #: from 0 on, in the source's order


def option_name(value: str) -> str:
    """`proposal-sent` → `PROPOSAL_SENT`. Twenty takes UPPER_SNAKE that begins with a letter (`twenty.md` 3.3); a value
    without Latin letters or digits is named by its hash, so that its name does not depend on its neighbours."""
    name = _NO_WORD.sub("_", value.upper()).strip("_")[:_LONGEST].rstrip("_")
    if not name:
        return f"OPTION_{_hash(value)}"
    return name if name[0].isalpha() else f"OPTION_{name}"


def options(raw: Iterable[Option | Mapping[str, Any]]) -> tuple[Option, ...]:
    """Options from `{value, label}` and, where known, `name`, `color`, `position`. Of two with one value the first
    stays (`atomic_crm.md` 3.5: two stages of one value); of two with one name the second takes its hash along."""
    found: dict[str, Option] = {}
    names: set[str] = set()
    for item in raw:
        given = item.model_dump() if isinstance(item, Option) else dict(item)
        value = str(given["value"])
        if value in found:
            continue
        place = len(found)
        name = str(given.get("name") or option_name(value))
        if name in names:
            name = f"{name}_{_hash(value)}"
        names.add(name)
        label = _label(given.get("label")) or _label(value) or name
        color = str(given.get("color") or COLORS[place % len(COLORS)])
        found[value] = Option(value=value, label=label, name=name, color=color, position=place)
    return tuple(found.values())


def _label(raw: Any) -> str:
    """Twenty takes no commas in labels, and counts their length in UTF-16."""
    text = str(raw or "").replace(",", ";").replace("\0", "").strip()
    return text.encode("utf-16-le", "surrogatepass")[: 2 * _MOST].decode("utf-16-le", "ignore").strip()


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8].upper()
