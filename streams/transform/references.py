"""Links between records: a foreign key becomes `{"$ref": [kind, key]}`, resolved by the sink (S0-10, S0-20)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.change_event import is_unavailable
from schemas.desired import Link, Ref
from schemas.plan import FieldRule
from streams.transform.converted import Converted, Given

MISSING = "not_in_source"


def key_of(value: Any) -> str | None:
    """The source key that a foreign-key column names, or None: null, or no key at all."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    return str(value)


def keys_of(value: Any) -> tuple[str, ...]:
    """Keys that a column names, one or an array of them, each once, in order; nulls are nobody
    (`atomic_crm.md` 7.10: `contact_ids` may be null, empty, and repeat itself)."""
    items = value if isinstance(value, list | tuple) else (value,)
    return tuple(dict.fromkeys(key for item in items if (key := key_of(item)) is not None))


def pointed(rule: FieldRule, image: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the rows that a rule with an object points to, from a raw image; a placeholder names nobody."""
    fixed = rule.with_.get("key")
    if fixed is not None:
        return (str(fixed),)
    value = image.get(rule.from_[0]) if rule.from_ else None
    return () if is_unavailable(value) else keys_of(value)


def row(given: Given) -> Mapping[str, Any] | None:
    """The row that the first column, or `with.key`, points to; None when it is not there."""
    key = given.settings.get("key") or key_of(given.value)
    return None if key is None else given.related.get((str(given.settings.get("object")), str(key)))


def rows(given: Given) -> list[tuple[str, Mapping[str, Any] | None]]:
    """Key and row of everything an array column points to."""
    kind = str(given.settings.get("object"))
    return [(key, given.related.get((kind, key))) for key in keys_of(given.value)]


def reference(given: Given) -> Converted:
    """`company_id` → a reference to that company; null → null. `with: {object: company, link: optional | required}`.

    Whether the parent is there is no concern of the projection: the ledger parks, registers or resolves.
    """
    return _to(given, key_of(given.value), ())


def first_reference(given: Given) -> Converted:
    """An array of keys → a reference to the first row that is there (`with: {reads: …}`); absent ones are flagged."""
    found = rows(given)
    key = next((key for key, there in found if there is not None), None)
    return _to(given, key, (MISSING,) if any(there is None for _, there in found) else ())


def _to(given: Given, key: str | None, flags: tuple[str, ...]) -> Converted:
    if key is None:
        return Converted(value=None, flags=flags)
    kind = str(given.settings["object"])
    link = Link(given.settings.get("link", Link.OPTIONAL))
    return Converted(value={"$ref": [kind, key]}, flags=flags, ref=Ref(field=given.to, kind=kind, key=key, link=link))


def own_record(given: Given) -> Converted:
    """A part's link to its own record: `{"$ref": ["contact_note", "7"]}`. No `Ref`: nothing waits for itself."""
    return Converted(value={"$ref": list(given.own)})
