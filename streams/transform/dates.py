"""Moments: Twenty's DATE_TIME takes the years 0001 to 2200 with milliseconds (`twenty.md` 1.9)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from streams.transform import text
from streams.transform.converted import OMIT, Converted, Given

OUT_OF_RANGE = "out_of_range"
_LAST_YEAR = 2200


def utc(value: datetime) -> datetime | None:
    """The same instant in UTC; None when no calendar has it there."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        return None


def moment(given: Given) -> Converted:
    """timestamp → `2019-03-04T05:06:07.123Z`; null is left out, since `createdAt` takes none.

    What the destination cannot hold (infinity, BC, after 2200, text) is left out too, flagged, and goes to `leftover`.
    """
    if given.value is None:
        return Converted(value=OMIT)
    value = utc(given.value) if isinstance(given.value, datetime) else None
    if value is None or value.year > _LAST_YEAR:
        written, flags = _written(given.value)
        return Converted(value=OMIT, flags=(*flags, OUT_OF_RANGE), leftover=(written,))
    return Converted(value=_stored(value))


def instant(given: Given) -> Converted:
    """timestamp or date → DATE_TIME that may be null, as `moment`; a date is midnight UTC, as Atomic CRM itself made
    dates of its moments (`atomic_crm.md` 2.1, 7.15). What Twenty cannot hold is null, flagged, and in `leftover`."""
    raw = given.value
    if raw is None:
        return Converted(value=None)
    if isinstance(raw, date) and not isinstance(raw, datetime):
        raw = datetime(raw.year, raw.month, raw.day, tzinfo=UTC)
    value = utc(raw) if isinstance(raw, datetime) else None
    if value is None or value.year > _LAST_YEAR:
        written, flags = _written(given.value)
        return Converted(value=None, flags=(*flags, OUT_OF_RANGE), leftover=(written,))
    return Converted(value=_stored(value))


def _stored(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z".rjust(24, "0")


def moment_text(given: Given) -> Converted:
    """timestamp → TEXT in ISO 8601, UTC, with all its digits; null → ""."""
    written, flags = _written(given.value)
    return Converted(value=written, flags=flags)


def _written(value: Any) -> tuple[str, tuple[str, ...]]:
    if isinstance(value, datetime) and (in_utc := utc(value)) is not None:
        return in_utc.isoformat().replace("+00:00", "Z"), ()
    return text.cleaned(value)
