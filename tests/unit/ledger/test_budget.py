"""ledger.budget against an oracle: the bucket as Twenty keeps it (`twenty.md` 5), by its own clock."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from ledger_kit import Ledger

from ledger import budget
from ledger.budget import PACE_MARGIN_MS, Bucket, Grant, Wait
from sandbox.twenty.bucket import TokenBucket

LIMIT, WINDOW_MS = 100, 60_000


@dataclass(kw_only=True)
class Bench:
    """The ledger's window and the server's bucket, one clock."""

    limit: int = LIMIT
    window_ms: int = WINDOW_MS
    now: float = 0.0
    calls: int = 0
    refused: int = 0
    tokens: int = 0
    last_call: float = 0.0
    judge: TokenBucket = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.limit
        self.judge = TokenBucket(self.limit, self.window_ms, lambda: self.now)

    def ask(self, calls: int) -> Grant | Wait:
        """As `budget.ask` does, on numbers instead of rows."""
        bucket = Bucket(
            limit_calls=self.limit,
            window_ms=self.window_ms,
            tokens=self.tokens,
            since_last_ms=self.now - self.last_call,
            paused_ms=0.0,
        )
        answer = budget.decide(bucket, calls)
        if isinstance(answer, Grant):
            self.tokens, self.last_call = answer.tokens_left, self.now + answer.ahead_ms
        return answer

    def make(self, grant: Grant, late_ms: float) -> None:
        """Calls leave at their slots, the first a little late and the others as much later."""
        asked = self.now
        for delay in grant.delays_ms:
            self.now = asked + delay + late_ms
            self.calls += 1
            self.refused += not self.judge.take()


@pytest.mark.parametrize("seed", range(40))
def test_no_schedule_is_refused(seed: int) -> None:
    """H-30, twenty.md: calls closer than window / limit earn nothing back; ours never run into a refusal."""
    dice = random.Random(seed)
    bench = Bench(limit=dice.choice((5, 60, 100)), window_ms=dice.choice((10_000, 60_000)))
    while bench.calls < 400:
        answer = bench.ask(dice.randrange(1, 4))
        if isinstance(answer, Wait):
            bench.now += answer.ms
            continue
        bench.make(answer, late_ms=dice.random() * PACE_MARGIN_MS / 4)
        if dice.random() < 0.05:
            bench.now += dice.random() * 30_000
    assert bench.refused == 0


@pytest.mark.parametrize("batch", [1, 2])
def test_saturated_it_uses_nearly_all_of_the_limit(batch: int) -> None:
    """At least 97 % of 100 calls in 60 s, the first burst left out."""
    bench = Bench()
    started_at, started = 0.0, 0
    while bench.calls < 1100:
        answer = bench.ask(batch)
        if isinstance(answer, Wait):
            bench.now += answer.ms
        else:
            bench.make(answer, late_ms=0.0)
        if not started_at and bench.calls >= 100:
            started_at, started = bench.now, bench.calls
    rate = (bench.calls - started) / (bench.now - started_at)
    assert bench.refused == 0
    assert rate >= 0.97 * LIMIT / WINDOW_MS


def bucket(**more: float) -> Bucket:
    """A window of 100 calls a minute."""
    given = {"limit_calls": LIMIT, "window_ms": WINDOW_MS, "tokens": 0, "since_last_ms": 0.0, "paused_ms": 0.0, **more}
    return Bucket(**given)  # type: ignore[arg-type]


def test_a_call_that_comes_too_early_waits_as_long_as_it_must() -> None:
    """One interval and the margin after the last."""
    assert budget.decide(bucket(since_last_ms=100.0), 1) == Wait(ms=600.0 + PACE_MARGIN_MS - 100.0)
    assert isinstance(budget.decide(bucket(since_last_ms=600.0 + PACE_MARGIN_MS), 1), Grant)


def test_slots_taken_in_the_future_are_waited_for() -> None:
    """Another worker's grant reaches past now."""
    assert budget.decide(bucket(since_last_ms=-700.0, tokens=0), 1) == Wait(ms=1300.0 + PACE_MARGIN_MS)


def test_a_pause_and_no_limit() -> None:
    """The destination's word comes first; 0 is no limit."""
    assert budget.decide(bucket(paused_ms=1500.0, tokens=100), 1) == Wait(ms=1500.0)
    assert budget.decide(bucket(limit_calls=0), 3) == Grant(delays_ms=(0.0, 0.0, 0.0), tokens_left=0, ahead_ms=0.0)


