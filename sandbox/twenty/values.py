"""What a write of one field sets: checked, normalised, and (for composites) merged the uneven way Twenty does it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.twenty import richtext, scalars, words
from sandbox.twenty.catalogue import EMPTY, Field
from sandbox.twenty.errors import bad_request, unsupported
from sandbox.twenty.inspect import inspect
from sandbox.twenty.links import links_value
from sandbox.twenty.phones import phones_value

_EMAIL = re.compile(r'[^\s@"]{1,64}@[^\s@]{1,255}')

Parts = dict[str, Any]


def check(field: Field, key: str, value: Any) -> Any:
    """The value to store; for a composite the parts this write sets, or None to clear it all. Raises TwentyError."""
    if value is None and not field.raw.get("isNullable", True) and field.raw.get("defaultValue") is None:
        raise bad_request(f"Field {key} is not nullable and has no default value.")
    checker = _CHECKS.get(field.type)
    if checker is None:
        raise unsupported(f"writing {field.type} fields")
    return checker(field, key, value)


def merge(field: Field, old: Any, new: Any) -> Any:
    """What the column holds after a write of `new` over `old`."""
    empty = EMPTY.get(field.type)
    if not isinstance(empty, dict) or field.type == "RICH_TEXT":
        return new
    if new is None:
        return field.empty()
    return {**(old if isinstance(old, Mapping) else empty), **new}


def _text(field: Field, key: str, value: Any) -> Any:
    return scalars.text_value(value, key)


def _full_name(field: Field, key: str, value: Any) -> Parts | None:
    return _texts(key, value, {"firstName", "lastName"}, "full name")


def _texts(key: str, value: Any, names: set[str], kind: str) -> Parts | None:
    given = scalars.composite_value(value, key)
    if given is None:
        return None
    found: Parts = {}
    for part, inner in given.items():
        if part not in names:
            raise scalars.bad_subfield(part, kind, key)
        found[part] = scalars.text_value(inner, f"{key}.{part}")
    return found


def _address(field: Field, key: str, value: Any) -> Parts | None:
    given = scalars.composite_value(value, key)
    if given is None:
        return None
    found: Parts = {}
    for part, inner in given.items():
        if part in words.ADDRESS_TEXTS:
            found[part] = scalars.text_value(inner, f"{key}.{part}")
        elif part in {"addressLat", "addressLng"}:
            found[part] = scalars.numeric_value(inner, f"{key}.{part}")
        else:
            raise scalars.bad_subfield(part, "address", key)
    if "addressStreet3" in found:
        raise unsupported("addressStreet3")
    return found


def _currency(field: Field, key: str, value: Any) -> Parts | None:
    given = scalars.composite_value(value, key)
    if given is None:
        return None
    found: Parts = {}
    for part, inner in given.items():
        if part == "amountMicros":
            number = scalars.numeric_value(inner, f"{key}.{part}")
            found[part] = None if number is None else int(number)  # recorded: 1500000000.5 comes back as 1500000000
        elif part == "currencyCode":
            found[part] = scalars.text_value(inner, f"{key}.{part}") or None
        else:
            raise scalars.bad_subfield(part, "currency", key)
    return found


def _emails(field: Field, key: str, value: Any) -> Parts | None:
    given = scalars.composite_value(value, key)
    if given is None:
        return None
    for part, inner in given.items():
        if part == "primaryEmail":
            if inner is not None:
                _one_email(inner, f"{key}.{part}")
        elif part == "additionalEmails":
            _many_emails(inner, f"{key}.{part}")
        else:
            raise scalars.bad_subfield(part, "emails", key)
    found: Parts = {"primaryEmail": (given.get("primaryEmail") or "").lower()}  # left out = wiped (twenty.md 0.8)
    if "additionalEmails" in given:
        found["additionalEmails"] = [item.lower() for item in given["additionalEmails"] or []]
    return found


def _one_email(value: Any, name: str) -> None:
    if not isinstance(value, str) or (value and not _EMAIL.fullmatch(value)):
        raise bad_request(f'Invalid string value {inspect(value)} for email field "{name}"')


def _many_emails(value: Any, name: str) -> None:
    if value is None:
        return
    if isinstance(value, str):
        _one_email(value, name)
        raise unsupported("additionalEmails given as one text")
    for item in value if isinstance(value, list) else [None]:
        if item is None:
            raise bad_request(f'Invalid value {inspect(value)} for field "{name} - Array values need to be string"')
        _one_email(item, name)


def _phones(field: Field, key: str, value: Any) -> Parts | None:
    return phones_value(value, key)


def _links(field: Field, key: str, value: Any) -> Parts | None:
    return links_value(value, key)


def _actor(field: Field, key: str, value: Any) -> Parts | None:
    given = scalars.composite_value(value, key)
    if given is None:
        return None
    found: Parts = {}
    for part, inner in given.items():
        if part == "source":
            found[part] = scalars.select_value(inner, f"{key}.{part}", words.ACTOR_SOURCES)
        elif part == "name":
            found[part] = scalars.text_value(inner, f"{key}.{part}")
        elif part == "workspaceMemberId":
            found[part] = scalars.uuid_value(inner, f"{key}.{part}")
        elif part == "context":
            found[part] = scalars.object_value(inner, f"{key}.{part}")
        else:
            raise scalars.bad_subfield(part, "actor", key)
    return found


def _raw_json(field: Field, key: str, value: Any) -> Any:
    scalars.object_value(value, key)
    return json.loads(value) if isinstance(value, str) else value


def _position(field: Field, key: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unsupported("a position that is not a number")
    return value


def _files(field: Field, key: str, value: Any) -> Any:
    if value is not None:
        raise unsupported("files")


def _rich_text(field: Field, key: str, value: Any) -> Parts:
    given = scalars.composite_value(value, key) or {}
    for part, inner in given.items():
        if part not in {"markdown", "blocknote"}:
            raise unsupported(f"the part {part} of a RICH_TEXT field")
        if inner is not None and not isinstance(inner, str):
            raise unsupported(f"{key}.{part} that is not a text")
    markdown, blocknote = given.get("markdown"), given.get("blocknote")
    if markdown and blocknote:
        raise unsupported("markdown and blocknote together")
    if markdown:
        return {"blocknote": richtext.to_blocks(markdown), "markdown": markdown}
    if blocknote:
        stored, derived = richtext.to_markdown(blocknote, f"{key}.blocknote")
        return {"blocknote": stored, "markdown": derived}
    return {"blocknote": None, "markdown": ""}


def _search_vector(field: Field, key: str, value: Any) -> Any:
    raise bad_request(f"{key} TS_VECTOR-typed field does not support write operations")


_CHECKS: Mapping[str, Callable[[Field, str, Any], Any]] = {
    "TEXT": _text,
    "FULL_NAME": _full_name,
    "ADDRESS": _address,
    "CURRENCY": _currency,
    "EMAILS": _emails,
    "PHONES": _phones,
    "LINKS": _links,
    "ACTOR": _actor,
    "RAW_JSON": _raw_json,
    "POSITION": _position,
    "FILES": _files,
    "RICH_TEXT": _rich_text,
    "TS_VECTOR": _search_vector,
    "NUMBER": lambda field, key, value: scalars.number_value(value, key),
    "BOOLEAN": lambda field, key, value: scalars.boolean_value(value, key),
    "UUID": lambda field, key, value: scalars.uuid_value(value, key),
    "DATE_TIME": lambda field, key, value: scalars.date_time_value(value, key),
    "DATE": lambda field, key, value: scalars.date_value(value, key),
    "SELECT": lambda field, key, value: scalars.select_value(value, key, field.options),
    "RATING": lambda field, key, value: scalars.select_value(value, key, field.options),
    "MULTI_SELECT": lambda field, key, value: scalars.multi_select_value(value, key, field.options),
    "ARRAY": lambda field, key, value: scalars.array_value(value, key),
}
