"""The streams worker: a Faust app with every repair and setting of engine.md 6 and 9, and nothing of a CRM."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from schemas.errors import LockgateError
from streams import agents, faust_repairs, halting, offsets
from streams.batches import Batch, IsWeather, Pace, Weather
from streams.hints import Hints
from streams.holds import Holds
from streams.offsets import LedgerOffsets, Offsets

Background = Callable[[Hints], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class AppSettings:
    """What one streams worker is told."""

    group: str  #: consumer group, `schemas.naming.streams_group(migration, generation)`
    brokers: str  #: `host:port`, comma separated
    topics: tuple[str, ...]  #: the cdc topics; they exist beforehand
    data_dir: Path  #: Faust makes a folder there; nothing in it matters
    pace: Pace = field(default_factory=Pace)  #: how batches grow
    commit_s: float = 0.5  #: seconds between commits of acknowledged offsets
    session_s: float = 6.0  #: a dead worker's partitions move after this
    guard_s: float = 30.0  #: seconds between looks of the offsets guard
    ahead: int = 0  #: offsets the group may stand ahead of the ledger


def is_weather_only(exc: BaseException) -> bool:
    """The default: only what says of itself that it is weather."""
    return isinstance(exc, Weather)


def build(
    settings: AppSettings,
    take: Callable[[Batch], None],
    background: Background | None = None,
    *,
    ledger_offsets: LedgerOffsets,
    is_weather: IsWeather = is_weather_only,
) -> Any:
    """The `faust.App`: one agent a topic calling `take` in a thread, `background(hints)` beside them, the guard.

    Refuses (LG-0703) an engine the repairs were not written for. Makes no connection.
    """
    import faust  # noqa: PLC0415 (its import installs things; nothing happens at import here)

    holds = Holds()
    app = faust.App(settings.group, **_conf(settings))
    faust_repairs.mend(app, holds)
    agents.add(app, settings.topics, take, is_weather=is_weather, holds=holds, pace=settings.pace)
    guard = Offsets(brokers=settings.brokers, group=settings.group, topics=settings.topics, ahead=settings.ahead)
    app.lockgate = _Extras(settings=settings, offsets=guard, ledger_offsets=ledger_offsets, holds=holds)
    _tasks(app, background)
    return app


def run(app: Any) -> int:
    """Run a built app until SIGTERM or SIGINT, then 0. Topics are looked for and first offsets given here.

    Raises LockgateError before anything runs: LG-0206, LG-0701, LG-0702. A crash of Faust ends the process (LG-0703).
    """
    extras: _Extras = app.lockgate
    extras.offsets.seed(extras.ledger_offsets)
    extras.offsets.check(extras.ledger_offsets)
    worker = _worker(app)
    try:
        worker.execute_from_commandline()
    except SystemExit as exc:
        if exc.code not in (None, 0):
            halting.halt("LG-0703", "Faust crashed", worker.crash_reason or app.crash_reason)
    except BaseException as exc:
        halting.halt("LG-0703", "the streams worker crashed", exc)
    return 0


def main(app: Any) -> NoReturn:
    """`run`, then leave at once: a thread in the middle of a transaction is not waited for, it was not acknowledged."""
    try:
        code = run(app)
    except LockgateError as exc:
        halting.halt(exc.code, exc.found, exc)
    halting.leave(code)


@dataclass(frozen=True, kw_only=True)
class _Extras:
    settings: AppSettings
    offsets: Offsets
    ledger_offsets: LedgerOffsets
    holds: Holds


def _conf(settings: AppSettings) -> dict[str, Any]:
    return {
        "broker": [f"kafka://{address}" for address in settings.brokers.split(",")],
        "datadir": str(settings.data_dir),
        "autodiscover": False,
        "web_enabled": False,
        "store": "memory://",
        "key_serializer": "raw",
        "value_serializer": "raw",
        "processing_guarantee": "at_least_once",  # W1
        "topic_disable_leader": True,
        "topic_allow_declare": False,  # topics are made beforehand, with their settings
        "broker_commit_interval": settings.commit_s,
        "broker_session_timeout": settings.session_s,
        "broker_heartbeat_interval": settings.session_s / 6,
        "broker_request_timeout": settings.session_s * 5,  # above the session's, else Faust refuses
        "broker_rebalance_timeout": settings.session_s * 2,
        "broker_max_poll_interval": 86400.0,  # W9: slow batches, full buffers and pauses count as idle
        "broker_commit_livelock_soft_timeout": 86400.0,
        "stream_processing_timeout": 86400.0,  # both only log, and a held topic is not slow
        "consumer_auto_offset_reset": "none",  # first offsets are given by `Offsets.seed`
        "consumer_max_fetch_size": 65536,  # compressed bytes; 1 MiB was 18,000 events in one fetch
        "stream_buffer_maxsize": 8192,
        "stream_recovery_delay": 0.1,
        "stream_wait_empty": False,
        "producer_acks": -1,
        "producer_linger": 0.0,
        "producer_compression_type": "lz4",
        "worker_redirect_stdouts": False,
    }


def _tasks(app: Any, background: Background | None) -> None:
    extras: _Extras = app.lockgate

    async def guard() -> None:
        _size_threads(len(extras.settings.topics))
        await offsets.watch(
            lambda: faust_repairs.committed(app),
            extras.ledger_offsets,
            every_s=extras.settings.guard_s,
            ahead=extras.settings.ahead,
        )

    async def beside() -> None:
        if background is not None:
            await background(Hints(app, extras.holds))

    for name, body in {"guard": guard, "background": beside}.items():
        app.task(_loud(name, body, app))


def _loud(name: str, body: Callable[[], Awaitable[None]], app: Any) -> Callable[[], Awaitable[None]]:
    async def task() -> None:
        try:
            await body()
        except (asyncio.CancelledError, StopAsyncIteration):
            raise
        except LockgateError as exc:
            halting.halt(exc.code, exc.found, exc)
        except BaseException as exc:
            if not app.should_stop:
                halting.halt("LG-0703", f"in the {name} loop", exc)

    task.__name__ = name
    return task


def _size_threads(topics: int) -> None:
    """Each agent may sit in a transaction at the same time, and the background loop needs threads of its own."""
    pool = ThreadPoolExecutor(max_workers=topics + 8, thread_name_prefix="take")
    asyncio.get_running_loop().set_default_executor(pool)


def _worker(app: Any) -> Any:
    from faust.worker import Worker  # noqa: PLC0415

    worker = Worker(app, quiet=True, redirect_stdouts=False, override_logging=False)
    worker.spinner = None
    worker._setproctitle = lambda *_args, **_kwargs: None  # `status` finds processes by their own names
    return worker


__all__: Sequence[str] = ("AppSettings", "Hints", "build", "is_weather_only", "main", "run")
