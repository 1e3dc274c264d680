"""The streams worker's life on a real broker: killed, stopped, joined, its offsets lost (S0-18, S0-19; engine.md 9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import faust_kit
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from faust_kit import Line, Worker, until

from infra import kafka
from schemas import murmur2

pytestmark = pytest.mark.stack


@pytest.fixture
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Line]]:
    """Makes lines on the session's broker."""
    yield from faust_kit.lines(request, tmp_path)


def in_order(worker: Worker) -> bool:
    """First sights of each partition's offsets rise: repeats may come, a step back to something new may not."""
    seen: dict[tuple[str, int], int] = {}
    known = set()
    for topic, partition, offset, _ in worker.lines():
        if (topic, partition, offset) not in known and offset < seen.get((topic, partition), -1):
            return False
        known.add((topic, partition, offset))
        seen[topic, partition] = max(offset, seen.get((topic, partition), -1))
    return True


def test_kill_9_and_a_second_worker_lose_nothing(lines: Callable[..., Line]) -> None:
    """Killed in the flow, joined by another, killed again: every event is taken, in order, few of them twice."""
    line = lines()
    line.write(10, 100, abort_every=5)
    first = line.worker(most=50)
    until(lambda: first.alive() and len(first.lines()) > 100, "it flows")
    first.kill()
    second = line.worker(most=50)
    line.write(10, 100, abort_every=5)
    until(lambda: second.alive() and len(second.keys()) > 400, "it flows again")
    third = line.worker(most=50)
    line.write(10, 100)
    third.takes(set(line.places))
    second.kill()
    line.write(5, 100)
    third.takes(set(line.places))
    until(third.caught_up, "caught up")
    assert line.skipped(third) == set()
    assert in_order(third)
    assert third.keys() == set(line.places)


def test_sigterm_in_the_middle_of_a_batch(lines: Callable[..., Line]) -> None:
    """It leaves within seconds, with exit code 0, acknowledges nothing of that batch, and says only JSON lines."""
    line = lines()
    line.write(2, 20)
    first = line.worker()
    first.takes(set(line.places))
    until(first.caught_up, "caught up")
    stood = first.committed()
    first.flag("stuck")
    line.write(2, 20)
    until((first.flags / "inside").exists, "a batch is inside")
    assert first.terminate() == 0
    assert first.committed() == stood
    first.clear("stuck")
    second = line.worker()
    second.takes(set(line.places))
    assert second.terminate() == 0
    assert all(json.loads(text) for text in first.log.read_text().splitlines())


def test_weather_is_waited_out_in_place(lines: Callable[..., Line]) -> None:
    """While the ledger is away nothing is acknowledged and no partition moves; then everything is taken once."""
    line = lines()
    line.write(2, 20)
    worker = line.worker()
    worker.takes(set(line.places))
    until(worker.caught_up, "caught up")
    stood = worker.committed()
    worker.flag("weather", line.topics[0])
    line.write(10, 50)
    until(lambda: worker.log.read_text().count('"wait"') > 4, "it waits")
    assert worker.committed() == stood
    worker.clear("weather")
    worker.takes(set(line.places))
    until(worker.caught_up, "caught up")
    assert len(worker.lines()) == len(line.places)


def test_a_lost_offset_halts_instead_of_jumping(lines: Callable[..., Line]) -> None:
    """The broker no longer has what comes next: LG-0702 and exit 70. Faust as it comes jumps to the rest."""
    line = lines(partitions=1)
    line.write(2, 20)
    plainly = {"without": "LG-0702", "conf": {"consumer_auto_offset_reset": "earliest"}}
    before = {"mended": line.worker("mended"), "plain": line.worker("plain", **plainly)}
    for worker in before.values():
        worker.takes(set(line.places))
        until(worker.caught_up, "caught up")
        worker.kill()
    line.write(2, 20)
    drop_until(line, kafka.end_offsets(line.brokers, line.topics)[line.topics[0], 0] - 5)
    mended, plain = line.worker("mended"), line.worker("plain", **plainly)
    assert mended.ended() == 70
    assert "LG-0702" in mended.log.read_text()
    assert line.skipped(mended) == set()
    until(lambda: plain.alive() and line.skipped(plain), "it jumped")


def test_offsets_missing_at_start_are_refused(lines: Callable[..., Line]) -> None:
    """A group without an offset where the ledger has taken something lost it: LG-0702 before anything is read."""
    line = lines()
    line.write(1, 10)
    first = line.worker()
    first.takes(set(line.places))
    assert first.terminate() == 0
    admin = AdminClient({"bootstrap.servers": line.brokers})
    group = first.orders["group"]
    until(lambda: not admin.describe_consumer_groups([group])[group].result(10).members, "the group is empty")
    admin.delete_consumer_groups([group])[group].result(10)
    second = line.worker()
    assert second.ended() == 70
    assert "LG-0702" in second.log.read_text()


def test_w12_a_group_ahead_of_its_ledger_is_stopped(lines: Callable[..., Line]) -> None:
    """W12: an offset committed past what the ledger has taken is LG-0702 and the end, while it runs and at start."""
    line = lines()
    line.write(2, 20)
    first = line.worker()
    first.takes(set(line.places))
    until(first.caught_up, "caught up")
    first.flag("forget")
    assert first.ended() == 70
    second = line.worker()
    assert second.ended() == 70
    for worker in (first, second):
        assert "ahead of the ledger" in worker.log.read_text()


def test_hints_lie_where_the_sinks_look(lines: Callable[..., Line]) -> None:
    """A hint's partition is `schemas.murmur2.partition` of its key, so `desired.shard` and Kafka agree."""
    line = lines()
    topic = f"{line.name}.g1.load.live"
    kafka.ensure_topics(line.brokers, {topic: (4, {})})
    worker = line.worker(background="hint", hints=topic)
    until(lambda: worker.alive() and worker.read("sent"), "sent")
    assert worker.read("sent") == "200"
    reader = kafka.consumer(line.brokers, f"{line.name}.reader", line.name)
    reader.subscribe([topic])
    found = {}
    until(
        lambda: [found.update({m.key(): m.partition()}) for m in reader.consume(200, 0.2)] and len(found) == 200, "read"
    )
    reader.close()
    assert found == {key: murmur2.partition(key.decode(), 4) for key in found}
    assert set(found.values()) == {0, 1, 2, 3}


def test_a_missing_topic_is_named(lines: Callable[..., Line]) -> None:
    """Topics are made beforehand: a worker that does not find one refuses with LG-0701."""
    line = lines()
    line.topics.append(f"{line.name}.cdc.public.absent")
    worker = line.worker()
    assert worker.ended() == 70
    assert "LG-0701" in worker.log.read_text()
    assert "public.absent" in worker.log.read_text()


def drop_until(line: Line, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": line.brokers})
    place = TopicPartition(line.topics[0], 0, offset)
    admin.delete_records([place])[place].result(10)
