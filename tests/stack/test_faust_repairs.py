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


@pytest.mark.parametrize("without", ["", "W8"])
def test_w8_pausing_loses_nothing(lines: Callable[..., Line], without: str) -> None:
    """W8: events fetched for a partition that is paused meanwhile are delivered; unrepaired they are skipped."""
    line = lines(topics=2)
    line.write(1, 40)
    worker = line.worker(without=without, background="toggle", most=100)
    until(lambda: worker.alive() and int(worker.read("toggles") or 0) > 0, "it has partitions and pauses them")
    for topic in range(20):
        line.write(1, 150, topic=topic % 2)  # the second topic keeps the fetcher awake
    worker.takes(line.keys[line.topics[1]])
    worker.flag("calm")
    before = set(line.places)
    line.write(1, 40)
    worker.takes(set(line.places) - before)
    if without:
        assert line.skipped(worker)
    else:
        assert worker.keys() == set(line.places)
        until(worker.caught_up, "caught up")


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


@pytest.mark.parametrize("without", ["", "W10"])
def test_w10_weather_on_one_topic_does_not_stop_another(lines: Callable[..., Line], without: str) -> None:
    """W10: the agent that waits holds its topic, so its full queue does not block the drain of all topics."""
    line = lines(topics=2)
    line.write(10, 200, topic=0)
    worker = line.worker(without=without, most=50, conf={"stream_buffer_maxsize": 100})
    worker.flag("weather", line.topics[0])
    until(lambda: '"wait"' in worker.log.read_text(), "the first topic waits")
    line.write(3, 200, topic=1)
    if without:
        line.write(1, 10, topic=1)
        until(lambda: worker.log.read_text().count('"wait"') > 5, "it keeps waiting")
        assert not line.keys[line.topics[1]] <= worker.keys(line.topics[1])
    else:
        worker.takes(line.keys[line.topics[1]])
        assert worker.keys(line.topics[0]) == set()
    worker.clear("weather")
    worker.takes(line.keys[line.topics[0]] | line.keys[line.topics[1]])
    until(worker.caught_up, "caught up")


@pytest.mark.parametrize("without", ["", "W5"])
def test_w5_an_exception_ends_the_process_and_skips_nothing(lines: Callable[..., Line], without: str) -> None:
    """W5: what is not weather ends the worker with LG-0703, nothing acknowledged; Faust alone goes on without it."""
    line = lines(partitions=1)
    line.write(4, 10)
    wanted = line.keys[line.topics[0]]
    worker = line.worker(without=without, bug_at="k25", most=10)
    if without:
        until(worker.caught_up, "caught up")
        until(lambda: len(worker.keys()) == len(wanted) - 1, "all but one")
        assert wanted - worker.keys() == {"k25"}
        return
    assert worker.ended() == 70
    assert "LG-0703" in worker.log.read_text()
    assert wanted - worker.keys() >= {"k25"}
    line.worker().takes(wanted)


def members(line: Line, group: str) -> int:
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": line.brokers})
    return len(admin.describe_consumer_groups([group])[group].result(10).members)
