"""How much longer: what is still to be written, in calls, at the pace that the destination allows. Pure.

A look is the answer of `status` and its moment; a few looks of the last half minute give rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Rates are of this long.
WINDOW_S = 30.0
#: A rate needs looks this far apart.
LEAST_SPAN_S = 5.0
#: Records per call need this many calls: the first batches are of what happened to be there.
LEAST_CALLS = 3
#: An object tells its own records per call from here on; before, they are taken from all objects together.
LEAST_RECORDS = 100
#: Slower than this part of what the limit allows, and it is not the limit that holds the line up.
HELD_UP = 0.7
#: Of the pace, whatever live changes take.
LEAST_SHARE = 0.2
SETTLED = ("filtered", "delivered", "asked", "dead")


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the line."""

    at: float  #: seconds of a steady clock
    answer: Mapping[str, Any]  #: of `status`


@dataclass(frozen=True, kw_only=True)
class Left:
    """How much longer, and by what that is known."""

    seconds: float
    calls_per_min: float  #: for what is left: the limit's pace, or the measured one, less what live changes take
    of_per_min: float  #: the whole pace


def recent(looks: Sequence[Look], new: Look) -> tuple[Look, ...]:
    """The looks of the last half minute, the new one among them."""
    return (*(look for look in looks if look.at >= new.at - WINDOW_S), new)


def rate(looks: Sequence[Look], name: str) -> float | None:
    """Rows of the object that reached their end, a second; None when there is too little to tell."""
    known = [look for look in looks if name in look.answer["objects"]]
    if not known or known[-1].at - known[0].at < LEAST_SPAN_S:
        return None
    first, last = (_settled(look.answer["objects"][name]) for look in (known[0], known[-1]))
    return max(0, last - first) / (known[-1].at - known[0].at)


def calls(answer: Mapping[str, Any], name: str | None = None, lane: str | None = None) -> int:
    """Calls so far: of an object, of a lane, or all."""
    return sum(c["calls"] for c in answer["calls"] if name in (None, c["kind"]) and lane in (None, c["lane"]))


def left(looks: Sequence[Look]) -> Left | None:
    """How much longer; None when nothing is left, or when there is nothing to base a claim on."""
    if not looks:
        return None
    answer = looks[-1].answer
    needed = _calls_needed(answer)
    pace = _pace(looks)
    if not needed or pace is None:
        return None
    behind_live = any(one["lanes"]["backfill"] for one in answer["objects"].values())
    live = (_per_second(looks, "live") or 0.0) if behind_live else 0.0
    free = max(pace - live, pace * LEAST_SHARE)
    waiting = answer["limit"]["paused_ms"] / 1000
    return Left(seconds=waiting + _seconds(looks, needed, free), calls_per_min=free * 60, of_per_min=pace * 60)


def words(found: Left) -> str:
    """`about 12 min left at 62 of 100 calls/min`."""
    whole, own = round(found.of_per_min), round(found.calls_per_min)
    pace = f"{own} of {whole}" if own < whole * 0.95 else f"{whole}"
    return f"{_duration(found.seconds)} left at {pace} calls/min"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 60:
        return "less than a minute"
    if minutes < 120:
        return f"about {minutes} min"
    if minutes < 48 * 60:
        return f"about {minutes // 60} h {minutes % 60:02d} min"
    return f"about {minutes / 60 / 24:.1f} days"


def _settled(one: Mapping[str, Any]) -> int:
    return sum(one[state] for state in SETTLED)


def _to_come(one: Mapping[str, Any]) -> float:
    """Rows still to be written, those included that are not captured yet; of these as many are filtered as so far."""
    written = 1 - one["filtered"] / one["rows"] if one["rows"] else 1.0
    return float(one["queued"] + max(0, (one["source"] or 0) - one["rows"]) * written)


def _calls_needed(answer: Mapping[str, Any]) -> float | None:
    """Calls that what is left will take; None when that is unknown. Parked records come along with the others only."""
    objects = answer["objects"]
    if not any(_to_come(one) for one in objects.values()):
        return 0.0
    overall = _calls_per_record(answer, objects)
    total = 0.0
    for name, one in objects.items():
        records = _to_come(one) + one["parked"]
        each = (_calls_per_record(answer, [name]) if one["delivered"] >= LEAST_RECORDS else None) or overall
        if records and each is None:
            return None
        total += records * (each or 0.0)
    return total


def _calls_per_record(answer: Mapping[str, Any], names: Mapping[str, Any] | Sequence[str]) -> float | None:
    """Of the backfill, reads and further parts included; live changes go in calls of their own."""
    made = sum(calls(answer, name, "backfill") for name in names)
    records = sum(answer["objects"][name]["delivered"] for name in names)
    return made / records if made >= LEAST_CALLS and records else None


def _seconds(looks: Sequence[Look], needed: float, free: float) -> float:
    """What the bucket holds may leave at once, as fast as the destination answers."""
    at_once = 0 if _held_up(looks) else looks[-1].answer["limit"]["tokens"]
    measured = _per_second(looks)
    return needed / measured if measured and at_once >= needed else max(0.0, needed - at_once) / free


def _pace(looks: Sequence[Look]) -> float | None:
    """Calls a second: what the limit allows; what was measured where there is none, or where it is not what holds."""
    if not looks[-1].answer["limit"]["calls"] or _held_up(looks):
        return _per_second(looks) or None
    return _allowed(looks[-1].answer["limit"])


def _allowed(limit: Mapping[str, Any]) -> float:
    return float(limit["calls"] * 1000 / limit["window_ms"])


def _held_up(looks: Sequence[Look]) -> bool:
    """Much slower than the limit, and yet there was work in the queue at every look: something else is the brake."""
    limit, measured = looks[-1].answer["limit"], _per_second(looks)
    long_enough = looks[-1].at - looks[0].at >= WINDOW_S / 2
    busy = all(any(one["queued"] for one in look.answer["objects"].values()) for look in looks)
    slow = bool(limit["calls"] and measured and measured < _allowed(limit) * HELD_UP)
    return long_enough and busy and slow


def _per_second(looks: Sequence[Look], lane: str | None = None) -> float | None:
    span = looks[-1].at - looks[0].at
    if span < LEAST_SPAN_S:
        return None
    return max(0, calls(looks[-1].answer, lane=lane) - calls(looks[0].answer, lane=lane)) / span
