"""The elements of `email_jsonb` and `phone_jsonb`: anything JSON can hold (`atomic_crm.md` 7.1, 7.2, 7.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.transform import text


@dataclass(frozen=True, kw_only=True, slots=True)
class Element:
    """One element: its address or number, and its type."""

    text: str  #: cleaned; "" when there was none
    kind: str = ""  #: Work, Home, Other, or anything an import wrote; "" when there was none
    flags: tuple[str, ...] = ()


def read(raw: Any, name: str) -> tuple[Element, ...]:
    """Every element that holds something. `name` is the key of its value: `email`, `number`.

    Arrays, single objects and bare strings are read alike; null and empty elements are skipped; an object without the
    key is kept as its JSON text, so that nothing is lost.
    """
    items = raw if isinstance(raw, list | tuple) else [raw]
    found = (_element(item, name) for item in items if item is not None)
    return tuple(element for element in found if element.text)


def _element(item: Any, name: str) -> Element:
    if not isinstance(item, Mapping):
        return _cleaned(item, "")
    if not item:
        return _cleaned("", "")
    if name not in item:
        return _cleaned(item, "")
    kind = item.get("type")
    return _cleaned(item[name], kind if isinstance(kind, str) else text.plain(kind))


def _cleaned(value: Any, kind: str) -> Element:
    content, flags = text.cleaned(value)
    label, more = text.clean(kind)
    return Element(text=content if content.strip() else "", kind=label.strip(), flags=(*flags, *more))


def flags(elements: Sequence[Element]) -> Iterable[str]:
    """What cleaning the elements changed."""
    return (flag for element in elements for flag in element.flags)


def line(value: str, kind: str) -> str:
    """How an element is written into a text field: `ann@example.com (Work)`."""
    return f"{value} ({kind})" if kind else value
