"""Text as Twenty stores it: string only, null becomes "", no NUL, no lone surrogate, no trimming (`twenty.md` 1.9)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from streams.transform.converted import Converted, Given

NUL_REMOVED = "nul_removed"
SURROGATE_REPLACED = "surrogate_replaced"


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` without NUL (Twenty answers 500), U+FFFD for lone surrogates (as Twenty stores them), and the flags."""
    if text.isascii() and "\0" not in text:
        return text, ()
    flags = []
    if "\0" in text:
        text = text.replace("\0", "")
        flags.append(NUL_REMOVED)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
        flags.append(SURROGATE_REPLACED)
    return text, tuple(flags)


def plain(value: Any) -> str:
    """Any value of a source as text: strings as they are, null as "", JSON values as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if not isinstance(value, bool | int | float | list | tuple | Mapping):
        return value.hex() if isinstance(value, bytes) else str(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, TypeError, ValueError):
        return "(cannot be written as text)"


def cleaned(value: Any) -> tuple[str, tuple[str, ...]]:
    """`plain` and `clean` in one."""
    return clean(plain(value))


def text(given: Given) -> Converted:
    """One column → TEXT."""
    value, flags = cleaned(given.value)
    return Converted(value=value, flags=flags)


def prefixed(given: Given) -> Converted:
    """A key → TEXT with `with: {prefix: contact_note/}`: numbers of two tables that become one object collide."""
    value, flags = cleaned(given.value)
    return Converted(value=f"{given.settings['prefix']}{value}", flags=flags)


def composite(given: Given) -> Converted:
    """Several columns → the text subfields named by `with: {parts: […]}`, in order (ADDRESS, FULL_NAME)."""
    parts: dict[str, str] = {}
    flags: list[str] = []
    for name, raw in zip(given.settings["parts"], given.values, strict=True):
        parts[name], found = cleaned(raw)
        flags += found
    return Converted(value=parts, flags=tuple(dict.fromkeys(flags)))


def lines(given: Given) -> Converted:
    """A JSON array → TEXT, one element a line; null and empty elements are dropped (`context_links`)."""
    raw = given.value
    items = raw if isinstance(raw, list | tuple) else [raw]
    kept: list[str] = []
    flags: list[str] = []
    for item in items:
        line, found = cleaned(item)
        flags += found
        if line:
            kept.append(line)
    return Converted(value="\n".join(kept), flags=tuple(dict.fromkeys(flags)))


def yes_no(given: Given) -> Converted:
    """boolean → `Yes`, `No`, or "" for null: null and false stay apart (`atomic_crm.md` 7.14)."""
    if given.value is None or isinstance(given.value, bool):
        return Converted(value={True: "Yes", False: "No", None: ""}[given.value])
    return text(given)


def label(given: Given) -> Converted:
    """A stored value → what people saw, by `with: {labels: {…}}`; an unknown value is kept as it is, flagged."""
    value, flags = cleaned(given.value)
    labels = given.settings["labels"]
    if not value or value in labels:
        return Converted(value=labels.get(value, ""), flags=flags)
    return Converted(value=value, flags=(*flags, "unknown_value"))


def constant(given: Given) -> Converted:
    """`with: {value: …}`, whatever the row holds."""
    return Converted(value=given.settings["value"])
