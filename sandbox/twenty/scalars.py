"""Values of one part: what Twenty 2.21 accepts and the words it refuses with (`twenty.md` 1.9)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from sandbox.twenty.clock import iso
from sandbox.twenty.errors import TwentyError, bad_request, unsupported
from sandbox.twenty.inspect import inspect

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_INSTANT = re.compile(
    r"(\d{4})(-?)(\d{2})\2(\d{2})"
    r"(?:[T ](\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.IGNORECASE,
)


def bad_subfield(part: str, kind: str, name: str) -> TwentyError:
    """Unknown subfields are refused, never dropped."""
    return bad_request(f'Invalid subfield {part} for {kind} field "{name}"')


def text_value(value: Any, name: str) -> str:
    """TEXT: a string as it is; null becomes ""."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_request(f'Invalid string value {inspect(value)} for text field "{name}"')
    return value


def object_value(value: Any, name: str) -> dict[str, Any] | None:
    """The outer shape of composite and RAW_JSON values: an object, or a text that is JSON of one.

    Lists pass here as objects with the keys "0", "1", …, which is how the server walks them."""
    if value is None:
        return None
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {str(place): item for place, item in enumerate(value)}
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict | list):
            return parsed if isinstance(parsed, dict) else {str(place): item for place, item in enumerate(parsed)}
    raise bad_request(f'Invalid object value {inspect(value)} for field "{name}"')


def composite_value(value: Any, name: str) -> dict[str, Any] | None:
    """The outer shape of a composite: an object."""
    given = object_value(value, name)
    if isinstance(value, str):
        raise unsupported("a composite value given as JSON text")
    return given


def number_value(value: Any, name: str) -> float | int | None:
    """NUMBER: a JSON number, nothing else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_request(f'Invalid number value {inspect(value)} for field "{name}"')
    return value


def js_number(number: float) -> int | float:
    """A double as JavaScript prints it: whole up to 1e21, with the shortest digits that name it."""
    if number.is_integer() and abs(number) < 1e21:
        return int(Decimal(repr(number)))
    return number


def numeric_value(value: Any, name: str) -> float | int | None:
    """A numeric column inside a composite: a number or a text that reads as one."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | list | dict):
        raise unsupported(f"a numeric part given as {type(value).__name__}")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise bad_request(f'Invalid number value NaN for field "{name}"')
    return js_number(number)


def boolean_value(value: Any, name: str) -> bool | None:
    """BOOLEAN: true or false; "true" is refused."""
    if value is not None and not isinstance(value, bool):
        raise bad_request(f'Invalid boolean value {inspect(value)} for field "{name}"')
    return value


def uuid_value(value: Any, name: str) -> str | None:
    """A uuid of version 1 to 5, stored in lower case."""
    if value is None:
        return None
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise bad_request(f'Invalid UUID value {inspect(value)} for field "{name}"')
    return value.lower()


def select_value(value: Any, name: str, options: Sequence[str]) -> str | None:
    """SELECT and RATING: exactly one of the option values."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise bad_request(f'Invalid string value {inspect(value)} for text field "{name}"')
    if value not in options:
        raise bad_request(f'Invalid value "{value}" for field "{name}". Valid values are: {", ".join(options)}')
    return value


def multi_select_value(value: Any, name: str, options: Sequence[str]) -> list[str]:
    """MULTI_SELECT: a list of option values; a bare text is wrapped."""
    items = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(items, list) or any(item not in options for item in items):
        raise bad_request(f'Invalid value {inspect(value)} for multi select field "{name}"')
    return items


def array_value(value: Any, name: str) -> list[str]:
    """ARRAY: texts; a bare text is wrapped, null is empty."""
    items = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(items, list) or any(not isinstance(item, str) for item in items):
        raise bad_request(f'Invalid value {inspect(value)} for field "{name} - Array values need to be string"')
    return items


def date_time_value(value: Any, name: str) -> str | None:
    """DATE_TIME as stored: UTC, milliseconds. A date alone is midnight UTC, no zone is UTC."""
    if value is None:
        return None
    moment = instant(value) if isinstance(value, str) else None
    if moment is None:
        raise bad_request(
            f"Invalid value {inspect(value)} for date-time field \"{name}\". Expected format: 'YYYY-MM-DDTHH:mm:ssZ'"
        )
    return iso(moment)


def instant(text: str) -> datetime | None:
    """The moment an ISO text names, rounded to the millisecond; None if it names none."""
    found = _INSTANT.fullmatch(text)
    if not found:
        return None
    year, _, month, day, hour, minute, second, fraction, zone = found.groups()
    micro = int((fraction or "").ljust(6, "0")[:6])
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        moment = moment.replace(tzinfo=_zone(zone))
        return (moment + timedelta(milliseconds=round(micro / 1000))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    if text is None or text.upper() == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def date_value(value: Any, name: str) -> str | None:
    """DATE as stored: YYYY-MM-DD. Slashes are read in US order (recorded); send ISO only."""
    if value is None:
        return None
    if isinstance(value, str):
        moment = instant(value)
        if moment is not None:
            return moment.date().isoformat()
        us = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4})", value)
        if us:
            try:
                return date(int(us[3]), int(us[1]), int(us[2])).isoformat()
            except ValueError:
                pass
    raise bad_request(f"Invalid value {inspect(value)} for date field \"{name}\". Expected format: 'YYYY-MM-DD'")
