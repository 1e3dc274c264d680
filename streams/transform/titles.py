"""A title for what has only a text: notes and tasks (S0-27, S0-30)."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from typing import Any

from streams.transform import dates, text
from streams.transform.converted import Converted, Given

#: Code points; longer lines end in an ellipsis. Twenty itself sets no limit, its lists do.
LONGEST = 120
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")
_HEAD = 10_000


def title(given: Given) -> Converted:
    """The first line that shows anything, bounded; else the day in the second column; else `with: {otherwise}`.
    Never empty: Twenty shows untitled rows as blank lines."""
    content, flags = text.cleaned(given.value)
    line = next((shown for raw in _lines(content) if (shown := raw.strip()) and _visible(shown)), "")
    if line:
        return Converted(value=bounded(line), flags=flags)
    day = _day(given.values[1]) if len(given.values) > 1 else ""
    return Converted(value=day or str(given.settings.get("otherwise", "Untitled")), flags=flags)


def bounded(line: str) -> str:
    """At most `LONGEST` code points, not cut before a combining mark or inside a joined emoji."""
    if len(line) <= LONGEST:
        return line
    end = LONGEST - 1
    while end > 1 and (_joined(line[end]) or line[end - 1] in _JOINERS):
        end -= 1
    return line[:end].rstrip() + "…"


def _joined(char: str) -> bool:
    return char in _JOINERS or unicodedata.combining(char) != 0 or "\U0001f3fb" <= char <= "\U0001f3ff"


def _lines(content: str) -> list[str]:
    """The beginning of the text in lines: a text of a megabyte is not split as a whole."""
    head = content[:_HEAD].splitlines()
    return head if any(_visible(line) for line in head) else content.splitlines()


def _visible(line: str) -> bool:
    return any(unicodedata.category(char)[0] not in "CZ" for char in line)


def _day(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{(dates.utc(value) or value).date()}"
    return f"{value}" if isinstance(value, date) else ""
