"""Topics, transactional writers and workers for the tests of streams/ on a real broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from infra import kafka

WORKER = Path(__file__).with_name("faust_worker.py")
DEADLINE_S = 60.0


def until(what: Callable[[], Any], why: str, seconds: float = DEADLINE_S) -> Any:
    """The first true answer of `what`; fails with `why` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := what():
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {why}"
        time.sleep(0.02)


class Line:
    """Topics of one test, what was committed to them, and the workers reading them."""

    def __init__(self, brokers: str, folder: Path, *, topics: int = 1, partitions: int = 4) -> None:
        self.brokers, self.folder = brokers, folder
        self.name = "t" + uuid.uuid4().hex[:8]
        self.topics = [f"{self.name}.cdc.public.t{n}" for n in range(topics)]
        kafka.ensure_topics(brokers, {topic: (partitions, {}) for topic in self.topics})
        self.keys: dict[str, set[str]] = {topic: set() for topic in self.topics}
        self.aborted: set[str] = set()
        self.places: dict[str, tuple[str, int, int]] = {}
        self.workers: list[Worker] = []
        self._producer: Producer | None = None
        self._count = 0

    def write(self, transactions: int, size: int, *, abort_every: int = 0, topic: int = 0) -> None:
        """Transactions of `size` events with new keys; every `abort_every`-th is aborted. The first is a tombstone."""
        if self._producer is None:
            self._producer = kafka.producer(self.brokers, self.name, **{"transactional.id": self.name})
            self._producer.init_transactions(30)
        for number in range(1, transactions + 1):
            self._producer.begin_transaction()
            keys = [f"k{self._count + n}" for n in range(size)]
            self._count += size
            for n, key in enumerate(keys):
                value = b'{"op":"c"}' * 20 if n else None
                self._producer.produce(self.topics[topic], key=key, value=value, on_delivery=self._delivered)
            if abort_every and number % abort_every == 0:
                self._producer.flush()  # what is aborted must lie in the log
                self._producer.abort_transaction()
                self.aborted |= set(keys)
                self.places = {key: place for key, place in self.places.items() if key not in self.aborted}
            else:
                self._producer.commit_transaction()
                self.keys[self.topics[topic]] |= set(keys)

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self.places[message.key().decode()] = (message.topic(), message.partition(), message.offset())

    def skipped(self, worker: Worker) -> set[str]:
        """Keys not taken although a later event of their partition was: the ledger's highest offset ran past them."""
        taken, highest = worker.keys(), worker.highest()
        passed = {k for k, (topic, number, at) in self.places.items() if at < highest.get((topic, number), -1)}
        return passed - taken

    def worker(self, group: str = "w", **orders: Any) -> Worker:
        """Start a worker; those of one group share what they took."""
        flags = self.folder / f"{self.name}-{group}"
        flags.mkdir(exist_ok=True)
        out = flags / "taken"
        out.touch()
        worker = Worker(
            {
                "group": f"{self.name}.{group}",
                "brokers": self.brokers,
                "topics": self.topics,
                "out": str(out),
                "flags": str(flags),
                **orders,
            },
            log=flags / f"log-{len(self.workers)}",
        )
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()


class Worker:
    """A worker process and what it has taken."""

    def __init__(self, orders: dict[str, Any], *, log: Path) -> None:
        self.orders, self.log = orders, log
        self.flags, self.out = Path(orders["flags"]), Path(orders["out"])
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER), json.dumps(orders)], stdout=stream, stderr=stream, env=dict(os.environ)
            )

    def lines(self) -> list[tuple[str, int, int, str]]:
        """(topic, partition, offset, key) in the order taken."""
        rows = [line.split(" ") for line in self.out.read_text().splitlines()]
        return [(topic, int(partition), int(offset), key) for topic, partition, offset, key in rows]

    def keys(self, topic: str | None = None) -> set[str]:
        """Distinct keys taken."""
        return {line[3] for line in self.lines() if topic in (None, line[0])}

    def committed(self) -> dict[kafka.Partition, int]:
        """The group's offsets."""
        return kafka.committed(self.orders["brokers"], self.orders["group"], self.orders["topics"])

    def highest(self) -> dict[kafka.Partition, int]:
        """Highest offset taken of each partition."""
        highest: dict[kafka.Partition, int] = {}
        for topic, partition, offset, _ in self.lines():
            highest[topic, partition] = max(offset, highest.get((topic, partition), -1))
        return highest

    def caught_up(self) -> bool:
        """The group's offset stands right behind the last event taken, everywhere."""
        committed = self.committed()
        return all(committed[place] == offset + 1 for place, offset in self.highest().items())

    def takes(self, keys: set[str]) -> None:
        """Wait until all of `keys` were taken."""
        until(lambda: self.alive() and keys <= self.keys(), f"{self.orders['group']} took {keys}"[:200])

    def alive(self) -> bool:
        assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log.read_text()[-2000:]}"
        return True

    def flag(self, name: str, text: str = "") -> None:
        (self.flags / name).write_text(text)

    def read(self, name: str) -> str:
        """The text of a flag the worker writes; empty if it has not."""
        return (self.flags / name).read_text() if (self.flags / name).exists() else ""

    def clear(self, name: str) -> None:
        (self.flags / name).unlink()

    def ended(self, seconds: float = 20.0) -> int:
        """Wait for its end; the exit code."""
        return self.process.wait(seconds)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


def lines(request: Any, folder: Path) -> Iterator[Callable[..., Line]]:
    """For a fixture: makes lines, and ends their workers. LOCKGATE_TEST_KAFKA names a broker that already runs."""
    brokers = os.environ.get("LOCKGATE_TEST_KAFKA") or request.getfixturevalue("stack").endpoints.kafka
    made: list[Line] = []

    def make(**shape: Any) -> Line:
        made.append(Line(brokers, folder, **shape))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.close()
