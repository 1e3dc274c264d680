"""Rounds: who is served when everybody has work."""

from __future__ import annotations

from ledger.desired import Step, Verb
from sinks.worker import rounds

LIVE = [Step(lane="live", kind=kind, verb=Verb.UPDATE) for kind in ("company", "contact", "deal", "task")]
BACK = [Step(lane="backfill", kind=kind, verb=Verb.CREATE) for kind in ("deal", "task")]


def test_live_comes_first_and_backfill_is_not_starved() -> None:
    """After each two live steps one of the backfill, in turn."""
    assert [LIVE[0], LIVE[1], BACK[0], LIVE[2], LIVE[3], BACK[1]] == rounds([*LIVE, *BACK])


def test_a_single_live_step_is_followed_by_one_of_the_backfill() -> None:
    """Live never waits behind more than one call of the backfill."""
    assert [LIVE[0], BACK[0]] == rounds([LIVE[0], *BACK])


def test_one_lane_alone() -> None:
    """Without live work one backfill step a round, so that a live change waits for one call at most."""
    assert [BACK[0]] == rounds(BACK)
    assert LIVE == rounds(LIVE)
    assert [] == rounds([])
