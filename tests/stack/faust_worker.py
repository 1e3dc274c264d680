"""A streams worker for tests: takes into an append-only file, obeys flag files, can be run without one repair."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from infra import logs
from streams import agents, app, batches, faust_repairs
from streams.batches import Batch, Pace, Weather
from streams.hints import Hint, Hints


class Ledger:
    """One line an event, one write a batch: `topic partition offset key`."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.out = os.open(orders["out"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def take(self, batch: Batch) -> None:
        flags = Path(self.orders["flags"])
        if (flags / "weather").exists() and batch.topic == (flags / "weather").read_text():
            raise Weather
        while (flags / "stuck").exists():
            (flags / "inside").touch()
            time.sleep(0.01)
        if self.orders.get("bug_at") in {event.key.decode() for event in batch.events if event.key}:
            raise ValueError("a bug")
        lines = [f"{e.topic} {e.partition} {e.offset} {(e.key or b'-').decode()}\n" for e in batch.events]
        os.write(self.out, "".join(lines).encode())

    def offsets(self) -> dict[tuple[str, int], int]:
        highest: dict[tuple[str, int], int] = {}
        for line in Path(self.orders["out"]).read_text().splitlines():
            topic, partition, offset, _ = line.split(" ")
            place = (topic, int(partition))
            highest[place] = max(int(offset), highest.get(place, -1))
        return {} if (Path(self.orders["flags"]) / "forget").exists() else highest


def background(orders: dict[str, Any]) -> app.Background:
    async def toggle(hints: Hints) -> None:
        """Pause and resume without rest until the flag `calm`; counts what happened while partitions were ours."""
        topic, toggles = orders["topics"][0], 0
        while not (Path(orders["flags"]) / "calm").exists():
            hints.holds.hold(topic)
            await asyncio.sleep(0.002)
            hints.holds.release(topic)
            await asyncio.sleep(0.002)
            toggles += bool(hints.holds._partitions(topic))
            (Path(orders["flags"]) / "toggles").write_text(str(toggles))
        await asyncio.Event().wait()

    async def pause(hints: Hints) -> None:
        topic, wish, seen = orders["topics"][0], Path(orders["flags"]) / "pause", Path(orders["flags"]) / "observed"
        while True:
            (hints.holds.hold if wish.exists() else hints.holds.release)(topic)
            seen.write_text(str(hints.holds.paused(topic)))
            await asyncio.sleep(0.02)

    async def hint(hints: Hints) -> None:
        sent = await hints.send([Hint(topic=orders["hints"], key=f"company/{n}", value=b"{}") for n in range(200)])
        (Path(orders["flags"]) / "sent").write_text(str(sent))
        await pause(hints)

    return {"toggle": toggle, "pause": pause, "hint": hint}[orders.get("background", "pause")]


async def naive(stream: Any, app: Any, take: Any, **_: Any) -> None:
    """What an agent looks like when nobody has read W5."""
    async for event in stream.events():
        take(Batch(topic=event.message.topic, events=(batches._plain(event.message),)))


def weaken(without: str, conf: dict[str, Any]) -> None:
    """Take one repair away."""
    if without in faust_repairs.REPAIRS:
        del faust_repairs.REPAIRS[without]
    elif without == "W5":
        agents.batches.run = naive
    elif without == "W9":
        conf["broker_max_poll_interval"] = 1.0
    elif without == "W10":
        faust_repairs.never_block_the_drain = lambda queue: None
    elif without:
        raise AssertionError(without)


def main() -> None:
    orders = json.loads(sys.argv[1])
    logs.configure("streams-test")
    settings = app.AppSettings(
        group=orders["group"],
        brokers=orders["brokers"],
        topics=tuple(orders["topics"]),
        data_dir=Path(orders["flags"]) / "faust",
        pace=Pace(most=orders.get("most", 500)),
        session_s=orders.get("session_s", 3.0),
        commit_s=0.25,
        guard_s=0.5,
    )
    conf, plain = {**app._conf(settings), **orders.get("conf", {})}, app._conf
    app._conf = lambda _settings: {**plain(_settings), **conf}
    weaken(orders.get("without", ""), conf)
    ledger = Ledger(orders)
    app.main(app.build(settings, ledger.take, background(orders), ledger_offsets=ledger.offsets))


if __name__ == "__main__":
    main()
