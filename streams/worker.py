"""The streams worker: `python -m streams.worker --run FILE --name NAME`. Faust takes, a loop beside it projects."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import orjson

from infra import logs
from ledger import connection, offsets, plans, wishes
from ledger.desired import Desired
from ledger.pool import Pool
from schemas import hint, naming
from schemas.errors import LockgateError
from schemas.run_file import RunFile
from streams import app as engine
from streams.batches import Batch
from streams.hints import Hint, Hints
from streams.project import Projector
from streams.take import Taker

#: A mark that no message announced waits at most this long.
SWEEP_S = 1.0
_log = logs.get("streams")


class StreamsWorker:
    """Wires Faust's batches to take, and take to project."""

    def __init__(self, run: RunFile, name: str) -> None:
        self._run = run
        self._name = name
        dsn = os.environ[run.ledger_dsn_env] if run.ledger_dsn_env else run.ledger_dsn
        self._pool = Pool(dsn, run.migration, name)
        self._taker = Taker(self._pool, run.generation)
        self._projector = Projector(self._pool, run.generation)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dirty = asyncio.Event()

    def take(self, batch: Batch) -> None:
        """Called in a thread, once a batch; wakes the projection."""
        self._taker.take(batch)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._dirty.set)

    async def background(self, hints: Hints) -> None:
        """Projects while anything is dirty, else waits for take or the sweep; weather waits, a bug passes (law 4)."""
        self._loop = asyncio.get_running_loop()
        beat_at = 0.0
        while True:
            self._dirty.clear()
            try:
                if self._loop.time() - beat_at >= SWEEP_S:
                    beat_at = self._loop.time()
                    await asyncio.to_thread(self._report)
                    await asyncio.to_thread(self._projector.sweep)
                queued = await asyncio.to_thread(self._projector.step)
            except Exception as error:
                if not connection.is_weather(error):
                    raise
                _log.warning("ledger away", error=type(error).__name__)
                await asyncio.sleep(SWEEP_S)
                continue
            if queued:
                await hints.send([self._hint(d) for d in queued])
            if self._projector.idle:
                await self._wait()

    def ledger_offsets(self) -> Mapping[tuple[str, int], int]:
        """Highest offset taken per partition, for the guard that the group never runs ahead (W12)."""
        with self._pool.use() as conn:
            return {place: o.next_offset - 1 for place, o in offsets.read(conn).items()}

    def settings(self) -> engine.AppSettings:
        """Faust's settings for this worker; makes the folder it wants to keep files in."""
        place = self._run.data_dir / self._name
        place.mkdir(parents=True, exist_ok=True)
        return engine.AppSettings(
            group=naming.streams_group(self._run.migration, self._run.generation),
            brokers=self._run.kafka,
            topics=self._run.topics,
            data_dir=place,
        )

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_S):
                await self._dirty.wait()
        except TimeoutError:
            return

    def _report(self) -> None:
        with self._pool.use() as conn:
            revision, plan = plans.obeyed(conn, self._run.generation)
            wishes.beat(conn, self._name, "streams", os.getpid(), socket.gethostname(), revision, None)
            states = {(o.object, lane): "running" for o in plan.objects for lane in naming.LANES}
            wishes.observe(conn, self._name, "streams", states)

    def _hint(self, desired: Desired) -> Hint:
        value = hint.hint(
            object_=desired.object, kind=desired.kind, key=desired.key, seq=desired.seq, cause=desired.cause
        )
        return Hint(
            topic=naming.load_topic(self._run.migration, self._run.generation, desired.lane),
            key=naming.hint_key(desired.kind, desired.key),
            value=orjson.dumps(value),
        )


def main(argv: list[str] | None = None) -> int:
    """Runs one worker until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="streams.worker")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--name", required=True)
    args = parser.parse_args(argv)
    logs.configure(args.name)
    try:
        worker = StreamsWorker(RunFile.load(args.run), args.name)
        built = engine.build(
            worker.settings(),
            worker.take,
            worker.background,
            ledger_offsets=worker.ledger_offsets,
            is_weather=connection.is_weather,
        )
        engine.main(built)
    except LockgateError as error:
        _log.error("stopped", code=error.code, text=error.message())
        return int(error.kind.exit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
