"""The token bucket of the Twenty stand-in, with time in the test's hands (S0-56)."""

from __future__ import annotations

from sandbox.twenty.bucket import TokenBucket


class Hand:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.ms = 0.0

    def __call__(self) -> float:
        return self.ms


def granted(bucket: TokenBucket, hand: Hand, pace_ms: float, calls: int) -> list[bool]:
    """Calls at a steady pace."""
    found = []
    for _ in range(calls):
        hand.ms += pace_ms
        found.append(bucket.take())
    return found


def empty() -> tuple[TokenBucket, Hand]:
    """A bucket of 100 a minute with nothing left."""
    hand = Hand()
    bucket = TokenBucket(100, 60_000, hand)
    assert all(bucket.take() for _ in range(100))
    assert not bucket.take()
    return bucket, hand


def test_slower_than_600_ms_never_waits() -> None:
    """At 650 ms a call every call earns its token (measured on 2.21)."""
    bucket, hand = empty()
    assert all(granted(bucket, hand, 650, 200))


def test_450_ms_is_refused_every_second_time() -> None:
    """At 450 ms a granted call restarts the clock, so the next one earns nothing (measured on 2.21)."""
    bucket, hand = empty()
    assert granted(bucket, hand, 450, 8) == [False, True] * 4


def test_a_refusal_does_not_restart_the_clock() -> None:
    """Hammering every 100 ms still gets one call each 600 ms."""
    bucket, hand = empty()
    assert granted(bucket, hand, 100, 12) == ([False] * 5 + [True]) * 2


def test_rest_refills_to_the_limit_and_no_further() -> None:
    """After an hour there are 100 tokens, not 6,000."""
    bucket, hand = empty()
    hand.ms += 3_600_000
    assert [bucket.take() for _ in range(101)] == [True] * 100 + [False]


def test_no_limit() -> None:
    """Limit 0 lifts it."""
    assert all(granted(TokenBucket(0, 60_000, Hand()), Hand(), 0, 1000))
