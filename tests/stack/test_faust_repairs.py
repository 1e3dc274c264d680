"""Each repair of Faust against a real broker, beside a worker that lacks it (engine.md 6 and 9; S0-18)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import faust_kit
import pytest
from faust_kit import Line, until

pytestmark = pytest.mark.stack


@pytest.fixture
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Line]]:
    """Makes lines on the session's broker."""
    yield from faust_kit.lines(request, tmp_path)


def test_w2_and_w3_on_a_topic_written_in_transactions(lines: Callable[..., Line]) -> None:
    """W2: the group's offset keeps up with control records. W3: rows of aborted transactions are not taken."""
    line = lines(partitions=1)
    line.write(120, 4, abort_every=8)
    workers = {without: line.worker(without or "mended", without=without) for without in ("", "W2", "W3")}
    for worker in workers.values():
        worker.takes(line.keys[line.topics[0]])
    until(workers[""].caught_up, "the mended group caught up")
    assert workers[""].keys() & line.aborted == set()
    assert len(workers[""].lines()) == len(line.keys[line.topics[0]])
    assert not workers["W2"].caught_up()
    assert workers["W3"].keys() & line.aborted


def test_w8_pausing_loses_nothing(lines: Callable[..., Line]) -> None:
    """W8: events fetched for a partition that is paused meanwhile are delivered; unrepaired they are skipped."""
    line = lines(topics=2)
    line.write(1, 40)
    mended, plain = (line.worker(without or "mended", without=without, background="toggle") for without in ("", "W8"))
    for worker in (mended, plain):
        until(lambda w=worker: w.alive() and int(w.read("toggles") or 0) > 0, "it has partitions and pauses them")
    for topic in range(20):
        line.write(1, 150, topic=topic % 2)  # the second topic keeps the fetcher awake
    for worker in (mended, plain):
        worker.takes(line.keys[line.topics[1]])
        worker.flag("calm")
    before = set(line.places)
    line.write(1, 40)
    for worker in (mended, plain):
        worker.takes(set(line.places) - before)
    assert mended.keys() == set(line.places)
    until(mended.caught_up, "caught up")
    assert line.skipped(plain)


def test_a_pause_outlives_a_rebalance(lines: Callable[..., Line]) -> None:
    """A paused topic stays paused when a worker joins, while others flow; then it goes on where it stood (S0-19)."""
    line = lines(topics=2)
    line.write(1, 40)
    first = line.worker()
    first.takes(set(line.places))
    first.flag("pause")
    until(lambda: first.read("observed") == "True", "pause observed")
    second, before = line.worker(), set(line.places)
    until(lambda: members(line, first.orders["group"]) == 2, "both joined")
    line.write(4, 25, topic=0)
    line.write(4, 25, topic=1)
    first.takes(line.keys[line.topics[1]])
    assert first.keys(line.topics[0]) == before
    first.clear("pause")
    first.takes(set(line.places))
    until(lambda: second.alive() and first.caught_up(), "caught up")
    assert line.skipped(first) == set()


def test_w9_a_long_batch_does_not_cost_the_membership(lines: Callable[..., Line]) -> None:
    """W9: a wait longer than the poll interval ends, and what follows is taken; unrepaired the worker is dead."""
    line = lines()
    line.write(1, 5)
    mended, plain = line.worker("mended"), line.worker("W9", without="W9")
    for worker in (mended, plain):
        worker.flag("weather", line.topics[0])
    until(lambda: members(line, plain.orders["group"]) == 1, "joined")
    until(lambda: members(line, plain.orders["group"]) == 0, "the plain worker left")
    for worker in (mended, plain):
        worker.clear("weather")
    line.write(1, 5)
    mended.takes(line.keys[line.topics[0]])
    until(mended.caught_up, "caught up")
    assert members(line, mended.orders["group"]) == 1
    assert members(line, plain.orders["group"]) == 0


def test_w10_weather_on_one_topic_does_not_stop_another(lines: Callable[..., Line]) -> None:
    """W10: a topic whose agent waits is held, and its full queue does not block the drain of all topics."""
    line = lines(topics=2)
    line.write(10, 200, topic=0)
    small = {"most": 50, "conf": {"stream_buffer_maxsize": 100}}
    mended, plain = (line.worker(without or "mended", without=without, **small) for without in ("", "W10"))
    for worker in (mended, plain):
        worker.flag("weather", line.topics[0])
    for worker in (mended, plain):
        until(lambda w=worker: '"wait"' in w.log.read_text(), "the first topic waits")
    line.write(3, 200, topic=1)
    mended.takes(line.keys[line.topics[1]])
    assert mended.keys(line.topics[0]) == set()
    assert not line.keys[line.topics[1]] <= plain.keys(line.topics[1])
    for worker in (mended, plain):
        worker.clear("weather")
        worker.takes(set(line.places))
        until(worker.caught_up, "caught up")


def test_w5_an_exception_ends_the_process_and_skips_nothing(lines: Callable[..., Line]) -> None:
    """W5: what is not weather ends the worker with LG-0703, nothing acknowledged; Faust alone goes on without it."""
    line = lines(partitions=1)
    line.write(4, 10)
    mended, plain = (line.worker(without or "mended", without=without, bug_at="k25", most=10) for without in ("", "W5"))
    assert mended.ended() == 70
    assert "LG-0703" in mended.log.read_text()
    assert set(line.places) - mended.keys() >= {"k25"}
    plain.takes(set(line.places) - {"k25"})
    until(plain.caught_up, "the plain worker committed past what it never took")
    assert line.skipped(plain) == {"k25"}
    line.worker("mended").takes(set(line.places))


def members(line: Line, group: str) -> int:
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": line.brokers})
    return len(admin.describe_consumer_groups([group])[group].result(10).members)
