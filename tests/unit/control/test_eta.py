"""How much longer: claims that follow from quota and queue, and none where there is nothing to base one on."""

from __future__ import annotations

from typing import Any

import pytest

from control import eta
from control.eta import Look

NO_LIMIT = {"calls": 0, "window_ms": 0, "tokens": 0, "paused_ms": 0.0}
TWENTY = {"calls": 100, "window_ms": 60_000, "tokens": 0, "paused_ms": 0.0}
STATES = ("filtered", "queued", "parked", "asked", "dead", "delivered")


def one(*, source: int | None = None, live: int = 0, **states: int) -> dict[str, Any]:
    """An object's part of a status; all that is queued and not live is backfill."""
    full = {state: states.get(state, 0) for state in STATES}
    rows = sum(full.values())
    lanes = {"live": live, "backfill": full["queued"] - live}
    return {"source": rows if source is None else source, "rows": rows, **full, "lanes": lanes}


def made(kind: str, calls: int, *, lane: str = "backfill", verb: str = "create") -> dict[str, Any]:
    """A line of the journal's calls."""
    return {"kind": kind, "verb": verb, "lane": lane, "calls": calls, "records": calls * 60}


def look(at: float, objects: dict[str, Any], calls: list[dict[str, Any]], limit: dict[str, Any] = TWENTY) -> Look:
    """One look at the line."""
    return Look(at=at, answer={"objects": objects, "calls": calls, "limit": limit})


def test_what_is_queued_takes_its_calls_at_the_limits_pace() -> None:
    """6,000 queued at 60 a call are 100 calls: a minute at Twenty's 100 a minute (S0-91: quotas are planned with)."""
    found = eta.left([look(0, {"contact": one(delivered=600, queued=6000)}, [made("contact", 10)])])
    assert found is not None
    assert (found.seconds, found.calls_per_min, found.of_per_min) == pytest.approx((60.0, 100.0, 100.0))


def test_reads_and_further_parts_are_calls_too() -> None:
    """Two calls a batch of 60 (a note and its targets): half as many records a call."""
    calls = [made("contact_note", 10), made("contact_note", 10, verb="read")]
    found = eta.left([look(0, {"contact_note": one(delivered=600, queued=6000)}, calls)])
    assert found is not None
    assert found.seconds == pytest.approx(120.0)


def test_calls_that_the_bucket_holds_need_no_waiting() -> None:
    """Of 100 calls 40 may leave at once."""
    found = eta.left([look(0, {"c": one(delivered=600, queued=6000)}, [made("c", 10)], {**TWENTY, "tokens": 40})])
    assert found is not None
    assert found.seconds == pytest.approx(36.0)


def test_a_full_bucket_is_used_as_fast_as_the_destination_answers() -> None:
    """100 calls of a full bucket at the 5 calls a second that were measured."""
    limit = {**TWENTY, "tokens": 100}
    looks = [
        look(0, {"c": one(delivered=3000, queued=9000)}, [made("c", 50)], limit),
        look(10, {"c": one(delivered=6000, queued=6000)}, [made("c", 100)], limit),
    ]
    found = eta.left(looks)
    assert found is not None
    assert found.seconds == pytest.approx(20.0)


def test_a_pause_the_destination_asked_for_comes_on_top() -> None:
    """Twenty said: wait 30 s."""
    limit = {**TWENTY, "paused_ms": 30_000.0}
    found = eta.left([look(0, {"c": one(delivered=600, queued=6000)}, [made("c", 10)], limit)])
    assert found is not None
    assert found.seconds == pytest.approx(90.0)


def test_rows_not_captured_yet_are_counted_in_the_share_that_is_written() -> None:
    """Of 4,000 uncaptured rows half will be filtered, as half of those seen were; parked ones come along."""
    object_ = one(source=8000, filtered=2000, delivered=1000, queued=900, parked=100)
    found = eta.left([look(0, {"c": object_}, [made("c", 10)])])
    assert found is not None
    assert found.seconds == pytest.approx(30 * 0.6)


def test_an_object_without_calls_is_reckoned_as_the_others() -> None:
    """Deals have not begun: they will take 60 a call as contacts did."""
    objects = {"contact": one(delivered=600), "deal": one(queued=600)}
    found = eta.left([look(0, objects, [made("contact", 10)])])
    assert found is not None
    assert found.seconds == pytest.approx(6.0)


def test_the_first_small_batches_of_an_object_tell_nothing() -> None:
    """Nine deals in four calls were what happened to be there; the other 600 go by 60 as contacts do."""
    objects = {"contact": one(delivered=6000), "deal": one(queued=600, delivered=9)}
    found = eta.left([look(0, objects, [made("contact", 100), made("deal", 4)])])
    assert found is not None
    assert found.seconds == pytest.approx(6.0, rel=0.05)