def test_calls_that_belong_together_are_spread_when_the_burst_is_used_up() -> None:
    """The first may leave now, the second an interval later."""
    grant = budget.decide(bucket(tokens=1), 2)
    assert grant == Grant(delays_ms=(0.0, 600.0 + PACE_MARGIN_MS), tokens_left=0, ahead_ms=600.0 + PACE_MARGIN_MS)


def test_workers_share_one_window_in_the_ledger(ledger: Ledger) -> None:
    """Two connections: a burst is spent once, by the ledger's clock."""
    budget.open_window(ledger.conn, "twenty", 4, 60_000)
    other = ledger.connect()
    grants = [budget.ask(conn, "twenty", 1) for conn in (ledger.conn, other, ledger.conn, other)]
    assert [isinstance(grant, Grant) for grant in grants] == [True] * 4
    assert isinstance(budget.ask(other, "twenty", 1), Wait)


def test_a_window_opened_again_gives_back_no_tokens(ledger: Ledger) -> None:
    """A restart is no new burst; a smaller limit caps what is left."""
    budget.open_window(ledger.conn, "twenty", 4, 60_000)
    for _ in range(4):
        budget.ask(ledger.conn, "twenty", 1)
    budget.open_window(ledger.conn, "twenty", 4, 60_000)
    assert isinstance(budget.ask(ledger.conn, "twenty", 1), Wait)
    budget.open_window(ledger.conn, "other", 10, 60_000)
    budget.open_window(ledger.conn, "other", 2, 60_000)
    grants = [budget.ask(ledger.conn, "other", 1) for _ in range(3)]
    assert [isinstance(grant, Grant) for grant in grants] == [True, True, False]


def test_what_the_destination_says_of_its_limit_is_learned(ledger: Ledger) -> None:
    """429: the bucket is empty, everybody waits, and the limit it named counts from now on."""
    budget.open_window(ledger.conn, "twenty", 100, 60_000)
    budget.learn(ledger.conn, "twenty", wait_s=5.0, limit=50, window_ms=30_000, words="50 requests per 30 s" * 20)
    answer = budget.ask(ledger.conn, "twenty", 1)
    assert isinstance(answer, Wait)
    assert 4000 < answer.ms <= 5000
    found = ledger.conn.execute("select limit_calls, window_ms, tokens, length(learned) as said from budget").fetchone()
    assert found == {"limit_calls": 50, "window_ms": 30_000, "tokens": 0, "said": 200}


def test_an_unknown_destination_has_no_limit(ledger: Ledger) -> None:
    """Nothing was opened: calls leave at once."""
    assert budget.ask(ledger.conn, "nobody", 2) == Grant(delays_ms=(0.0, 0.0), tokens_left=0, ahead_ms=0.0)


def test_the_window_is_read_without_asking_for_a_call(ledger: Ledger) -> None:
    """For the forecast: limit, what could leave at once, and a pause; nothing is spent by looking."""
    assert budget.read(ledger.conn, "twenty") is None
    budget.open_window(ledger.conn, "twenty", 4, 60_000)
    assert isinstance(budget.ask(ledger.conn, "twenty", 1), Grant)
    for _ in range(2):
        found = budget.read(ledger.conn, "twenty")
        assert found is not None
        assert (found.limit_calls, found.window_ms, budget.available(found), found.paused_ms) == (4, 60_000, 3, 0.0)
    budget.learn(ledger.conn, "twenty", wait_s=5.0, limit=None, window_ms=None, words="429")
    found = budget.read(ledger.conn, "twenty")
    assert found is not None
    assert 4000 < found.paused_ms <= 5000
    assert budget.available(found) == 0


def test_what_could_leave_at_once_grows_with_time() -> None:
    """A token an interval, up to the limit; without a limit there is nothing to count."""
    interval = WINDOW_MS / LIMIT
    told = [budget.available(bucket(since_last_ms=ms + PACE_MARGIN_MS)) for ms in (0, interval, 10.5 * interval, 1e6)]
    assert told == [0, 1, 10, 100]
    assert budget.available(bucket(limit_calls=0, tokens=5)) == 0
