"""Starts the two listeners on one loop and stops them on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from sandbox.twenty import signup, webhooks, workflows
from sandbox.twenty.app import TwentyApp
from sandbox.twenty.bucket import TokenBucket
from sandbox.twenty.clock import SystemClock
from sandbox.twenty.control import control_app
from sandbox.twenty.faults import Faults
from sandbox.twenty.journal import Journal
from sandbox.twenty.keys import Keys
from sandbox.twenty.store import Store
from sandbox.twenty.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The command line."""

    host: str = "127.0.0.1"
    port: int = 0
    control_port: int = 0
    db: str = ":memory:"
    key: str
    key_name: str = "api-key"
    limit: int = 100
    window_ms: int = 60_000
    legacy: bool = False
    sign_up: bool = False  #: sample rows and the active workflow of a workspace made by sign-up
    run_workflows_ms: int | None = None  #: run that workflow so long after a write; None = code steps are disabled
    ports_file: Path | None = None


class _Listener(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None of its own."""
        yield


def build(settings: Settings) -> Workspace:
    """The workspace of these settings, loaded from its file or founded in it."""
    clock = SystemClock()
    store = Store(settings.db, clock.stamp())
    workspace = Workspace(
        store=store,
        clock=clock,
        bucket=TokenBucket(settings.limit, settings.window_ms, clock.ms),
        keys=Keys(settings.key, settings.key_name),
        faults=Faults(),
        journal=Journal(),
        legacy=settings.legacy,
    )
    if settings.sign_up and store.meta("signed_up") is None:
        signup.prepare(workspace)
        store.remember("signed_up", clock.stamp())
        store.flush()
    workspace.listeners.append(webhooks.Sender(workspace).hear)
    if settings.run_workflows_ms is not None:
        workspace.listeners.append(workflows.Runner(workspace, settings.run_workflows_ms / 1000).hear)
    return workspace


def run(settings: Settings) -> None:
    """Serves until a signal."""
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    workspace = build(settings)
    sockets = [_bind(settings.host, settings.port), _bind(settings.host, settings.control_port)]
    listeners = [_listener(app) for app in (TwentyApp(workspace), control_app(workspace))]
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, _stop, listeners)
    tasks = [asyncio.ensure_future(one.serve(sockets=[bound])) for one, bound in zip(listeners, sockets, strict=True)]
    while not all(one.started for one in listeners) and not any(task.done() for task in tasks):
        await asyncio.sleep(0.005)
    if settings.ports_file:
        _announce(settings, sockets)
    try:
        await asyncio.gather(*tasks)
    finally:
        workspace.store.close()


def _bind(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only for sockets that say they are TCP; else every answer waits 40 ms
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


def _listener(app: Any) -> _Listener:
    # h11 takes 16 KB of request line and headers, as Node does; 400 ids in a filter fit (twenty.md 1.7)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        http="h11",
        ws="none",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=120,
    )
    return _Listener(config)


def _stop(listeners: list[_Listener]) -> None:
    for one in listeners:
        one.should_exit = True


def _announce(settings: Settings, sockets: list[socket.socket]) -> None:
    assert settings.ports_file is not None
    ports = {
        "host": settings.host,
        "port": sockets[0].getsockname()[1],
        "control_port": sockets[1].getsockname()[1],
        "pid": os.getpid(),
    }
    draft = settings.ports_file.with_suffix(".part")
    draft.write_text(json.dumps(ports), "utf-8")
    draft.replace(settings.ports_file)
