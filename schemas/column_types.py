"""Debezium JSON value + the column's type → the value psycopg would give for the same column."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from schemas.change_event import is_unavailable

_EPOCH = datetime(1970, 1, 1)  # naive: `timestamp` has no zone
_EPOCH_DATE = date(1970, 1, 1)
_MODIFIER = re.compile(r"\(\s*-?\d+\s*(?:,\s*-?\d+\s*)?\)")
# What Debezium writes for numeric's special values with decimal.handling.mode=string (`engine.md` 3: NaN → "NAN").
_SPECIAL_NUMERIC = {
    "NAN": Decimal("NaN"),
    "POSITIVE_INFINITY": Decimal("Infinity"),
    "NEGATIVE_INFINITY": Decimal("-Infinity"),
}
_DAY_US = 86_400_000_000


def decode(value: Any, pg_type: str) -> Any:
    """The typed value of a column of `format_type` `pg_type`, e.g. `bigint`, `jsonb`, `timestamp with time zone`.

    Never raises: a value that does not fit its type (infinity, a year outside 1..9999, the unavailable placeholder)
    comes back as it is, dates out of range as text.
    """
    if value is None:
        return None
    return _decoder(pg_type)(value)


def decode_row(image: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """Every column of `image`, decoded by `columns` (name → type); columns of unknown type pass as they are."""
    return {
        name: value if value is None or name not in columns else _decoder(columns[name])(value)
        for name, value in image.items()
    }


@lru_cache(maxsize=512)
def _decoder(pg_type: str) -> Callable[[Any], Any]:
    """The decoder of a type, by its base name without length or precision."""
    name = " ".join(_MODIFIER.sub("", pg_type).split())
    if name.endswith("[]"):
        return _array_of(_decoder(name[:-2]))
    return _DECODERS.get(name, _as_is)


def _array_of(element: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decode_array(value: Any) -> Any:
        if not isinstance(value, list) or is_unavailable(value):
            return value
        return [None if item is None else element(item) for item in value]

    return decode_array


def _as_is(value: Any) -> Any:
    return value


def _integer(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return value
    return value


def _float(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return value


def _numeric(value: Any) -> Any:
    if isinstance(value, str) and value in _SPECIAL_NUMERIC:
        return _SPECIAL_NUMERIC[value]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return value


def _timestamptz(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return value


def _timestamp(value: Any) -> Any:
    """`adaptive_time_microseconds`: int µs since 1970 without a zone."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    try:
        return _EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return str(value)


def _date(value: Any) -> Any:
    """int days since 1970."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    try:
        return _EPOCH_DATE + timedelta(days=value)
    except OverflowError:
        return str(value)


def _time(value: Any) -> Any:
    """int µs since midnight; `24:00:00` has no Python time and comes as text."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if value == _DAY_US:
        return "24:00:00"
    return (_EPOCH + timedelta(microseconds=value)).time() if 0 <= value < _DAY_US else value


def _timetz(value: Any) -> Any:
    try:
        return time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _json(value: Any) -> Any:
    """json and jsonb arrive as a JSON *string*. `json.loads` like psycopg: big integers stay whole, and a lone
    surrogate that a `json` column may hold (`context_links`) does not stop the row."""
    if not isinstance(value, str) or is_unavailable(value):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _bytea(value: Any) -> Any:
    if not isinstance(value, str) or is_unavailable(value):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value


_DECODERS: Mapping[str, Callable[[Any], Any]] = {
    "bigint": _integer,
    "integer": _integer,
    "smallint": _integer,
    "oid": _integer,
    "double precision": _float,
    "real": _float,
    "numeric": _numeric,
    "timestamp with time zone": _timestamptz,
    "timestamp without time zone": _timestamp,
    "date": _date,
    "time without time zone": _time,
    "time with time zone": _timetz,
    "json": _json,
    "jsonb": _json,
    "bytea": _bytea,
}