def test_without_a_limit_the_measured_rate_counts() -> None:
    """20 calls in 10 s, 100 to go."""
    looks = [
        look(0, {"c": one(delivered=600, queued=7200)}, [made("c", 10)], NO_LIMIT),
        look(10, {"c": one(delivered=1800, queued=6000)}, [made("c", 30)], NO_LIMIT),
    ]
    found = eta.left(looks)
    assert found is not None
    assert (found.seconds, found.of_per_min) == pytest.approx((50.0, 120.0))


def test_a_line_slower_than_its_limit_is_measured() -> None:
    """10 calls in 20 s while 1,000 a minute were allowed and work lay queued: the limit is not the brake."""
    limit = {"calls": 1000, "window_ms": 60_000, "tokens": 1000, "paused_ms": 0.0}
    looks = [
        look(0, {"c": one(delivered=600, queued=6600)}, [made("c", 10)], limit),
        look(20, {"c": one(delivered=1200, queued=6000)}, [made("c", 20)], limit),
    ]
    found = eta.left(looks)
    assert found is not None
    assert (found.seconds, found.of_per_min) == pytest.approx((200.0, 30.0))


def test_what_live_changes_take_is_not_there_for_the_rest() -> None:
    """10 live calls in 10 s leave 40 of 100 a minute to the backfill; alone, live changes have all of it."""
    begin = [made("c", 10)]
    then = [made("c", 10), made("c", 10, lane="live", verb="update")]
    busy = [
        look(0, {"c": one(delivered=600, queued=6000)}, begin),
        look(10, {"c": one(delivered=600, queued=6000)}, then),
    ]
    found = eta.left(busy)
    assert found is not None
    assert (found.calls_per_min, found.seconds) == pytest.approx((40.0, 150.0))
    assert eta.words(found) == "about 2 min left at 40 of 100 calls/min"
    alone = [look(o.at, {"c": one(delivered=600, queued=60, live=60)}, list(o.answer["calls"])) for o in busy]
    found = eta.left(alone)
    assert found is not None
    assert found.calls_per_min == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("objects", "calls", "limit"),
    [
        pytest.param({"c": one(delivered=600)}, [made("c", 10)], TWENTY, id="nothing is left"),
        pytest.param({"c": one(delivered=600, parked=5)}, [made("c", 10)], TWENTY, id="parked alone moves nothing"),
        pytest.param({"c": one(queued=600)}, [], TWENTY, id="no call yet"),
        pytest.param({"c": one(queued=600, delivered=3)}, [made("c", 2)], TWENTY, id="too few calls"),
        pytest.param({"c": one(queued=600, delivered=600)}, [made("c", 10)], NO_LIMIT, id="no limit, one look"),
        pytest.param({"c": one(queued=9)}, [made("c", 9, lane="live")], TWENTY, id="live calls tell no batch size"),
    ],
)
def test_no_claim_without_a_base(objects: dict[str, Any], calls: list[dict[str, Any]], limit: dict[str, Any]) -> None:
    """Better no number than an invented one."""
    assert eta.left([look(0, objects, calls, limit)]) is None
    assert eta.left([]) is None


def test_a_line_that_stands_still_makes_no_claim() -> None:
    """Without a limit and without a call in the window there is no pace."""
    objects = {"c": one(delivered=600, queued=600)}
    assert eta.left([look(at, objects, [made("c", 10)], NO_LIMIT) for at in (0, 10)]) is None


def test_the_rate_is_of_the_last_half_minute() -> None:
    """Looks older than 30 s go; a rate needs looks 5 s apart; a row that is queued again makes it no less than 0."""
    looks: tuple[Look, ...] = ()
    for at in range(0, 61, 10):
        looks = eta.recent(looks, look(at, {"c": one(delivered=at * at)}, []))
    assert [one_look.at for one_look in looks] == [30, 40, 50, 60]
    assert eta.rate(looks, "c") == pytest.approx(90.0)
    assert eta.rate(looks, "other") is None
    assert eta.rate(looks[-1:], "c") is None
    assert eta.rate(tuple(look(-o.at, dict(o.answer["objects"]), []) for o in reversed(looks)), "c") == 0.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59, "less than a minute left at 100 calls/min"),
        (61, "about 1 min left at 100 calls/min"),
        (12 * 60 + 40, "about 13 min left at 100 calls/min"),
        (3 * 3600 + 5 * 60, "about 3 h 05 min left at 100 calls/min"),
        (3.4 * 86400, "about 3.4 days left at 100 calls/min"),
    ],
)
def test_the_words(seconds: float, text: str) -> None:
    """No false precision."""
    assert eta.words(eta.Left(seconds=seconds, calls_per_min=99.0, of_per_min=100.0)) == text
